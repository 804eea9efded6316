// What the streams hold against what a load made: each effect stored once, each refused message in the dead letters once.
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { namesFor, parseEffectSubject } from "../../../core/handover/subjects.ts";
import { readDeadLetters, readSubjectCounts } from "../../e2e/streams-io.ts";
import { eventually } from "../../support/await.ts";
import type { LoadTotals } from "./calls.ts";

const { streams, consumers } = namesFor();
const EVERY_MS = 250;

/**
 * Waits until no submitted message waits any more, then compares. Asks the consumer, not the stream: after kills and a restart
 * of the server the stream may keep a message that its consumer has settled (seen: one, below the floor of acknowledgements).
 * Returns how many of those there are.
 */
export async function compareStreams(nc: NatsConnection, totals: LoadTotals, deadlineMs: number): Promise<number> {
  const manager = await jetstreamManager(nc, { checkAPI: false });
  let waiting = "";
  const isSettled = async (): Promise<boolean> => {
    const { num_pending, num_ack_pending } = await manager.consumers.info(streams.submit, consumers.decide);
    waiting = `${num_pending} to be taken, ${num_ack_pending} to be settled`;
    return num_pending + num_ack_pending === 0;
  };
  await eventually(isSettled, {
    deadlineMs,
    describe: () => `no submitted message waits: ${waiting}`,
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
  const { state } = await manager.streams.info(streams.submit);
  const { ack_floor } = await manager.consumers.info(streams.submit, consumers.decide);
  assert.ok(state.last_seq <= ack_floor.stream_seq, "every message in the submit stream is settled");
  return state.messages;
}
