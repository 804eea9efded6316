// The steps of a policy around a decision: which are taken when, and what becomes of a message that they stop.
import type { ExplainStep } from "../core/decide/decision.ts";
import type { Effect, EffectResult } from "../core/handover/effects.ts";
import type { AnswerErrorCode } from "../core/handover/error-codes.ts";
import type { DecideRequest } from "../core/intake/message.ts";
import type { IntakeReason } from "../core/intake/reasons.ts";
import { findPolicy } from "../core/policy/table.ts";
import { explainReport, withContext, withMetadata } from "../core/steps/apply.ts";
import type { AwayCause } from "../core/steps/read-outcome.ts";
import type { CompiledPipeline, Stage } from "../core/steps/step.ts";
import { type StepRun, type StepStop, takeStage } from "../core/steps/take-stage.ts";
import { answerStopped } from "./answer.ts";
import type { Delivery, HandleContext, Handled } from "./delivery.ts";
import type { EffectIdentity } from "./dispatch.ts";
import { postponeForStep, rejectFor, retryOrGiveUp } from "./reject.ts";

/** The steps of one message: those of its policy, and what became of them so far. */
export interface Steps extends StepRun {
  readonly pipeline: CompiledPipeline;
}

/** The message as it goes on. */
export type Prepared =
  | { readonly kind: "ready"; readonly request: DecideRequest }
  | { readonly kind: "stopped"; readonly stop: StepStop };

type Preparing = Generator<Effect, Prepared, EffectResult>;

/** All steps of one message take no longer: below the 30 s after which an unacknowledged message is delivered again. */
export const MAX_STEPS_MS = 20_000;
/** Of the consumer's ack wait, when that is shorter. */
const ACK_WAIT_SHARE = 2 / 3;
const RETRY_AFTER_MS = 1_000;

/** Undefined for a message whose policy has no steps. */
export function beginSteps(
  delivery: Delivery,
  request: DecideRequest,
  { effectId }: EffectIdentity,
  context: HandleContext,
): Steps | undefined {
  const policy = findPolicy(context.table, request.tenantId, request.policyId);
  if (policy?.pipeline === undefined) return undefined;
  const { position } = delivery;
  const ackWaitMs = position?.ackWaitMs ?? Number.POSITIVE_INFINITY;
  return {
    pipeline: policy.pipeline,
    facts: { request, effectId, delivery: position?.deliveryCount ?? 1 },
    state: { context: request.context, metadata: request.metadata, providerId: undefined },
    leftMs: Math.min(MAX_STEPS_MS, ackWaitMs * ACK_WAIT_SHARE, policy.assignment.deadlineMs),
    reports: [],
  };
}

/** Pre steps, which may change the context, then validators, which see it changed. */
export function* takeStepsBefore(steps: Steps, request: DecideRequest): Preparing {
  const { pre, validators } = steps.pipeline;
  const stop = (yield* takeStage(steps, "pre", pre)) ?? (yield* takeStage(steps, "validator", validators));
  if (stop !== undefined) return { kind: "stopped", stop };
  return { kind: "ready", request: withContext(request, steps.state.context) };
}

/** Post steps: only for a message that is dispatched, since all they change is its assignment. */
export function* takeStepsAfter(steps: Steps, request: DecideRequest, providerId: string): Preparing {
  steps.state = { ...steps.state, providerId };
  const stop = yield* takeStage(steps, "post", steps.pipeline.post);
  if (stop !== undefined) return { kind: "stopped", stop };
  return { kind: "ready", request: withMetadata(request, steps.state.metadata) };
}

export function withReports(handled: Handled, steps: Steps | undefined): Handled {
  return steps === undefined ? handled : { ...handled, steps: steps.reports };
}

/** Before the decision's own stages those of pre steps and validators, after them those of post steps. */
export function explainWith(steps: Steps | undefined, decision: readonly ExplainStep[]): readonly ExplainStep[] {
  if (steps === undefined) return decision;
  const before = steps.reports.filter(({ stage }) => stage !== "post").map(explainReport);
  const after = steps.reports.filter(({ stage }) => stage === "post").map(explainReport);
  return [...before, ...decision, ...after];
}

const BLOCKED: Readonly<Record<Stage, IntakeReason>> = {
  pre: "pre_processor_blocked",
  validator: "validator_blocked",
  post: "post_processor_blocked",
};

const AWAY: Readonly<Record<AwayCause, AnswerErrorCode>> = {
  unavailable: "extension_unavailable",
  notFound: "extension_not_found",
  timeout: "extension_timeout",
  broken: "extension_error",
};

/**
 * A no is final. A step that is away is waited for: a durable message comes back, a request is told when to. What may be the
 * message's own fault (the step does not answer it in time, or answers nonsense) counts as its error.
 */
export function* settleStopped(
  delivery: Delivery,
  request: DecideRequest,
  stop: StepStop,
  steps: Steps | undefined,
  context: HandleContext,
): Generator<Effect, Handled, EffectResult> {
  const message = `${stop.stage} step ${stop.step}${stop.reason === "" ? "" : `: ${stop.reason}`}`;
  if (stop.kind === "blocked") return yield* rejectFor(delivery, BLOCKED[stop.stage], message, context, request);
  const mayPass = stop.cause === "unavailable" || stop.cause === "notFound";
  if (delivery.position !== undefined) {
    if (mayPass) return postponeForStep(delivery.position, message, request, context);
    return yield* retryOrGiveUp(delivery, "step_failed", message, request, context);
  }
  const code = AWAY[stop.cause];
  const retryAfterMs = mayPass || stop.cause === "timeout" ? RETRY_AFTER_MS : undefined;
  const error = { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const reply = yield* answerStopped(delivery, request, error, explainWith(steps, []), context);
  return {
    disposition: { kind: "none" },
    outcome: { kind: "failed", code: "step_failed", message, tenantId: request.tenantId },
    countsAsError: false,
    reply,
  };
}
