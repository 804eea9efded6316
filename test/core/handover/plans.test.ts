// Goldens of what is stored for a request: subject, headers, body, expectation; one input file a kind of message and
// encoding.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { describe } from "mocha";
import {
  type AttemptInput,
  planAssignment,
  planDecided,
  planEnd,
  planLegacyAssignment,
} from "../../../core/handover/assignment.ts";
import { planNextAttempt, planPush } from "../../../core/handover/chain.ts";
import type { OutgoingMessage } from "../../../core/handover/effects.ts";
import { readExisting } from "../../../core/handover/existing.ts";
import { fingerprint } from "../../../core/handover/fingerprint.ts";
import { DECIDE_SUBJECT } from "../../../core/handover/subjects.ts";
import type { DecideRequest, IntakeRules } from "../../../core/intake/message.ts";
import { validateIntakeMessage } from "../../../core/intake/validate-intake-message.ts";
import { decodeBinary } from "../../../core/schema/decode-binary.ts";
import { encodeBinary } from "../../../core/schema/encode-binary.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { goldenSuite } from "../../support/golden.ts";
import { EFFECT_ID, OPENAI, RECORD } from "./requests.ts";

const NOW_MS = 1_700_000_000_000;
const DEADLINE_MS = NOW_MS + 30_000;
const ANTHROPIC = { namespace: "shared", name: "anthropic" };

const RULES: IntakeRules = {
  codec: nodeCodec,
  schemas: schemaTable,
  supportedSchemaVersions: [1],
  maxPayloadBytes: 1_048_576,
  tenantValidationEnabled: false,
  generateTraceIdIfMissing: false,
  newTraceId: () => "0".repeat(32),
  tenant: () => undefined,
  policyLevel: () => undefined,
  policyMaxPayloadBytes: () => undefined,
};

interface PlanCase {
  readonly plan: "assignment" | "decided" | "legacy-claim" | "legacy" | "push" | "next" | "end";
  readonly headers: Readonly<Record<string, string>>;
  /** `protobuf`: the request's fields by proto name, payload as text; `json`: the body itself. */
  readonly protobuf?: { readonly message: Readonly<Record<string, unknown>> };
  readonly json?: unknown;
}

function validate(given: PlanCase): DecideRequest {
  const { protobuf, json } = given;
  const bytes = protobuf === undefined ? nodeCodec.encodeUtf8(JSON.stringify(json)) : encodeRequest(protobuf);
  const result = validateIntakeMessage("decide", DECIDE_SUBJECT, new Map(Object.entries(given.headers)), bytes, RULES);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function encodeRequest(request: NonNullable<PlanCase["protobuf"]>): Uint8Array {
  const payload = nodeCodec.encodeUtf8(String(request.message.payload));
  const plain = { ...request, message: { ...request.message, payload } };
  return encodeBinary(schemaTable, "beamline.flow.v1.RouteRequest", plain, nodeCodec);
}

function planFor(plan: PlanCase["plan"], request: DecideRequest): OutgoingMessage {
  const print = fingerprint(nodeCodec, request);
  const effect = {
    codec: nodeCodec,
    request,
    effectId: EFFECT_ID,
    fingerprint: print,
    provider: OPENAI,
    record: RECORD,
  };
  const times = { deadlineMs: DEADLINE_MS, nowMs: NOW_MS };
  const attempt: AttemptInput = { ...effect, schemas: schemaTable, attempt: 1, token: "token-1", ...times };
  const successor = { codec: nodeCodec, schemas: schemaTable, request, token: "token-2", ...times };
  const legacy = { subject: "caf.exec.assign.v1", token: "token-1", deadlineMs: DEADLINE_MS };
  const decided = planDecided({ ...effect, expectLastSequence: 0, ttlMs: 900_000 });
  const first = planAssignment({ ...attempt, expectLastSequence: 0 });
  switch (plan) {
    case "assignment":
      return first;
    case "decided":
      return decided;
    case "legacy-claim":
      return planDecided({ ...effect, expectLastSequence: 0, ttlMs: undefined, legacy });
    case "legacy":
      return planLegacyAssignment({ ...attempt, legacySubject: legacy.subject });
    case "push":
      return planPush(read(decided), successor);
    case "next":
      return planNextAttempt(
        read(first),
        { provider: ANTHROPIC, record: { ...RECORD, provider_id: "anthropic", reason: "retry" } },
        successor,
      );
    case "end":
      return planEnd({
        codec: nodeCodec,
        existing: read(first),
        tenantId: request.tenantId,
        reason: "attempts_exhausted",
      });
  }
}

function read(message: OutgoingMessage) {
  const { subject, body } = message;
  const existing = readExisting({
    subject,
    sequence: 41,
    timestampMs: NOW_MS,
    headers: new Map(message.headers),
    body,
  });
  assert.ok(existing);
  return existing;
}

/** A message with its body readable; protobuf bodies are kept in hexadecimal beside their content. */
function describeMessage(message: OutgoingMessage): unknown {
  const isJson = new Map(message.headers).get("Content-Type") === "application/json";
  const text = Buffer.from(message.body);
  if (isJson) return { ...message, body: JSON.parse(text.toString("utf8")) };
  const decoded = decodeBinary(schemaTable, "beamline.worker.v1.ExecAssignment", message.body, nodeCodec);
  assert.ok(decoded.ok);
  return { ...message, body: readable(decoded.value), bodyHex: text.toString("hex") };
}

function readable(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, readable(item)]));
}

describe("what is stored for a request", () => {
  goldenSuite({
    dir: fileURLToPath(new URL("../../golden/handover/", import.meta.url)),
    run: (input) => {
      const given = input as PlanCase;
      return describeMessage(planFor(given.plan, validate(given)));
    },
  });
});
