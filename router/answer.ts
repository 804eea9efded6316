// Answers to whoever asked: to a reply subject that a router may publish to, or to nobody.
import type { DecideError, ExplainStep } from "../core/decide/decision.ts";
import { type Answer, type AnswerError, buildAnswer, buildErrorAnswer } from "../core/handover/answer.ts";
import { checkPublishSubject } from "../core/handover/check-publish-subject.ts";
import type { Effect, EffectResult, ReplyResult } from "../core/handover/effects.ts";
import { DECIDE_ERROR_CODE } from "../core/handover/error-codes.ts";
import { asciiJson } from "../core/handover/header.ts";
import type { DecisionRecord } from "../core/handover/record.ts";
import type { Correlation, DecideRequest, Rejection } from "../core/intake/message.ts";
import { reasonRow } from "../core/intake/reasons.ts";
import { tenantPartOf } from "../core/intake/tenant.ts";
import type { Delivery, HandleContext, Handled } from "./delivery.ts";

type Answering = Generator<Effect, Handled["reply"], EffectResult>;

/** Header by which a request asks for the stages of its decision, and by which the answer gives them (JSON). */
export const EXPLAIN_HEADER = "Beamline-Explain";
/** Longer explanations are left out, so that an answer never exceeds what a server takes as headers. */
const MAX_EXPLANATION = 16_384;

export function isExplainWanted(delivery: Delivery): boolean {
  return delivery.headers.get(EXPLAIN_HEADER) === "true";
}

/** The decision, in the encoding of the request. */
export function* answerDecision(
  delivery: Delivery,
  request: DecideRequest,
  record: DecisionRecord,
  steps: readonly ExplainStep[],
  context: HandleContext,
): Answering {
  if (delivery.replyTo === undefined) return "none";
  const answer = buildAnswer(request.encoding, record, request.correlation, context.schemas, context.codec);
  return yield* send(delivery, request.tenantId, withExplanation(delivery, answer, steps), context);
}

/** Why there is no decision. */
export function* answerFailure(
  delivery: Delivery,
  request: DecideRequest,
  error: DecideError,
  steps: readonly ExplainStep[],
  context: HandleContext,
): Answering {
  const { message, details } = error;
  const body: AnswerError = {
    code: DECIDE_ERROR_CODE[error.code],
    message,
    details: { ...details, reason: error.code },
  };
  const answer = buildErrorAnswer(body, request.correlation, context.codec);
  return yield* send(delivery, request.tenantId, withExplanation(delivery, answer, steps), context);
}

/** A refusal, by its row of the reasons table. */
export function* answerRejection(
  delivery: Delivery,
  rejection: Rejection,
  context: HandleContext,
  retryAfterMs?: number,
): Answering {
  const row = reasonRow(rejection.reason);
  const error: AnswerError = {
    code: row.errorCode,
    message: rejection.message,
    intakeErrorCode: row.code,
    details: { reason: rejection.reason, ...(rejection.field === undefined ? {} : { field: rejection.field }) },
    httpStatus: row.http,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  return yield* answerError(delivery, rejection.tenantId ?? "", error, rejection.correlation, context);
}

export function* answerError(
  delivery: Delivery,
  tenantId: string,
  error: AnswerError,
  correlation: Correlation,
  context: HandleContext,
): Answering {
  return yield* send(delivery, tenantId, buildErrorAnswer(error, correlation, context.codec), context);
}

/** Why a step of the policy kept a request from being decided or dispatched. */
export function* answerStopped(
  delivery: Delivery,
  request: DecideRequest,
  error: AnswerError,
  steps: readonly ExplainStep[],
  context: HandleContext,
): Answering {
  const answer = buildErrorAnswer(error, request.correlation, context.codec);
  return yield* send(delivery, request.tenantId, withExplanation(delivery, answer, steps), context);
}

function withExplanation(delivery: Delivery, answer: Answer, steps: readonly ExplainStep[]): Answer {
  if (!isExplainWanted(delivery)) return answer;
  const text = asciiJson(steps);
  if (text.length > MAX_EXPLANATION) return answer;
  return { body: answer.body, headers: [...answer.headers, [EXPLAIN_HEADER, text]] };
}

function* send(delivery: Delivery, tenantId: string, answer: Answer, context: HandleContext): Answering {
  if (delivery.replyTo === undefined) return "none";
  const use = delivery.position === undefined ? "reply" : "reply-to";
  const { allowedSubjects, inboxesClosed, names } = context;
  // The tenant of the subject, which accounts fix: a refused message may claim another one, to write into its replies.
  const tenantOfReply = tenantPartOf(delivery.subject) ?? tenantId;
  const rules = { tenantId: tenantOfReply, allowedSubjects, inboxesClosed, prefix: names.prefix };
  const subject = checkPublishSubject(delivery.replyTo, use, rules);
  if (!subject.ok) return "forbidden";
  const reply = { subject: subject.value, headers: answer.headers, body: answer.body };
  const result = (yield { kind: "reply", ...reply }) as ReplyResult;
  return result.kind === "unsent" ? "unsent" : "sent";
}
