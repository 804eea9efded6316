// The order of the intake rules, and nothing else (seed 004; contracts.md "Intake").
import { HEADER } from "../handover/header.ts";
import { validateCorrelationFields } from "./correlation.ts";
import { buildDecideRequest, correlationOf, validateDecideFields } from "./decide.ts";
import type { DecodedMessage } from "./decoded.ts";
import { validateIdempotency } from "./idempotency.ts";
import type { HeaderReader, IntakeResult, IntakeRules } from "./message.ts";
import { presentText } from "./presence.ts";
import { type Refusal, refuse } from "./reasons.ts";
import { buildRejection, type KnownFields, knownFromBody } from "./rejection.ts";
import { validateSchema } from "./schema.ts";
import { requiredLevel, tenantPartOf, validateTenant } from "./tenant.ts";
import { readTraceFields, type TraceFields, validateTraceFields } from "./trace.ts";
import { validateVersion } from "./version.ts";

/** Header of a span, beside those that the router writes itself. */
const SPAN_HEADER = "span_id";

/**
 * Judges one message: size, schema, version, correlation, idempotency key, trace, tenant, then the rules of its kind; the first
 * rule broken is the answer. Pure, and total: no bytes, headers or subject make it throw.
 * @param subject without the Router's prefix
 */
export function validateIntakeMessage(
  kind: "decide",
  subject: string,
  headers: HeaderReader,
  bytes: Uint8Array,
  rules: IntakeRules,
): IntakeResult {
  const header = (name: string) => presentText(headers.get(name));
  const outside = (): KnownFields => ({ tenantId: tenantPartOf(subject) ?? header(HEADER.tenantId), correlation: {} });

  const tooLarge = validateSize(bytes, rules);
  if (tooLarge !== undefined) return reject(kind, tooLarge, outside());

  const decoded = validateSchema(kind, headers, bytes, rules);
  if (!decoded.ok) return reject(kind, decoded.error, knownFromBody(decoded.error.body, outside()));
  const message = decoded.value;
  const read = readTrace(message, header);
  const rejectKnown = (refusal: Refusal): IntakeResult => {
    const tenantId = message.tenantId ?? outside().tenantId;
    return reject(kind, refusal, { tenantId, correlation: correlationOf(message, read) });
  };

  const stated = { header: header(HEADER.version), body: message.version, subject };
  const version = validateVersion(stated, rules.supportedSchemaVersions);
  if (!version.ok) return rejectKnown(version.error);

  const level = requiredLevel(message.tenantId, message.policyId, rules);
  const incoherent = validateCorrelationFields(message, level) ?? validateIdempotency(message.idempotencyKey, level);
  if (incoherent !== undefined) return rejectKnown(incoherent);

  const trace = validateTraceFields(read, level, rules.generateTraceIdIfMissing ? () => rules.newTraceId() : undefined);
  if (!trace.ok) return rejectKnown(trace.error);

  const { tenantId = "", messageType } = message;
  const forbidden =
    validateTenant({ tenantId, messageType, subject, header: header(HEADER.tenantId) }, rules) ??
    validateDecideFields(message, rules);
  if (forbidden !== undefined) return rejectKnown(forbidden);

  const warnings = trace.value.generated ? (["generated_trace_id"] as const) : [];
  return { ok: true, value: buildDecideRequest(message, trace.value, version.value), warnings };
}

function reject(kind: "decide", refusal: Refusal, known: KnownFields): IntakeResult {
  return { ok: false, error: buildRejection(kind, refusal, known) };
}

function validateSize(bytes: Uint8Array, { maxPayloadBytes }: IntakeRules): Refusal | undefined {
  if (bytes.length <= maxPayloadBytes) return undefined;
  return refuse("payload_too_large", undefined, `${bytes.length} bytes, at most ${maxPayloadBytes}`);
}

function readTrace(message: DecodedMessage, header: (name: string) => string | undefined): TraceFields {
  return readTraceFields({
    bodyTraceId: message.traceId,
    bodySpanId: message.spanId,
    headerTraceId: header(HEADER.traceId),
    headerSpanId: header(SPAN_HEADER),
    traceparent: header(HEADER.traceparent),
  });
}
