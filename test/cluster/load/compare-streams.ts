// What the streams hold against what a load made: each effect stored once, each refused message in the dead letters once.
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { namesFor, parseEffectSubject } from "../../../core/handover/subjects.ts";
import { readDeadLetters, readSubjectCounts } from "../../e2e/streams-io.ts";
import { eventually } from "../../support/await.ts";
import type { LoadTotals } from "./calls.ts";

const { streams } = namesFor();
const EVERY_MS = 250;

/** Waits until every submitted message is settled, then compares. */
export async function compareStreams(nc: NatsConnection, totals: LoadTotals, deadlineMs: number): Promise<void> {
  const manager = await jetstreamManager(nc, { checkAPI: false });
  await eventually(async () => (await manager.streams.info(streams.submit)).state.messages === 0, {
    deadlineMs,
    describe: "the submit stream is empty",
    everyMs: EVERY_MS,
  });
  const stored = new Map<string, number>();
  for (const [subject, count] of await readSubjectCounts({ nc }, streams.assignments)) {
    const effectId = parseEffectSubject(subject)?.effectId ?? subject;
    stored.set(effectId, (stored.get(effectId) ?? 0) + count);
  }
  const expected = new Set([...totals.assigned, ...totals.decidedOnly]);
  const lost = [...expected].filter((effectId) => !stored.has(effectId));
  const unexpected = [...stored.keys()].filter((effectId) => !expected.has(effectId));
  const doubled = [...stored].filter(([, count]) => count !== 1);
  assert.deepEqual({ lost, unexpected, doubled }, { lost: [], unexpected: [], doubled: [] });
  const letters = await readDeadLetters({ nc }, streams.dlq);
  assert.deepEqual(new Map([...letters].sort()), new Map([...totals.deadLetters].sort()));
}
