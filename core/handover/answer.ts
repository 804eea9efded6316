// What a requester gets back: the decision in the encoding of the request, or the one error body that all encodings
// share.
import type { Codec } from "../codec.ts";
import type { BodyEncoding, Correlation } from "../intake/message.ts";
import { assertNever } from "../result.ts";
import type { SchemaTable } from "../schema/schema.ts";
import { encodeRouteDecision } from "./decision-record.ts";
import { type AnswerErrorCode, ERROR_STATUS } from "./error-codes.ts";
import { encodeHeaderValue, HEADER, type HeaderPair, JSON_CONTENT, PROTOBUF_CONTENT } from "./header.ts";
import type { DecisionRecord } from "./record.ts";

const MS_PER_SECOND = 1000;

export interface Answer {
  readonly headers: readonly HeaderPair[];
  readonly body: Uint8Array;
}

export interface AnswerError {
  readonly code: AnswerErrorCode;
  /** For people. */
  readonly message: string;
  /** One of the seven intake codes; only when intake refused the message. */
  readonly intakeErrorCode?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** When the same request may be tried again, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** HTTP status where the reason has one of its own; that of the code otherwise. */
  readonly httpStatus?: number;
}

/**
 * The answer that carries a decision: `beamline.flow.v1.RouteDecision` in protobuf, the same in proto3 JSON
 * (lowerCamelCase, 64-bit integers as text, nothing left out), or the older DecideResponse.
 */
export function buildAnswer(
  encoding: BodyEncoding,
  record: DecisionRecord,
  correlation: Correlation,
  schemas: SchemaTable,
  codec: Codec,
): Answer {
  switch (encoding) {
    case "protobuf":
      return {
        headers: [[HEADER.contentType, PROTOBUF_CONTENT]],
        body: encodeRouteDecision(record, schemas, codec),
      };
    case "json":
      return jsonAnswer(codec, routeDecisionJson(record));
    case "compat-json":
      return jsonAnswer(codec, { ok: true, decision: record, context: responseContext(correlation) });
    default:
      return assertNever(encoding);
  }
}

/**
 * The JSON ErrorResponse, whatever the encoding of the request: a protobuf RouteDecision has no place for an error.
 * Clients tell it by the headers `Nats-Service-Error-Code` (an HTTP status) and `Nats-Service-Error`.
 */
export function buildErrorAnswer(error: AnswerError, correlation: Correlation, codec: Codec): Answer {
  const { code, message, intakeErrorCode, retryAfterMs } = error;
  const details = { ...error.details, ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }) };
  const answer = jsonAnswer(codec, {
    ok: false,
    error: {
      code,
      message,
      ...(Object.keys(details).length === 0 ? {} : { details }),
      ...(intakeErrorCode === undefined ? {} : { intake_error_code: intakeErrorCode }),
    },
    context: responseContext(correlation),
  });
  const headers: HeaderPair[] = [
    ...answer.headers,
    [HEADER.serviceErrorCode, String(error.httpStatus ?? ERROR_STATUS[code].http)],
    [HEADER.serviceError, encodeHeaderValue(codec, message)],
  ];
  if (retryAfterMs !== undefined) headers.push([HEADER.retryAfter, String(Math.ceil(retryAfterMs / MS_PER_SECOND))]);
  return { headers, body: answer.body };
}

function jsonAnswer(codec: Codec, value: unknown): Answer {
  return { headers: [[HEADER.contentType, JSON_CONTENT]], body: codec.encodeUtf8(JSON.stringify(value)) };
}

function routeDecisionJson(record: DecisionRecord): Record<string, unknown> {
  return {
    providerId: record.provider_id,
    reason: record.reason,
    priority: record.priority,
    expectedLatencyMs: String(Math.round(record.expected_latency_ms)),
    expectedCost: record.expected_cost,
    metadata: record.metadata,
  };
}

/**
 * `request_id` is always there, so that a caller can match the answer; the message id stands in where a request has
 * none.
 */
function responseContext(correlation: Correlation): Record<string, string> {
  const { requestId, messageId, traceId } = correlation;
  return { request_id: requestId ?? messageId ?? "", ...(traceId === undefined ? {} : { trace_id: traceId }) };
}
