// What a worker gets to read: the body of an assignment, written as the request was written.
import type { Codec } from "../codec.ts";
import type { DecideRequest } from "../intake/message.ts";
import type { SchemaTable } from "../schema/schema.ts";
import { writeAssignment } from "./assignment-wire.ts";
import { encodeRouteDecision } from "./decision-record.ts";
import { JSON_CONTENT, PROTOBUF_CONTENT } from "./header.ts";
import type { DecisionRecord } from "./record.ts";

/** Version of the assignment's body and of its schema, in either encoding. */
export const ASSIGNMENT_VERSION = "1";
const CHANNEL = "nats";
/** What a worker may repeat by itself within one attempt: the older router's fixed values. */
const WORKER_RETRY = { max_attempts: 2, backoff_ms: 200 } as const;

interface AssignmentBodyInput {
  readonly codec: Codec;
  readonly schemas: SchemaTable;
  readonly request: DecideRequest;
  readonly record: DecisionRecord;
  readonly assignmentId: string;
  readonly attempt: number;
  readonly token: string;
  /** How long the worker may take from now, in milliseconds. */
  readonly timeoutMs: number;
}

interface EncodedBody {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/**
 * JSON for both JSON encodings, in the shape of the older router; `beamline.worker.v1.ExecAssignment` with the
 * payload bytes as received for protobuf.
 */
export function encodeAssignmentBody(input: AssignmentBodyInput): EncodedBody {
  if (input.request.encoding === "protobuf") return { contentType: PROTOBUF_CONTENT, body: protobufBody(input) };
  return { contentType: JSON_CONTENT, body: input.codec.encodeUtf8(JSON.stringify(jsonBody(input))) };
}

/** Every correlation field of a request, unchanged, by its name in `beamline.worker.v1.ExecCorrelation`. */
export function correlationBody(request: DecideRequest): Record<string, string> {
  const { traceId, runId, flowId, stepId, spanId, idempotencyKey, messageId } = request.correlation;
  return defined({
    trace_id: traceId,
    run_id: runId,
    flow_id: flowId,
    step_id: stepId,
    span_id: spanId,
    idempotency_key: idempotencyKey,
    message_id: messageId,
  });
}

/** The caller's id for the request: its request id, else its message id. */
export function requestIdOf(request: DecideRequest): string {
  return request.correlation.requestId ?? request.correlation.messageId ?? "";
}

function protobufBody(input: AssignmentBodyInput): Uint8Array {
  const { codec, request, record } = input;
  return writeAssignment(codec, {
    version: ASSIGNMENT_VERSION,
    assignmentId: input.assignmentId,
    requestId: requestIdOf(request),
    tenantId: request.tenantId,
    providerId: record.provider_id,
    channel: CHANNEL,
    jobType: request.messageType,
    payload: request.payload,
    priority: record.priority,
    deadlineMs: Math.round(input.timeoutMs),
    retry: WORKER_RETRY,
    correlation: request.correlation,
    decision: encodeRouteDecision(record, input.schemas, codec),
    metadata: request.metadata,
    attempt: input.attempt,
    token: input.token,
  });
}

/** Workers of the older router read trace, run, flow and step at the top, others in `correlation`: both are there. */
function jsonBody(input: AssignmentBodyInput): Record<string, unknown> {
  const { request, record } = input;
  const correlation = correlationBody(request);
  const { trace_id, run_id, flow_id, step_id } = correlation;
  return {
    version: ASSIGNMENT_VERSION,
    assignment_id: input.assignmentId,
    request_id: requestIdOf(request),
    tenant_id: request.tenantId,
    executor: { provider_id: record.provider_id, channel: CHANNEL },
    job: request.task ?? { type: request.messageType, payload: input.codec.base64Encode(request.payload) },
    options: {
      priority: record.priority,
      deadline_ms: Math.round(input.timeoutMs),
      retry: WORKER_RETRY,
      ...request.options,
    },
    correlation,
    ...defined({ trace_id, run_id, flow_id, step_id }),
    decision: record,
    metadata: request.rawMetadata ?? request.metadata,
    attempt: input.attempt,
    attempt_token: input.token,
    schema_version: ASSIGNMENT_VERSION,
  };
}

function defined(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const present: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) present[name] = value;
  return present;
}
