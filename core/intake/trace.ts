// Rules for the fields of distributed tracing: trace_id, span_id and the W3C header traceparent.
import { err, ok, type Result } from "../result.ts";
import { isUuidV4 } from "./identifier.ts";
import type { ValidationLevel } from "./message.ts";
import { type Refusal, refuse } from "./reasons.ts";

const TRACE_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{16})$/i;
const SPAN_ID = /^[0-9a-f]{16}$/i;
const ALL_ZERO = /^0+$/;
/** W3C Trace Context level 1: version, trace id, parent id, flags; versions after 00 may append fields. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;
/** Longest traceparent that is read: its standard form has 55 characters. */
const MAX_TRACEPARENT_LENGTH = 256;

/** Trace fields; absent ones are undefined. */
export interface TraceFields {
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  /** As received, when it is valid. */
  readonly traceparent: string | undefined;
}

export interface Traceparent {
  readonly traceId: string;
  readonly parentId: string;
}

/** 32 hex digits, a UUIDv4, or 16 hex digits (which exporters pad on the left); never all zero. */
export function validateTraceIdFormat(traceId: string): boolean {
  return (TRACE_ID.test(traceId) && !ALL_ZERO.test(traceId)) || isUuidV4(traceId);
}

/** Reads a traceparent; undefined when it is not valid, which W3C says to treat as absent. */
export function parseTraceparent(text: string): Traceparent | undefined {
  const match = text.length <= MAX_TRACEPARENT_LENGTH ? TRACEPARENT.exec(text) : null;
  const [, version, traceId, parentId, more] = match ?? [];
  if (traceId === undefined || parentId === undefined || ALL_ZERO.test(traceId) || ALL_ZERO.test(parentId))
    return undefined;
  return version === "00" && more !== undefined ? undefined : { traceId, parentId };
}

/** Where trace fields may stand; the body comes first, then the headers trace_id and span_id, then traceparent. */
export interface TraceSources {
  readonly bodyTraceId: string | undefined;
  readonly bodySpanId: string | undefined;
  readonly headerTraceId: string | undefined;
  readonly headerSpanId: string | undefined;
  readonly traceparent: string | undefined;
}

/** The trace fields that count, before any rule. */
export function readTraceFields(sources: TraceSources): TraceFields {
  const parent = sources.traceparent === undefined ? undefined : parseTraceparent(sources.traceparent);
  const traceId = sources.bodyTraceId ?? sources.headerTraceId;
  const spanId = sources.bodySpanId ?? sources.headerSpanId;
  return {
    traceId: traceId ?? parent?.traceId,
    // The parent of another trace would be a lie about this one.
    spanId: spanId ?? (traceId === undefined || traceId === parent?.traceId ? parent?.parentId : undefined),
    traceparent: parent === undefined ? undefined : sources.traceparent,
  };
}

/**
 * Formats of both fields; at level Full a missing trace_id is refused, or made by `newTraceId` when that is given
 * (`generateTraceIdIfMissing`), which the result says so that it can be logged.
 */
export function validateTraceFields(
  fields: TraceFields,
  level: ValidationLevel,
  newTraceId: (() => string) | undefined,
): Result<TraceFields & { readonly generated: boolean }, Refusal> {
  const { traceId, spanId } = fields;
  if (traceId !== undefined && !validateTraceIdFormat(traceId))
    return err(refuse("invalid_trace_id_format", "trace_id"));
  if (spanId !== undefined && (!SPAN_ID.test(spanId) || ALL_ZERO.test(spanId))) {
    return err(refuse("invalid_span_id_format", "span_id"));
  }
  if (traceId !== undefined || level === "Baseline") return ok({ ...fields, generated: false });
  if (newTraceId === undefined) return err(refuse("missing_trace_id", "trace_id"));
  return ok({ ...fields, traceId: newTraceId(), generated: true });
}
