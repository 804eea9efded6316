// A decision made into the message that is stored for it, or the existing assignment found instead.
import type { Decision } from "../core/decide/decision.ts";
import { planAssignment, planDecided } from "../core/handover/assignment.ts";
import { finishWithdrawal, planPush, storeForEffect, supersede } from "../core/handover/chain.ts";
import { decisionRecord, recordForAttempt } from "../core/handover/decision-record.ts";
import { keyedEffectId, streamEffectId } from "../core/handover/effect-id.ts";
import type { Effect, EffectResult, OutgoingMessage } from "../core/handover/effects.ts";
import { compareExisting } from "../core/handover/existing.ts";
import { fingerprint } from "../core/handover/fingerprint.ts";
import type { DecisionRecord, ExistingEffect } from "../core/handover/record.ts";
import type { DecideRequest } from "../core/intake/message.ts";
import { type CompiledPolicy, findPolicy } from "../core/policy/table.ts";
import { ok, type Result } from "../core/result.ts";
import type { Delivery, HandleContext } from "./delivery.ts";
import { deliverLegacy, legacySubjectOf, planLegacyClaim, storedClaim } from "./legacy.ts";
import { type Dispatched, describeUnstored, postponed, refused } from "./unstored.ts";

/** The identity of what a message causes. */
export interface EffectIdentity {
  readonly effectId: string;
  /** By an idempotency key: the decision is stored even when nothing is dispatched. */
  readonly keyed: boolean;
  readonly fingerprint: string;
}

/** Rounds of store and look before the store counts as unavailable; every round but the first needs something to have expired. */
const MAX_ROUNDS = 10;
const VANISHED_WAIT_MS = 10;
/** Deadline of a push whose policy is gone: the default of `assignment.deadline`. */
const DEFAULT_DEADLINE_MS = 30_000;

/** Keyed: by router, tenant and key. Durable: by the message's place in its stream. Otherwise random: one effect an attempt. */
export function identifyEffect(delivery: Delivery, request: DecideRequest, context: HandleContext): EffectIdentity {
  const { codec } = context;
  const key = context.idempotencyEnabled ? request.correlation.idempotencyKey : undefined;
  const print = fingerprint(codec, request);
  if (key !== undefined) {
    return { effectId: keyedEffectId(codec, context.router, request.tenantId, key), keyed: true, fingerprint: print };
  }
  const { position } = delivery;
  const effectId =
    position === undefined ? context.newId() : streamEffectId(codec, position.streamCreated, position.sequence);
  return { effectId, keyed: false, fingerprint: print };
}

/** Stores the assignment (or the bare decision of a keyed request), or adopts what stands. */
export function* dispatchDecision(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  decision: Decision,
  context: HandleContext,
): Generator<Effect, Dispatched, EffectResult> {
  const policy = findPolicy(context.table, request.tenantId, request.policyId);
  const push = isPushWanted(delivery, request, policy);
  const record = decisionRecord(decision, { configRevision: context.configRevision });
  if (!push && !effect.keyed) return { kind: "dispatched", record, stored: "none", existing: false };

  const first = planFirst(delivery, request, effect, { decision, record, push, policy }, context);
  if (first.kind === "refused") return refused(first.reason);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const outcome = yield* storeForEffect(first.message, effect.effectId);
    if (outcome.kind === "stored") {
      const claim = first.legacy ? storedClaim(first.message, outcome.sequence, delivery.nowMs) : undefined;
      const unsent = claim === undefined ? undefined : yield* deliverLegacy(claim, delivery, request, context);
      return unsent ?? { kind: "dispatched", record, stored: push ? "assignment" : "decided", existing: false };
    }
    if (outcome.kind === "standing") {
      return yield* adoptExisting(delivery, request, effect, outcome.existing, context);
    }
    if (outcome.kind !== "vanished") return describeUnstored(outcome);
    // What stood there has expired since, or a replica of the stream has not seen it yet. A durable message comes back and
    // is judged by its age again; trying on here would risk a second assignment after a stop of this process.
    if (delivery.position !== undefined) {
      return postponed("unavailable", "the effect vanished", false);
    }
    yield { kind: "wait", ms: VANISHED_WAIT_MS };
  }
  return refused("the effect kept changing while it was stored");
}

/** Makes the effect that stands the outcome: pushes a bare decision when a push is wanted now, else repeats its answer. */
export function* adoptExisting(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  standing: ExistingEffect,
  context: HandleContext,
): Generator<Effect, Dispatched, EffectResult> {
  if (compareExisting(standing, effect.fingerprint) === "violation") return { kind: "mismatch" };
  const policy = findPolicy(context.table, request.tenantId, request.policyId);
  const isBare = isBareDecision(standing);
  if (isBare && isPushWanted(delivery, request, policy)) {
    return yield* pushExisting(delivery, request, effect, standing, policy, context);
  }
  yield* finishWithdrawal(standing);
  const unsent = yield* deliverLegacy(standing, delivery, request, context);
  if (unsent !== undefined) return unsent;
  return { kind: "dispatched", record: standing.decision, stored: isBare ? "decided" : "assignment", existing: true };
}

