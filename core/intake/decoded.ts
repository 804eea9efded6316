// A decoded decide message in one shape, whichever of its three encodings it came in; nothing in it has been judged yet.
import type { Codec } from "../codec.ts";
import { emptyMap } from "../schema/decode-binary.ts";
import type { PlainMessage } from "../schema/schema.ts";
import type { BodyEncoding, DecideRequest } from "./message.ts";
import { presentText } from "./presence.ts";

/** Policy of a message that names none. */
export const DEFAULT_POLICY_ID = "default";
/** Context entry by which a RouteRequest asks for an assignment (policy.md). */
export const PUSH_CONTEXT_KEY = "beamline.push";

const DECIMAL = /^\d{1,15}(?:\.\d{1,15})?$/;

/** Identifiers and contents as sent; absent and empty are both undefined. */
export interface DecodedMessage {
  readonly encoding: BodyEncoding;
  readonly version: string | undefined;
  readonly tenantId: string | undefined;
  readonly policyId: string;
  readonly messageId: string | undefined;
  readonly messageType: string | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly runId: string | undefined;
  readonly flowId: string | undefined;
  readonly stepId: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly payload: Uint8Array | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, string>>;
  readonly timestampMs: number | undefined;
  readonly pushRequested: boolean;
  readonly constraints: DecideRequest["constraints"];
  /** Only of the older body. */
  readonly compat: CompatParts | undefined;
}

/** What only the older body has. */
export interface CompatParts {
  /** Field request_id as sent: undefined when absent, "" when empty. */
  readonly requestId: string | undefined;
  /** The task, decoded. */
  readonly task: PlainMessage | undefined;
  /** The task as sent, unknown fields included. */
  readonly rawTask: Readonly<Record<string, unknown>> | undefined;
  readonly rawMetadata: Readonly<Record<string, unknown>> | undefined;
  readonly options: Readonly<Record<string, unknown>> | undefined;
  readonly assignmentSubject: string | undefined;
}

type TextMap = Readonly<Record<string, string>>;

/** @param version field `version` beside the request's own fields, which some JSON clients send */
export function fromRouteRequest(
  request: PlainMessage,
  encoding: "protobuf" | "json",
  version: unknown,
): DecodedMessage {
  const message = (request.message ?? {}) as PlainMessage;
  const context = (request.context ?? emptyMap()) as TextMap;
  const timestamp = message.timestamp_ms as bigint | undefined;
  const payload = message.payload as Uint8Array | undefined;
  return {
    encoding,
    version: typeof version === "number" ? String(version) : presentText(version),
    tenantId: presentText(message.tenant_id),
    policyId: presentText(request.policy_id) ?? DEFAULT_POLICY_ID,
    messageId: presentText(message.message_id),
    messageType: presentText(message.message_type),
    traceId: presentText(message.trace_id),
    spanId: presentText(message.span_id),
    runId: presentText(message.run_id),
    flowId: presentText(message.flow_id),
    stepId: presentText(message.step_id),
    // The request's key overrides the message's (seed 000).
    idempotencyKey: presentText(request.idempotency_key) ?? presentText(message.idempotency_key),
    payload: payload?.length === 0 ? undefined : payload,
    metadata: (message.metadata ?? emptyMap()) as TextMap,
    context,
    timestampMs: timestamp === undefined || timestamp === 0n ? undefined : Number(timestamp),
    pushRequested: context[PUSH_CONTEXT_KEY] === "true",
    constraints: constraintsOf(decimalOf(context.max_latency_ms), decimalOf(context.max_cost)),
    compat: undefined,
  };
}

/** @param raw the same body as parsed, for what travels on unchanged */
export function fromCompatRequest(
  request: PlainMessage,
  raw: Readonly<Record<string, unknown>>,
  codec: Codec,
): DecodedMessage {
  const task = request.task as PlainMessage | undefined;
  const rawMetadata = request.metadata as Readonly<Record<string, unknown>> | undefined;
  const constraints = (request.constraints ?? {}) as { max_latency_ms?: bigint; max_cost?: number };
  const maxLatencyMs = constraints.max_latency_ms === undefined ? undefined : Number(constraints.max_latency_ms);
  const metadata = asText(emptyMap() as Record<string, string>, rawMetadata);
  const context = asText(asText(emptyMap() as Record<string, string>, constraints), rawMetadata);
  return {
    encoding: "compat-json",
    version: presentText(request.version),
    tenantId: presentText(request.tenant_id),
    policyId: presentText(request.policy_id) ?? DEFAULT_POLICY_ID,
    messageId: presentText(request.request_id),
    messageType: presentText(task?.type),
    traceId: presentText(request.trace_id),
    spanId: presentText(request.span_id),
    runId: presentText(request.run_id),
    flowId: presentText(request.flow_id),
    stepId: presentText(request.step_id),
    idempotencyKey: presentText(request.idempotency_key),
    payload: compatPayload(task, codec),
    metadata,
    context,
    timestampMs: undefined,
    pushRequested: request.push_assignment === true,
    constraints: constraintsOf(maxLatencyMs, constraints.max_cost),
    compat: {
      requestId: request.request_id as string | undefined,
      task,
      rawTask: raw.task as Readonly<Record<string, unknown>> | undefined,
      rawMetadata,
      options: request.options as Readonly<Record<string, unknown>> | undefined,
      assignmentSubject: presentText(request.assignment_subject),
    },
  };
}

function compatPayload(task: PlainMessage | undefined, codec: Codec): Uint8Array | undefined {
  if (task?.payload !== undefined) return codec.encodeUtf8(JSON.stringify(task.payload));
  const reference = presentText(task?.payload_ref);
  return reference === undefined ? undefined : codec.encodeUtf8(reference);
}

function constraintsOf(maxLatencyMs: number | undefined, maxCost: number | undefined): DecideRequest["constraints"] {
  return { ...(maxLatencyMs === undefined ? {} : { maxLatencyMs }), ...(maxCost === undefined ? {} : { maxCost }) };
}

/** A bound written in the context of a RouteRequest; text that is no decimal is context like any other and bounds nothing. */
function decimalOf(text: string | undefined): number | undefined {
  return text !== undefined && DECIMAL.test(text) ? Number(text) : undefined;
}

/** Adds JSON values as text: strings as they are, null left out, all else as its JSON. */
function asText(
  into: Record<string, string>,
  values: Readonly<Record<string, unknown>> | undefined,
): Record<string, string> {
  for (const [key, value] of Object.entries(values ?? {})) {
    if (typeof value === "string") into[key] = value;
    else if (typeof value === "bigint") into[key] = String(value);
    else if (value !== null && value !== undefined) into[key] = JSON.stringify(value);
  }
  return into;
}
