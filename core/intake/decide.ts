// Rules that only decide messages have, and the making of the one type that the rest of the router accepts.
import type { DecodedMessage } from "./decoded.ts";
import type { Correlation, DecideRequest, IntakeRules } from "./message.ts";
import { presentOnly } from "./presence.ts";
import { type Refusal, refuse } from "./reasons.ts";
import type { TraceFields } from "./trace.ts";

/** Bytes of JSON that an inline `task.payload` of the older body must have (older router, `min_payload_size`). */
export const MIN_TASK_PAYLOAD_BYTES = 10;

/** Entries of metadata and context together; the older router bounded them by 64 KiB. */
const MAX_ENTRIES = 2_048;

/** Type and payload are there; the older body's own fields; the policy's bound on the payload. */
export function validateDecideFields(message: DecodedMessage, rules: IntakeRules): Refusal | undefined {
  const refusal = message.compat === undefined ? validateMessageFields(message) : validateTaskFields(message);
  return refusal ?? validatePayloadBound(message, rules) ?? validateEntries(message);
}

/** Entries are stored one by one in every assignment and answer: a few bytes of request must not become many of them. */
function validateEntries({ metadata, context }: DecodedMessage): Refusal | undefined {
  const count = Object.keys(metadata).length + Object.keys(context).length;
  if (count <= MAX_ENTRIES) return undefined;
  return refuse("payload_too_large", "metadata", `${count} entries in metadata and context, at most ${MAX_ENTRIES}`);
}

function validateMessageFields(message: DecodedMessage): Refusal | undefined {
  if (message.messageType === undefined) return refuse("missing_message_type", "message_type");
  return message.payload === undefined ? refuse("missing_payload", "payload") : undefined;
}

function validateTaskFields({ compat, messageType, payload }: DecodedMessage): Refusal | undefined {
  if (compat?.requestId === undefined) return refuse("missing_request_id", "request_id");
  if (compat.requestId === "") return refuse("empty_request_id", "request_id");
  const { task } = compat;
  if (task === undefined) return refuse("missing_task", "task");
  if (task.type === undefined) return refuse("missing_task_type", "task.type");
  if (messageType === undefined) return refuse("empty_task_type", "task.type");
  if (payload === undefined) return refuse("missing_task_payload", "task.payload");
  if (task.payload === undefined || payload.length >= MIN_TASK_PAYLOAD_BYTES) return undefined;
  return refuse("payload_too_small", "task.payload", `${payload.length} bytes, at least ${MIN_TASK_PAYLOAD_BYTES}`);
}

function validatePayloadBound(message: DecodedMessage, rules: IntakeRules): Refusal | undefined {
  const bound = message.tenantId && rules.policyMaxPayloadBytes(message.tenantId, message.policyId);
  const size = message.payload?.length ?? 0;
  if (typeof bound !== "number" || size <= bound) return undefined;
  const field = message.compat === undefined ? "payload" : "task.payload";
  return refuse("payload_too_large", field, `${size} bytes, at most ${bound} by policy`);
}

/** Correlation fields of a decoded message, absent ones left out. */
export function correlationOf(message: DecodedMessage, trace: TraceFields): Correlation {
  const fields = {
    messageId: message.messageId,
    requestId: message.messageId,
    runId: message.runId,
    flowId: message.flowId,
    stepId: message.stepId,
    traceId: trace.traceId,
    spanId: trace.spanId,
    traceparent: trace.traceparent,
    idempotencyKey: message.idempotencyKey,
  };
  return presentOnly(fields);
}

/**
 * Makes the request of a message that every rule accepted. Call it from `validateIntakeMessage` only: whoever holds a
 * DecideRequest relies on those rules.
 */
export function buildDecideRequest(message: DecodedMessage, trace: TraceFields, schemaVersion: number): DecideRequest {
  const { compat } = message;
  const request = {
    encoding: message.encoding,
    schemaVersion,
    tenantId: message.tenantId ?? "",
    policyId: message.policyId,
    messageType: message.messageType ?? "",
    payload: message.payload ?? new Uint8Array(0),
    metadata: message.metadata,
    context: message.context,
    correlation: correlationOf(message, trace),
    pushRequested: message.pushRequested,
    constraints: message.constraints,
    ...presentOnly({
      timestampMs: message.timestampMs,
      task: compat?.rawTask,
      rawMetadata: compat?.rawMetadata,
      options: compat?.options,
      assignmentSubject: compat?.assignmentSubject,
    }),
  };
  return request as DecideRequest;
}
