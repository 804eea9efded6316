// Verdicts in the registry's bucket, written as control planes write them, for tests of those who read.
import assert from "node:assert/strict";
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import { encodeVerdict, entryKey, type PublishedVerdict } from "../../core/registry/entries.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { deleteKey, putKey } from "../../runtime/nats/kv.ts";

const IO_MS = 5_000;

/** A live and healthy processor, but for what `more` says. */
export async function writeVerdict(link: NatsLink, id: string, more: Partial<PublishedVerdict> = {}): Promise<void> {
  const verdict: PublishedVerdict = {
    kind: "processor",
    id,
    instance: `${id}-1`,
    endpoint: "127.0.0.1:9000",
    inputEventTypes: [],
    outputEventTypes: [],
    liveness: "live",
    reported: "HEALTHY",
    isCandidate: more.liveness !== "lost",
    sinceMs: 1,
    seq: 1,
    ...more,
  };
  const key = entryKey(nodeCodec, "verdict", verdict);
  const result = await putKey(link.mux, REGISTRY_BUCKET, key, encodeVerdict(nodeCodec, verdict), { timeoutMs: IO_MS });
  assert.equal(result.kind, "stored", JSON.stringify(result));
}

export async function removeVerdict(link: NatsLink, id: string): Promise<void> {
  const key = entryKey(nodeCodec, "verdict", { kind: "processor", id });
  await deleteKey(link.mux, REGISTRY_BUCKET, key, { timeoutMs: IO_MS });
}
