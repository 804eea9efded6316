// What becomes of a message that is not dispatched: refused for good, brought back later, or given up after its last error.
import type { Effect, EffectResult, PublishResult } from "../core/handover/effects.ts";
import { buildDeadLetter } from "../core/intake/dead-letter.ts";
import type { Correlation, DecideRequest, Rejection } from "../core/intake/message.ts";
import { type IntakeReason, reasonRow, refuse } from "../core/intake/reasons.ts";
import { buildRejection } from "../core/intake/rejection.ts";
import { tenantPartOf } from "../core/intake/tenant.ts";
import { answerError, answerRejection } from "./answer.ts";
import type { Delivery, HandleContext, Handled, Outcome, StreamPosition } from "./delivery.ts";
import type { EffectIdentity } from "./dispatch.ts";
import type { Postponed } from "./unstored.ts";

type Handling = Generator<Effect, Handled, EffectResult>;
type DeadLetter = Extract<Outcome, { kind: "rejected" }>["deadLetter"];

/** Errors of one durable decide message before it is given up, and the waits between them (the older router's settings). */
export const MAX_ERRORS = 5;
const BACKOFF_MS = [1_000, 5_000, 15_000] as const;
/** Share of a wait by which it varies, so that messages refused together do not come back together. */
const JITTER = 0.1;
/** A server that does not answer is asked again soon: it is usually restarting. */
const UNAVAILABLE_DELAY_MS = 1_000;
/** Waits for a server that is full or stays away double up to a minute, so that deliveries stay far below their limit. */
const MAX_AWAY_DELAY_MS = 60_000;

/** Refuses a message: dead letter first, then the answer; a durable message is settled only when its dead letter is stored. */
export function* rejectDelivery(delivery: Delivery, rejection: Rejection, context: HandleContext): Handling {
  const row = reasonRow(rejection.reason);
  if (row.disposition === "nak" && delivery.position !== undefined) return retryLater(delivery, rejection, context);
  const deadLetter = row.deadLetter ? yield* storeDeadLetter(delivery, rejection, context) : "none";
  if (deadLetter === "failed" && delivery.position !== undefined) {
    const message = `dead letter for ${rejection.reason} is not stored`;
    return nak(jittered(UNAVAILABLE_DELAY_MS, context), postponed("unavailable", message, rejection.tenantId));
  }
  const retryAfterMs = row.disposition === "nak" ? UNAVAILABLE_DELAY_MS : undefined;
  const reply = yield* answerRejection(delivery, rejection, context, retryAfterMs);
  const outcome: Outcome = { kind: "rejected", rejection, deadLetter };
  if (delivery.position === undefined) return { disposition: { kind: "none" }, outcome, countsAsError: false, reply };
  return { disposition: { kind: "term", reason: rejection.reason }, outcome, countsAsError: false, reply };
}

/** Refuses a delivery for a reason that the router finds, with what is known of the message. */
export function* rejectFor(
  delivery: Delivery,
  reason: IntakeReason,
  detail: string,
  context: HandleContext,
  request?: DecideRequest,
): Handling {
  return yield* rejectDelivery(delivery, rejectionOf(delivery, reason, detail, request), context);
}

/** A durable message whose decision failed: tried again with back-off, given up with a dead letter after its last error. */
export function* retryOrGiveUp(
  delivery: Delivery,
  reason: "decision_failed" | "retries_exhausted" | "step_failed" | "pipeline_not_found",
  detail: string,
  request: DecideRequest,
  context: HandleContext,
): Handling {
  if (delivery.errorCount + 1 >= MAX_ERRORS) return yield* rejectFor(delivery, reason, detail, context, request);
  const outcome: Outcome = { kind: "failed", code: reason, message: detail, tenantId: request.tenantId };
  return { ...nak(backoff(delivery, context), outcome), countsAsError: true };
}

