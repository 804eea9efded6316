// A decision made into the message that is stored for it. The assignment is its own claim: one publish, expected to be
// the first (or the next) about its effect, so that claim and work cannot come apart and no second one can exist.
import type { Codec } from "../codec.ts";
import type { DecideRequest } from "../intake/message.ts";
import type { SchemaTable } from "../schema/schema.ts";
import { ASSIGNMENT_VERSION, correlationBody, encodeAssignmentBody, requestIdOf } from "./assignment-body.ts";
import { encodeDecision } from "./decision-record.ts";
import type { OutgoingMessage } from "./effects.ts";
import { formatProvider } from "./existing.ts";
import { encodeHeaderValue, HEADER, type HeaderPair, JSON_CONTENT } from "./header.ts";
import type { DecisionRecord, ExistingEffect, ProviderKey } from "./record.ts";
import { assignmentSubject, decidedSubject, effectWildcard, endSubject } from "./subjects.ts";

/** What is said about an effect, whatever is stored for it. */
interface EffectInput {
  readonly codec: Codec;
  readonly request: DecideRequest;
  readonly effectId: string;
  readonly fingerprint: string;
  readonly provider: ProviderKey;
  readonly record: DecisionRecord;
}

/** One attempt at an effect. */
export interface AttemptInput extends EffectInput {
  readonly schemas: SchemaTable;
  /** 1 for the first. */
  readonly attempt: number;
  /** Random; what acknowledgement and result must repeat. */
  readonly token: string;
  /** When the attempt is over, milliseconds since the Unix epoch. */
  readonly deadlineMs: number;
  readonly nowMs: number;
}

export interface AssignmentInput extends AttemptInput {
  /** Sequence of what stands for the effect; 0 when nothing may stand. */
  readonly expectLastSequence: number;
}

export interface DecidedInput extends EffectInput {
  readonly expectLastSequence: number;
  /** How long a decision that was not pushed stands; undefined: as long as the stream keeps assignments. */
  readonly ttlMs: number | undefined;
  /** For a provider that is fed by a fixed subject: this message is the claim, the assignment itself follows it. */
  readonly legacy?: { readonly subject: string; readonly token: string; readonly deadlineMs: number };
}

function assignmentId(effectId: string, attempt: number): string {
  return `${effectId}-${attempt}`;
}

/** The assignment of one attempt, to the provider's own subject. */
export function planAssignment(input: AssignmentInput): OutgoingMessage {
  const { effectId, attempt } = input;
  const { contentType, body } = encodeBody(input);
  return {
    purpose: "assignment",
    subject: assignmentSubject(effectId, input.provider),
    headers: [...attemptHeaders(input, contentType), ...supersedesHeader(input.expectLastSequence)],
    body,
    msgId: `${effectId}:${attempt}`,
    ...expectation(effectId, input.expectLastSequence),
  };
}

/**
 * A decision that stands without an assignment of its own: keyed and not pushed, or the claim of a legacy provider's
 * assignment. No TTL for the latter: it protects work, and work is protected as long as assignments are kept.
 */
export function planDecided(input: DecidedInput): OutgoingMessage {
  const { codec, request, effectId, legacy } = input;
  const headers: HeaderPair[] = [
    ...effectHeaders(input, JSON_CONTENT),
    [HEADER.attempt, legacy === undefined ? "0" : "1"],
    ...supersedesHeader(input.expectLastSequence),
  ];
  if (legacy !== undefined) {
    headers.push(
      [HEADER.attemptToken, encodeHeaderValue(codec, legacy.token)],
      [HEADER.deadline, String(legacy.deadlineMs)],
      [HEADER.legacySubject, encodeHeaderValue(codec, legacy.subject)],
    );
  }
  const body = { tenant_id: request.tenantId, request_id: requestIdOf(request), correlation: correlationBody(request) };
  return {
    purpose: "decided",
    subject: decidedSubject(effectId),
    headers,
    body: codec.encodeUtf8(JSON.stringify(body)),
    // Not the id of a bare decision, which may have stood for the same effect a moment ago.
    msgId: legacy === undefined ? `${effectId}:0` : `${effectId}:claim`,
    ...expectation(effectId, input.expectLastSequence),
    ...(legacy !== undefined || input.ttlMs === undefined ? {} : { ttlMs: input.ttlMs }),
  };
}

/**
 * The assignment on a legacy provider's fixed subject, after its claim is stored. It is deduplicated by its message
 * id and the stream's window only, so a repeat publishes it again under the same id.
 * @param legacySubject canonical and checked by `checkPublishSubject` ("legacy")
 */
export function planLegacyAssignment(input: AttemptInput & { readonly legacySubject: string }): OutgoingMessage {
  const { contentType, body } = encodeBody(input);
  return {
    purpose: "legacy-assignment",
    subject: input.legacySubject,
    headers: attemptHeaders(input, contentType),
    body,
    msgId: `${input.effectId}:${input.attempt}`,
  };
}

