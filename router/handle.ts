// One delivery from intake to its disposition: validate, steps before, decide, steps after, dispatch, answer, settle - in that
// order, as effects.
import { decide } from "../core/decide/decide.ts";
import type { DecideError, DecideInput, ExplainStep } from "../core/decide/decision.ts";
import { readStanding } from "../core/handover/chain.ts";
import type { Effect, EffectResult } from "../core/handover/effects.ts";
import type { DecideRequest } from "../core/intake/message.ts";
import { validateIntakeMessage } from "../core/intake/validate-intake-message.ts";
import { findPolicy } from "../core/policy/table.ts";
import type { StepStop } from "../core/steps/take-stage.ts";
import { answerDecision, answerFailure, isExplainWanted } from "./answer.ts";
import type { Delivery, HandleContext, Handled } from "./delivery.ts";
import {
  adoptExisting,
  dispatchDecision,
  type EffectIdentity,
  identifyEffect,
  isPushDue,
  isPushWanted,
} from "./dispatch.ts";
import { postponeDelivery, rejectDelivery, rejectFor, retryOrGiveUp } from "./reject.ts";
import {
  beginSteps,
  explainWith,
  type Prepared,
  type Steps,
  settleStopped,
  takeStepsAfter,
  takeStepsBefore,
  withReports,
} from "./steps.ts";
import { type Dispatched, describeUnstored } from "./unstored.ts";
import { isBeyondWindow, isPoisonSuspected } from "./window.ts";

export type Handling = Generator<Effect, Handled, EffectResult>;

/** The whole life of a decide message in this router. Yields every effect and is resumed with its result; never throws on any input. */
export function* handleDelivery(delivery: Delivery, context: HandleContext): Handling {
  if (isPoisonSuspected(delivery)) {
    return yield* rejectFor(delivery, "poison_suspected", `${delivery.position?.deliveryCount} deliveries`, context);
  }

  const intake = validateIntakeMessage("decide", delivery.subject, delivery.headers, delivery.body, context.rules);
  if (!intake.ok) return yield* rejectDelivery(delivery, intake.error, context);
  const request = intake.value;
  const generatedTraceId = intake.warnings.includes("generated_trace_id");

  const effect = identifyEffect(delivery, request, context);
  if (isBeyondWindow(delivery, context)) return yield* settleBeyondWindow(delivery, request, effect, context);

  const steps = beginSteps(delivery, request, effect, context);
  // What stands is the answer, whatever steps would say of it now.
  const standing =
    steps !== undefined && mayStand(delivery, effect)
      ? yield* settleExisting(delivery, request, effect, steps, context)
      : undefined;
  if (standing !== undefined) return withReports(standing, steps);

  const before: Prepared = steps === undefined ? { kind: "ready", request } : yield* takeStepsBefore(steps, request);
  if (before.kind === "stopped")
    return withReports(yield* answerStop(delivery, request, effect, before.stop, steps, context), steps);

  const decided = decide(decideInput(delivery, before.request, effect), context.table, context.snapshot);
  if (!decided.ok)
    return withReports(yield* answerUndecided(delivery, request, effect, decided, steps, context), steps);

  const after: Prepared =
    steps === undefined || !isPushed(delivery, request, context)
      ? before
      : yield* takeStepsAfter(steps, before.request, decided.value.provider.providerId);
  if (after.kind === "stopped")
    return withReports(yield* answerStop(delivery, request, effect, after.stop, steps, context), steps);

  const dispatched = yield* dispatchDecision(delivery, after.request, effect, decided.value, context);
  const isNew = dispatched.kind !== "dispatched" || !dispatched.existing;
  const about = { steps: isNew ? explainWith(steps, decided.steps) : [], generatedTraceId };
  return withReports(yield* settleDispatched(delivery, request, effect, dispatched, about, context), steps);
}

/** Whether the effect of this message can have been stored by an earlier delivery or request. */
function mayStand(delivery: Delivery, effect: EffectIdentity): boolean {
  return effect.keyed || (delivery.position !== undefined && delivery.position.deliveryCount > 1);
}

function isPushed(delivery: Delivery, request: DecideRequest, context: HandleContext): boolean {
  return isPushWanted(delivery, request, findPolicy(context.table, request.tenantId, request.policyId));
}