/** JetStream could not take the effect now. A request is told so, a durable message comes back. */
export function* postponeDelivery(
  delivery: Delivery,
  request: DecideRequest,
  effect: EffectIdentity,
  cause: Postponed,
  context: HandleContext,
): Handling {
  const { code, message } = cause;
  if (delivery.position !== undefined) {
    if (cause.countsAsError) return yield* retryOrGiveUp(delivery, "retries_exhausted", message, request, context);
    return nak(
      jittered(awayDelay(delivery.position.deliveryCount), context),
      postponed(code, message, request.tenantId),
    );
  }
  if (effect.keyed && code === "unavailable")
    return yield* rejectFor(delivery, "idempotency_check_failed", message, context, request);
  const error = {
    code: "unavailable" as const,
    message: `${cause.notStored ? "nothing is dispatched" : "it is not known whether this was dispatched"}: ${message}`,
    retryAfterMs: UNAVAILABLE_DELAY_MS,
  };
  const reply = yield* answerError(delivery, request.tenantId, error, request.correlation, context);
  const outcome = postponed(code, message, request.tenantId);
  return { disposition: { kind: "none" }, outcome, countsAsError: false, reply };
}

function* storeDeadLetter(
  delivery: Delivery,
  rejection: Rejection,
  context: HandleContext,
): Generator<Effect, DeadLetter, EffectResult> {
  // The subject's tenant owns the bytes, whatever tenant they claim to be of.
  const tenantId = tenantPartOf(delivery.subject) ?? rejection.tenantId ?? "";
  const tenant = context.table.tenants.get(tenantId);
  const payload = tenant?.deadLetterPayload ?? "Full";
  const { codec, router, deadLetterSubjects: subjects } = context;
  const settings = { codec, router: `${router.namespace}/${router.name}`, payload, subjects };
  const message = buildDeadLetter(rejection, delivery, settings);
  const bounded = delivery.position === undefined;
  // Tenants that nobody knows share one bound: their names are the sender's choice, and as many as it likes.
  const owner = tenant === undefined ? "" : tenantId;
  const result = (yield { kind: "publish", message, tenantId: owner, bounded }) as PublishResult;
  if (result.kind === "suppressed") return "suppressed";
  return result.kind === "stored" ? "stored" : "failed";
}

/** A step that is required is away, which is not the fault of this durable message: it comes back. */
export function postponeForStep(
  { deliveryCount }: StreamPosition,
  message: string,
  { tenantId }: DecideRequest,
  context: HandleContext,
): Handled {
  return nak(jittered(awayDelay(deliveryCount), context), { kind: "postponed", code: "step", message, tenantId });
}

function retryLater(delivery: Delivery, rejection: Rejection, context: HandleContext): Handled {
  const outcome: Outcome = { kind: "rejected", rejection, deadLetter: "none" };
  return { ...nak(backoff(delivery, context), outcome), countsAsError: true };
}

function rejectionOf(
  delivery: Delivery,
  reason: IntakeReason,
  detail: string,
  request: DecideRequest | undefined,
): Rejection {
  const correlation: Correlation = request?.correlation ?? {};
  const tenantId = request?.tenantId ?? tenantPartOf(delivery.subject);
  return buildRejection("decide", refuse(reason, undefined, detail), { tenantId, correlation });
}

function postponed(code: "full" | "unavailable", message: string, tenantId: string | undefined): Outcome {
  return { kind: "postponed", code, message, tenantId: tenantId ?? "" };
}

function nak(delayMs: number, outcome: Outcome): Handled {
  return { disposition: { kind: "nak", delayMs }, outcome, countsAsError: false, reply: "none" };
}

function backoff(delivery: Delivery, context: HandleContext): number {
  const step = Math.min(delivery.errorCount, BACKOFF_MS.length - 1);
  return jittered(BACKOFF_MS[step] as number, context);
}

function awayDelay(deliveryCount: number): number {
  return Math.min(MAX_AWAY_DELAY_MS, UNAVAILABLE_DELAY_MS * 2 ** Math.min(deliveryCount - 1, 10));
}

function jittered(delayMs: number, context: HandleContext): number {
  const share = Number.parseInt(context.newId().slice(0, 8), 16) / 0xffff_ffff;
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * share));
}