/** The part of an attempt that its stored claim tells: what a repeat of a legacy assignment is made of. */
export function attemptOfExisting(
  existing: ExistingEffect,
): Pick<AttemptInput, "effectId" | "fingerprint" | "provider" | "record" | "attempt" | "token" | "deadlineMs"> {
  const { effectId, fingerprint, provider, decision, attempt, attemptToken, deadlineMs } = existing;
  return {
    effectId,
    fingerprint,
    provider,
    record: decision,
    attempt,
    token: attemptToken ?? "",
    deadlineMs: deadlineMs ?? 0,
  };
}

/** The mark that a claim's assignment is stored on its fixed subject: it takes the claim's place. */
export function planLegacyPublished(input: {
  readonly codec: Codec;
  readonly claim: ExistingEffect;
  readonly tenantId: string;
}): OutgoingMessage {
  const { codec, claim, tenantId } = input;
  const mark = planMark(codec, claim, tenantId, { tenant_id: tenantId, published_to: claim.legacySubject });
  return {
    ...mark,
    purpose: "decided",
    subject: decidedSubject(claim.effectId),
    headers: [
      ...mark.headers,
      [HEADER.attemptToken, encodeHeaderValue(codec, claim.attemptToken ?? "")],
      [HEADER.deadline, String(claim.deadlineMs ?? 0)],
      [HEADER.legacySubject, encodeHeaderValue(codec, claim.legacySubject ?? "")],
      [HEADER.legacyPublished, "true"],
    ],
    msgId: `${claim.effectId}:published`,
  };
}

/** The mark of an effect that is given up: it keeps the claim, so that no later delivery begins anew. */
export function planEnd(input: {
  readonly codec: Codec;
  readonly existing: ExistingEffect;
  readonly tenantId: string;
  readonly reason: string;
}): OutgoingMessage {
  const { codec, existing, tenantId, reason } = input;
  return {
    ...planMark(codec, existing, tenantId, { tenant_id: tenantId, reason }),
    purpose: "end",
    subject: endSubject(existing.effectId),
    msgId: `${existing.effectId}:end`,
  };
}

/** What takes the place of a standing message and keeps what it says. */
function planMark(codec: Codec, existing: ExistingEffect, tenantId: string, body: object) {
  const headers: HeaderPair[] = [
    [HEADER.contentType, JSON_CONTENT],
    [HEADER.version, ASSIGNMENT_VERSION],
    [HEADER.tenantId, encodeHeaderValue(codec, tenantId)],
    [HEADER.effectId, existing.effectId],
    [HEADER.attempt, String(existing.attempt)],
    [HEADER.fingerprint, existing.fingerprint],
    [HEADER.decision, encodeDecision(existing.decision)],
    [HEADER.provider, formatProvider(existing.provider)],
    ...supersedesHeader(existing.sequence),
  ];
  return {
    headers,
    body: codec.encodeUtf8(JSON.stringify(body)),
    ...expectation(existing.effectId, existing.sequence),
  };
}

function encodeBody(input: AttemptInput) {
  const { codec, schemas, request, record, attempt, token } = input;
  const timeoutMs = Math.max(0, input.deadlineMs - input.nowMs);
  const id = assignmentId(input.effectId, attempt);
  return encodeAssignmentBody({ codec, schemas, request, record, assignmentId: id, attempt, token, timeoutMs });
}

function expectation(effectId: string, sequence: number) {
  return { expectLastSequence: sequence, expectSubject: effectWildcard(effectId) };
}

function effectHeaders(input: EffectInput, contentType: string): HeaderPair[] {
  const { codec, request } = input;
  const { traceId, traceparent } = request.correlation;
  const headers: HeaderPair[] = [
    [HEADER.contentType, contentType],
    [HEADER.version, ASSIGNMENT_VERSION],
    [HEADER.tenantId, encodeHeaderValue(codec, request.tenantId)],
    [HEADER.effectId, input.effectId],
    [HEADER.fingerprint, input.fingerprint],
    [HEADER.decision, encodeDecision(input.record)],
    [HEADER.provider, formatProvider(input.provider)],
  ];
  if (traceId !== undefined) headers.push([HEADER.traceId, encodeHeaderValue(codec, traceId)]);
  if (traceparent !== undefined) headers.push([HEADER.traceparent, encodeHeaderValue(codec, traceparent)]);
  return headers;
}

function attemptHeaders(input: AttemptInput, contentType: string): HeaderPair[] {
  return [
    ...effectHeaders(input, contentType),
    [HEADER.attempt, String(input.attempt)],
    [HEADER.attemptToken, encodeHeaderValue(input.codec, input.token)],
    [HEADER.deadline, String(input.deadlineMs)],
  ];
}

function supersedesHeader(sequence: number): HeaderPair[] {
  return sequence === 0 ? [] : [[HEADER.supersedes, String(sequence)]];
}
