// Whether the validators of incoming messages serve: each router is one, and says every 10 s in a bucket what it serves.
import { parseAck } from "../../core/config/acknowledge.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { bucketStream, bucketSubject } from "../../runtime/nats/kv.ts";
import { type KeptMessage, readLastMessages } from "../../runtime/nats/read-last.ts";

export interface ValidatorHealth {
  readonly name: string;
  readonly status: "serving" | "not_serving" | "unknown";
  readonly atMs: number;
  readonly details: string;
}

const READ_TIMEOUT_MS = 2_000;
/** Two acknowledgements are missing. */
const SILENT_MS = 25_000;
const ALL = "intake";

/** Ordered by name. What cannot be known is one entry that says why. */
export async function readValidators(link: NatsLink | undefined, nowMs: number): Promise<readonly ValidatorHealth[]> {
  const unknown = (details: string): readonly ValidatorHealth[] => [
    { name: ALL, status: "unknown", atMs: nowMs, details },
  ];
  if (link === undefined) return unknown("this control plane has no connection to NATS");
  const { acks } = namesFor().buckets;
  const kept = await readLastMessages(link, bucketStream(acks), bucketSubject(acks, ">"), READ_TIMEOUT_MS);
  if (kept === undefined) return unknown("what routers serve cannot be read from NATS");
  const prefix = bucketSubject(acks, "");
  const validators = kept.flatMap((message) => judge(message, message.subject.slice(prefix.length), nowMs));
  if (validators.length === 0) return unknown("no router has said in the last minute what it serves");
  return validators.sort((left, right) => (left.name < right.name ? -1 : 1));
}

function judge({ data, storedAtMs }: KeptMessage, key: string, nowMs: number): readonly ValidatorHealth[] {
  const ack = parseAck(nodeCodec, data);
  if (ack === undefined) return [];
  const atMs = Number.isNaN(storedAtMs) ? nowMs : storedAtMs;
  const silentMs = nowMs - atMs;
  const { appliedRevision, rejectedCount, version } = ack;
  const serves = `router ${version} serves revision ${appliedRevision}`;
  const name = `${ALL}:${key}`;
  if (silentMs > SILENT_MS)
    return [{ name, status: "not_serving", atMs, details: `silent for ${Math.round(silentMs / 1_000)} s` }];
  if (appliedRevision === 0) return [{ name, status: "not_serving", atMs, details: "has no configuration yet" }];
  const rejects = rejectedCount === 0 ? "" : `, and rejects ${rejectedCount} of its entries`;
  return [{ name, status: "serving", atMs, details: serves + rejects }];
}
