// Which situations a run went through, so that it is known that the seeds meet all of them.
import type { Handled } from "../../../router/delivery.ts";
import { buildChains } from "./chains.ts";
import type { Handling } from "./records.ts";
import { STEPS_TABLE } from "./tables.ts";
import type { World } from "./world.ts";

/** Every situation that the seeds of `npm test` must meet. */
export const SITUATIONS = [
  "a delivery was repeated",
  "a publish met another in flight",
  "a repeat found the standing assignment",
  "a key stood for another body",
  "a decision was pushed later",
  "an attempt was followed by the next",
  "an effect was given up",
  "a withdrawal was finished by another",
  "a chain was left with two messages",
  "a key was used again after its window",
  "a redelivery came after the window",
  "a decision failed until its last error",
  "a legacy assignment was dispatched",
  "the store was full",
  "the store was not available",
  "nothing was stored for an unkeyed decision",
  "an invalid message was refused",
  "a step refused a message",
  "a step was waited for",
  "work that stood was settled without a step",
  "a repetition with steps found that its work was stored",
] as const;

/** Longer than a withdrawal takes when its writer makes it. */
const FINISHED_LATER_MS = 5_000;

export type Situation = (typeof SITUATIONS)[number];

type Note = (situation: Situation, isMet: boolean) => void;

export function situationsOf(world: World): Set<Situation> {
  const met = new Set<Situation>();
  const note: Note = (situation, isMet) => void (isMet && met.add(situation));
  note(
    "a delivery was repeated",
    world.queue.messages.some(({ deliveryCount }) => deliveryCount > 1),
  );
  note("a publish met another in flight", world.network.metInFlight > 0);
  note("a legacy assignment was dispatched", world.network.legacy.journal.length > 0);
  for (const handling of world.handlings) {
    const { handled, input } = handling;
    if (handled === undefined) continue;
    noteSteps(handling, handled, note);
    const { outcome } = handled;
    if (outcome.kind === "decided") {
      note("a repeat found the standing assignment", outcome.existing && outcome.dispatched);
      note("nothing was stored for an unkeyed decision", !outcome.dispatched && input.key === undefined);
    } else if (outcome.kind === "rejected") {
      const { reason } = outcome.rejection;
      note("a key stood for another body", reason === "idempotency_key_reused");
      note("a redelivery came after the window", reason === "redelivered_after_window");
      note("a decision failed until its last error", reason === "decision_failed");
      note("an invalid message was refused", input.invalid);
    } else if (outcome.kind === "postponed") {
      note("the store was full", outcome.code === "full");
      note("the store was not available", outcome.code === "unavailable");
    }
  }
  noteChains(world, note);
  return met;
}

function noteSteps({ table, calls }: Handling, { outcome }: Handled, note: Note): void {
  if (table !== STEPS_TABLE) return;
  if (outcome.kind === "rejected") {
    note("a step refused a message", outcome.rejection.reason === "validator_blocked");
  }
  note("a step was waited for", outcome.kind === "postponed" && outcome.code === "step");
  if (outcome.kind !== "decided" || !outcome.existing) return;
  note("work that stood was settled without a step", calls === 0);
  note("a repetition with steps found that its work was stored", calls > 0);
}

function noteChains(world: World, note: Note): void {
  const { byEffect } = buildChains(world.network.assignments.journal, new Set());
  for (const chains of byEffect.values()) {
    note("a key was used again after its window", chains.length > 1);
    for (const chain of chains) {
      for (const [index, { existing, message }] of chain.entries()) {
        const next = chain[index + 1];
        if (next === undefined) continue;
        note("a decision was pushed later", existing.stage === "decided" && next.existing.stage === "assignment");
        note("an attempt was followed by the next", existing.attempt > 0 && next.existing.stage === "assignment");
        note("an effect was given up", next.existing.stage === "end");
        note("a withdrawal was finished by another", isLater(message.removedMs - next.message.timestampMs));
        note("a chain was left with two messages", message.removedMs === Number.POSITIVE_INFINITY);
      }
    }
  }
}

function isLater(delayMs: number): boolean {
  return delayMs > FINISHED_LATER_MS && delayMs < Number.POSITIVE_INFINITY;
}