function decideInput(delivery: Delivery, request: DecideRequest, effect: EffectIdentity): DecideInput {
  return {
    tenantId: request.tenantId,
    policyId: request.policyId,
    messageId: request.correlation.messageId ?? request.correlation.requestId ?? "",
    messageType: request.messageType,
    payloadBytes: request.payload.length,
    metadata: request.metadata,
    context: request.context,
    constraints: request.constraints,
    pickKey: request.correlation.idempotencyKey ?? effect.effectId,
    attempt: 1,
    explain: isExplainWanted(delivery),
  };
}

/** Answers and settles what dispatching came to. Nothing is acknowledged before its effect is stored. */
function* settleDispatched(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  dispatched: Dispatched,
  about: { readonly steps: readonly ExplainStep[]; readonly generatedTraceId: boolean },
  context: HandleContext,
): Handling {
  switch (dispatched.kind) {
    case "dispatched": {
      const reply = yield* answerDecision(delivery, request, dispatched.record, about.steps, context);
      return {
        disposition: delivery.position === undefined ? { kind: "none" } : { kind: "ack" },
        outcome: {
          kind: "decided",
          dispatched: dispatched.stored === "assignment",
          existing: dispatched.existing,
          reason: dispatched.record.reason,
          tenantId: request.tenantId,
          providerId: dispatched.record.provider_id,
          generatedTraceId: about.generatedTraceId,
        },
        countsAsError: false,
        reply,
      };
    }
    case "mismatch":
      return yield* rejectFor(delivery, "idempotency_key_reused", "", context, request);
    case "tooLarge":
      return yield* rejectFor(delivery, "payload_too_large", dispatched.message, context, request);
    case "postponed":
      return yield* postponeDelivery(delivery, request, effect, dispatched, context);
  }
}

/** A decision that stands is the answer, even when none could be made now (its policy is gone, its provider is down). */
function* answerUndecided(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  { error, steps: decision }: { readonly error: DecideError; readonly steps: readonly ExplainStep[] },
  steps: Steps | undefined,
  context: HandleContext,
): Handling {
  if (mayStand(delivery, effect)) {
    const standing = yield* settleExisting(delivery, request, effect, steps, context);
    if (standing !== undefined) return standing;
  }
  if (delivery.position !== undefined) {
    return yield* retryOrGiveUp(delivery, "decision_failed", `${error.code}: ${error.message}`, request, context);
  }
  const reply = yield* answerFailure(delivery, request, error, explainWith(steps, decision), context);
  return {
    disposition: { kind: "none" },
    outcome: { kind: "failed", code: error.code, message: error.message, tenantId: request.tenantId },
    countsAsError: false,
    reply,
  };
}

/** Steps that stop a message stop no effect that was stored while they were taken, by another replica or under the same key. */
function* answerStop(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  stop: StepStop,
  steps: Steps | undefined,
  context: HandleContext,
): Handling {
  const isLasting = effect.keyed || delivery.position !== undefined;
  const standing = isLasting ? yield* settleExisting(delivery, request, effect, steps, context) : undefined;
  return standing ?? (yield* settleStopped(delivery, request, stop, steps, context));
}

/** Past the window a missing assignment proves nothing: what stands is settled, what does not stand is not risked. */
function* settleBeyondWindow(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  context: HandleContext,
): Handling {
  const steps = beginSteps(delivery, request, effect, context);
  const standing = yield* settleExisting(delivery, request, effect, steps, context);
  return standing ?? (yield* rejectFor(delivery, "redelivered_after_window", "", context, request));
}

/** Settles by the effect that stands, or returns undefined when nothing stands. */
function* settleExisting(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  steps: Steps | undefined,
  context: HandleContext,
): Generator<Effect, Handled | undefined, EffectResult> {
  const found = yield* readStanding(effect.effectId);
  if (found.kind === "vanished") return undefined;
  let pushed: Prepared = { kind: "ready", request };
  if (found.kind === "standing" && steps !== undefined && isPushDue(delivery, request, effect, found.existing, context))
    pushed = yield* takeStepsAfter(steps, request, found.existing.decision.provider_id);
  if (pushed.kind === "stopped") return yield* settleStopped(delivery, request, pushed.stop, steps, context);
  const dispatched =
    found.kind === "standing"
      ? yield* adoptExisting(delivery, pushed.request, effect, found.existing, context)
      : describeUnstored(found);
  return yield* settleDispatched(
    delivery,
    request,
    effect,
    dispatched,
    { steps: [], generatedTraceId: false },
    context,
  );
}