/** A later push of a keyed decision: chained on it, to the same provider, with the decision that was answered. */
function* pushExisting(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  standing: ExistingEffect,
  policy: CompiledPolicy | undefined,
  context: HandleContext,
): Generator<Effect, Dispatched, EffectResult> {
  const planned = planSuccessor(delivery, request, standing, policy, context);
  if (!planned.ok) return refused(planned.error);
  const message = planned.value;
  const outcome = yield* supersede(standing, message);
  const record = recordForAttempt(standing.decision, standing.attempt + 1);
  if (outcome.kind === "stored") {
    const claim = message.purpose === "decided" ? storedClaim(message, outcome.sequence, delivery.nowMs) : undefined;
    const unsent = claim === undefined ? undefined : yield* deliverLegacy(claim, delivery, request, context);
    return unsent ?? { kind: "dispatched", record, stored: "assignment", existing: true };
  }
  // Another replica pushed it first; or it expired in between, and its key may stand for another message by now.
  if (outcome.kind === "standing" && !isBareDecision(outcome.existing)) {
    return yield* adoptExisting(delivery, request, effect, outcome.existing, context);
  }
  // The decision expired in between, or changed under the push: the next delivery or retry begins anew.
  return outcome.kind === "standing" || outcome.kind === "vanished" ? refused(outcome.kind) : describeUnstored(outcome);
}

/** Whether adopting this effect stores an assignment for it. */
export function isPushDue(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  standing: ExistingEffect,
  context: HandleContext,
): boolean {
  if (!isBareDecision(standing) || compareExisting(standing, effect.fingerprint) === "violation") return false;
  return isPushWanted(delivery, request, findPolicy(context.table, request.tenantId, request.policyId));
}

/** A keyed decision that stands without work: neither an assignment nor the claim of one. */
function isBareDecision(existing: ExistingEffect): boolean {
  return existing.stage === "decided" && existing.legacySubject === undefined;
}

/** What pushes a bare decision: an assignment, or the claim of one when the provider has a fixed subject. */
function planSuccessor(
  delivery: Delivery,
  request: DecideRequest,
  standing: ExistingEffect,
  policy: CompiledPolicy | undefined,
  context: HandleContext,
): Result<OutgoingMessage, string> {
  const { codec, schemas } = context;
  const { nowMs } = delivery;
  const token = context.newId();
  const deadlineMs = nowMs + (policy?.assignment.deadlineMs ?? DEFAULT_DEADLINE_MS);
  const subject = legacySubjectOf(policy, standing.provider);
  if (subject === undefined) return ok(planPush(standing, { codec, schemas, request, token, deadlineMs, nowMs }));
  const { effectId, fingerprint, provider, sequence } = standing;
  const record = recordForAttempt(standing.decision, standing.attempt + 1);
  const about = { codec, request, effectId, fingerprint, provider, record, expectLastSequence: sequence };
  return planLegacyClaim(about, { subject, token, deadlineMs }, context);
}

type FirstMessage =
  /** `legacy`: the message is a claim, and the assignment is still to be published. */
  | { readonly kind: "message"; readonly message: OutgoingMessage; readonly legacy: boolean }
  | { readonly kind: "refused"; readonly reason: string };

function planFirst(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  choice: { decision: Decision; record: DecisionRecord; push: boolean; policy: CompiledPolicy | undefined },
  context: HandleContext,
): FirstMessage {
  const { codec, schemas } = context;
  const { provider: chosen } = choice.decision;
  const provider = { namespace: chosen.namespace, name: chosen.objectName };
  const about = {
    codec,
    request,
    effectId: effect.effectId,
    fingerprint: effect.fingerprint,
    provider,
    record: choice.record,
  };
  const expectLastSequence = 0;
  if (!choice.push) {
    const message = planDecided({ ...about, expectLastSequence, ttlMs: context.decidedTtlMs });
    return { kind: "message", message, legacy: false };
  }
  const deadlineMs = delivery.nowMs + (choice.policy?.assignment.deadlineMs ?? DEFAULT_DEADLINE_MS);
  const token = context.newId();
  if (chosen.legacySubject === undefined) {
    const attempt = { ...about, schemas, attempt: 1, token, deadlineMs, nowMs: delivery.nowMs, expectLastSequence };
    return { kind: "message", message: planAssignment(attempt), legacy: false };
  }
  const legacy = { subject: chosen.legacySubject, token, deadlineMs };
  const claim = planLegacyClaim({ ...about, expectLastSequence }, legacy, context);
  return claim.ok ? { kind: "message", message: claim.value, legacy: true } : { kind: "refused", reason: claim.error };
}

/** Whether the message is to be dispatched, or only decided. */
export function isPushWanted(delivery: Delivery, request: DecideRequest, policy: CompiledPolicy | undefined): boolean {
  switch (policy?.assignment.push ?? "OnRequest") {
    case "Always":
      return true;
    case "Never":
      return false;
    default:
      return delivery.position !== undefined || request.pushRequested;
  }
}
