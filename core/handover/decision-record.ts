// A decision as it is stored: made once, carried in `Beamline-Decision`, read back by every duplicate.
import type { Codec } from "../codec.ts";
import type { Decision } from "../decide/decision.ts";
import type { CompiledProvider } from "../policy/table.ts";
import { encodeBinary } from "../schema/encode-binary.ts";
import type { SchemaTable } from "../schema/schema.ts";
import { asciiJson } from "./header.ts";
import type { DecisionRecord } from "./record.ts";

/**
 * Characters of `Beamline-Decision` at most. Names in objects are bounded by their schema, so a record comes nowhere
 * near it; text is cut all the same, because a header that the server refuses would block the message for ever.
 */
export const MAX_DECISION_HEADER = 4096;
const ROUTE_DECISION = "beamline.flow.v1.RouteDecision";
const MAX_NAME = 256;
const MAX_VERSION = 64;

/**
 * Records kept for one provider of one policy; more only occur when revisions change faster than the table is swapped.
 */
const MAX_RECORDS_PER_PROVIDER = 16;

interface KnownRecord {
  readonly decision: Decision;
  readonly configRevision: number;
  readonly record: DecisionRecord;
}

/**
 * Equal decisions give one record, so that its encodings are made once; a new table has new providers and begins
 * empty.
 */
const knownRecords = new WeakMap<CompiledProvider, KnownRecord[]>();
const headers = new WeakMap<DecisionRecord, string>();
const messages = new WeakMap<DecisionRecord, Uint8Array>();

/** The record of a decision; every metadata key is one of contracts.md "Protos". */
export function decisionRecord(decision: Decision, extra: { readonly configRevision: number }): DecisionRecord {
  const { configRevision } = extra;
  const known = knownRecords.get(decision.provider) ?? [];
  for (const entry of known) {
    if (entry.configRevision === configRevision && isSame(entry.decision, decision)) return entry.record;
  }
  const record = makeRecord(decision, configRevision);
  if (known.length >= MAX_RECORDS_PER_PROVIDER) known.length = 0;
  known.push({ decision, configRevision, record });
  knownRecords.set(decision.provider, known);
  return record;
}

function isSame(a: Decision, b: Decision): boolean {
  return (
    a.rule === b.rule &&
    a.reason === b.reason &&
    a.attempt === b.attempt &&
    a.policyId === b.policyId &&
    a.policy.generation === b.policy.generation &&
    a.snapshotVersion === b.snapshotVersion
  );
}

function makeRecord(decision: Decision, configRevision: number): DecisionRecord {
  const { provider } = decision;
  return {
    provider_id: provider.providerId,
    reason: decision.reason,
    priority: provider.priority,
    expected_latency_ms: provider.expectedLatencyMs,
    expected_cost: provider.expectedCost,
    metadata: {
      policy_id: decision.policyId.slice(0, MAX_NAME),
      policy_generation: String(decision.policy.generation),
      config_revision: String(configRevision),
      snapshot_version: decision.snapshotVersion.slice(0, MAX_VERSION),
      ...(decision.rule === undefined ? {} : { rule: decision.rule.slice(0, MAX_NAME) }),
      attempt: String(decision.attempt),
    },
  };
}

/** The same decision for a later attempt at its effect. */
export function recordForAttempt(record: DecisionRecord, attempt: number): DecisionRecord {
  return { ...record, metadata: { ...record.metadata, attempt: String(attempt) } };
}

/** Value of `Beamline-Decision`. */
export function encodeDecision(record: DecisionRecord): string {
  const known = headers.get(record);
  if (known !== undefined) return known;
  const text = asciiJson(record);
  headers.set(record, text);
  return text;
}

/** The record as `beamline.flow.v1.RouteDecision`, in protobuf; shared, so not to be written to. */
export function encodeRouteDecision(record: DecisionRecord, schemas: SchemaTable, codec: Codec): Uint8Array {
  const known = messages.get(record);
  if (known !== undefined) return known;
  const plain = { ...record, expected_latency_ms: BigInt(Math.round(record.expected_latency_ms)) };
  const bytes = encodeBinary(schemas, ROUTE_DECISION, plain, codec);
  messages.set(record, bytes);
  return bytes;
}

/** Undefined when the text is not the record of a decision. */
export function decodeDecision(text: string): DecisionRecord | undefined {
  if (text.length > MAX_DECISION_HEADER) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is DecisionRecord {
  if (!isObject(value) || !isObject(value.metadata)) return false;
  return (
    typeof value.provider_id === "string" &&
    typeof value.reason === "string" &&
    typeof value.priority === "number" &&
    typeof value.expected_latency_ms === "number" &&
    typeof value.expected_cost === "number" &&
    Object.values(value.metadata).every((entry) => typeof entry === "string")
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
