// Orders that look right and are not. Each is kept so that the checker is seen to find it; docs/adr tells why the
// router does otherwise.
import { withdrawalOf } from "../../../core/handover/chain.ts";
import type { Effect, EffectResult, OutgoingMessage } from "../../../core/handover/effects.ts";
import { readExisting } from "../../../core/handover/existing.ts";
import type { Delivery, HandleContext, Handled } from "../../../router/delivery.ts";
import { handleDelivery } from "../../../router/handle.ts";
import { type Protocol, routerProtocol, type SimEffect } from "./protocol.ts";
import { planSuccessor, type RerouteJob, type Rerouting } from "./reroute.ts";

type Publish = Extract<Effect, { kind: "publish" }>;
type Mistaken = Generator<SimEffect, EffectResult | Handled, EffectResult>;

/** A TTL that seems long enough for the work. */
const WORK_TTL_MS = 3_000;
const UNCLAIMED = "unclaimed";

/** The router, except that publishing work goes another way: `publish` gives its result, or ends the handling. */
function withWork(publish: (effect: Publish, delivery: Delivery) => Mistaken): Protocol["handle"] {
  return function* (delivery: Delivery, context: HandleContext) {
    const handling = handleDelivery(delivery, context);
    let result: EffectResult = { kind: "done" };
    for (;;) {
      const next = handling.next(result);
      if (next.done) return next.value;
      if (next.value.kind === "publish" && next.value.message.purpose === "assignment") {
        const outcome: EffectResult | Handled = yield* publish(next.value, delivery);
        if ("disposition" in outcome) return outcome;
        result = outcome;
      } else result = yield next.value;
    }
  };
}

/** The same message without anything that makes it its own claim. */
function unclaimed(message: OutgoingMessage, unique: string): OutgoingMessage {
  const { expectLastSequence: _sequence, expectSubject: _subject, ...rest } = message;
  return { ...rest, msgId: `${message.msgId}:${unique}` };
}

function mark(message: OutgoingMessage): OutgoingMessage {
  const subject = `simulation.mark.${message.msgId.split(":")[0]}`;
  return { purpose: "decided", subject, headers: [], body: new Uint8Array(0), msgId: `mark:${message.msgId}` };
}

/** Looks whether the effect is remembered, publishes, then remembers: a crash in between doubles it. */
function* publishThenRemember(effect: Publish, delivery: Delivery): Mistaken {
  const memory = mark(effect.message);
  const known = yield { kind: "readLast", subject: memory.subject };
  if (known.kind === "found") return { kind: "conflict" };
  if (known.kind === "unavailable") return known;
  const unique = `${UNCLAIMED}:${delivery.nowMs}`;
  const result = yield { kind: "publish", message: unclaimed(effect.message, unique) };
  if (result.kind === "stored") yield { kind: "publish", message: memory };
  return result;
}

/** Claims the effect beside the work, then publishes: a crash in between leaves a claim without work. */
function* claimThenPublish(effect: Publish, delivery: Delivery): Mistaken {
  const claim = yield { kind: "publish", message: { ...mark(effect.message), expectLastSequence: 0 } };
  const isTaken = claim.kind === "conflict" || (claim.kind === "stored" && claim.duplicate);
  if (isTaken) return settled(delivery);
  if (claim.kind !== "stored") return claim;
  return yield { kind: "publish", message: unclaimed(effect.message, UNCLAIMED) };
}

/** Settles the delivery before the work is known to be stored: a crash or a lost publish loses it. */
function* acknowledgeThenPublish(effect: Publish): Mistaken {
  yield { kind: "settle", disposition: { kind: "ack" } };
  return yield effect;
}

/** Lets the work expire by itself when its deadline is over: its claim goes with it. */
function* publishWithTtl(effect: Publish): Mistaken {
  return yield { ...effect, message: { ...effect.message, ttlMs: WORK_TTL_MS } };
}

/** Trusts the window of message ids alone: a redelivery after it doubles the work. */
function* publishByMessageId(effect: Publish): Mistaken {
  const { expectLastSequence: _sequence, expectSubject: _subject, ...message } = effect.message;
  return yield { ...effect, message };
}

/** Withdraws an attempt before the next one is stored: in between the effect is unclaimed. */
function* withdrawThenReroute(job: RerouteJob, context: HandleContext, nowMs: number): Rerouting {
  const found = yield { kind: "readLast", subject: `caf.exec.assign.v1.to.${job.effectId}.>` };
  if (found.kind !== "found") return found.kind === "absent" ? "done" : "again";
  const existing = readExisting(found.message);
  if (existing?.stage !== "assignment" || existing.attempt !== job.attempt) return "done";
  yield withdrawalOf(existing, existing.sequence + 1);
  const next = planSuccessor(existing, job.request, context, nowMs);
  const result = yield { kind: "publish", message: { ...next, expectLastSequence: 0 } };
  return result.kind === "stored" ? "done" : "again";
}

function settled(delivery: Delivery): Handled {
  return {
    disposition: delivery.position === undefined ? { kind: "none" } : { kind: "ack" },
    outcome: { kind: "postponed", code: "unavailable", message: "claimed by another delivery", tenantId: "" },
    countsAsError: false,
    reply: "none",
  };
}

const { reroute } = routerProtocol;

/** `consequence`: what the checker must find of it, not merely that something is out of order. */
export interface WrongOrder {
  readonly name: string;
  readonly protocol: Protocol;
  readonly consequence: RegExp;
}

const TWICE = /: done twice$/;
const LOST = /: lost$/;

export const WRONG_ORDERS: readonly WrongOrder[] = [
  { name: "publish, then remember", protocol: { handle: withWork(publishThenRemember), reroute }, consequence: TWICE },
  {
    name: "claim in a bucket, then publish",
    protocol: { handle: withWork(claimThenPublish), reroute },
    consequence: LOST,
  },
  {
    name: "withdraw before the next attempt is stored",
    protocol: { handle: handleDelivery, reroute: withdrawThenReroute },
    consequence: TWICE,
  },
  { name: "a TTL on the assignment", protocol: { handle: withWork(publishWithTtl), reroute }, consequence: TWICE },
  {
    name: "acknowledge before the PubAck",
    protocol: { handle: withWork(acknowledgeThenPublish), reroute },
    consequence: LOST,
  },
  {
    name: "message ids without an expectation",
    protocol: { handle: withWork(publishByMessageId), reroute },
    consequence: TWICE,
  },
];
