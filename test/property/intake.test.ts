// Whatever comes in, intake answers: it never throws, what it accepts obeys the rules, what it refuses makes a dead letter.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { buildDeadLetter, MAX_DEAD_LETTER_BYTES } from "../../core/intake/dead-letter.ts";
import { validateUuidOrUlid } from "../../core/intake/identifier.ts";
import type { DecideRequest, IntakeRules } from "../../core/intake/message.ts";
import { reasonRow } from "../../core/intake/reasons.ts";
import { validateTraceIdFormat } from "../../core/intake/trace.ts";
import { validateIntakeMessage } from "../../core/intake/validate-intake-message.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { DECIDE, fullFields, jsonBytes, routeRequestBytes, rules } from "../core/intake/samples.ts";
import { createRandom, mutate } from "./schema-mutations.ts";

const RUNS = 3000;

const identifier = fc.oneof(
  fc.constant(""),
  fc.constant(undefined),
  fc.constantFrom(...Object.values(fullFields)),
  fc.string({ unit: "binary" }),
);
const anything = fc.oneof({ weight: 3, arbitrary: identifier }, fc.jsonValue(), fc.constant(5));
const subject = fc.oneof(
  fc.constantFrom(
    DECIDE,
    `${DECIDE}.tenant.strict`,
    "beamline.router.v1.submit.tenant_abc",
    "beamline.router.v2.decide",
  ),
  fc.string(),
);
const headerName = fc.constantFrom(
  "Content-Type",
  "version",
  "tenant_id",
  "trace_id",
  "span_id",
  "traceparent",
  "Nats-Msg-Id",
);
const headerValue = fc.oneof(
  fc.constantFrom("application/json", "application/x-protobuf", "1", "2", "tenant_abc", fullFields.trace_id),
  fc.constant(`00-${fullFields.trace_id}-00f067aa0ba902b7-01`),
  fc.string(),
);
const headers = fc
  .oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fc.tuple(headerName, headerValue), { maxLength: 4 }))
  .map((pairs) => new Map(pairs));

/** Fields with names that the schemas have and values that they need not have. */
function fieldsOf(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const record = Object.fromEntries(names.map((name) => [name, anything]));
  return fc.record(record, { requiredKeys: [] });
}
const correlation = ["run_id", "flow_id", "step_id", "idempotency_key", "trace_id", "span_id", "tenant_id"];
const message = fieldsOf([...correlation, "message_id", "message_type", "payload", "metadata", "timestamp_ms"]);
const plausible = fc.record({
  tenant_id: fc.constantFrom("tenant_abc", "strict"),
  message_type: fc.constant("chat"),
  payload: fc.constant("AAAA"),
});
const merged = fc
  .tuple(message, plausible, fc.boolean())
  .map(([wild, tame, first]) => (first ? { ...wild, ...tame } : { ...tame, ...wild }));
const routeRequest = fc.record(
  { message: fc.oneof(merged, anything), policy_id: anything, context: anything },
  { requiredKeys: [] },
);
const task = fc.oneof(fieldsOf(["type", "payload", "payload_ref"]), anything);
const compat = fc
  .tuple(
    fieldsOf([...correlation, "request_id", "version", "constraints", "metadata", "push_assignment", "options"]),
    task,
  )
  .map(([fields, value]) => ({ ...fields, task: value }));

/** Messages that are right, but for one field perhaps. */
const nearlyRight = fc
  .tuple(plausible, message, fc.subarray(correlation, { maxLength: 1 }))
  .map(([tame, wild, spoiled]) => {
    const spoilt = Object.fromEntries(spoiled.map((name) => [name, wild[name]]));
    return { message: { ...tame, ...fullFields, ...spoilt } };
  });

const corpus = [
  routeRequestBytes({ message: { tenant_id: "tenant_abc", message_type: "chat", payload: new Uint8Array(3) } }),
  routeRequestBytes({
    message: {
      ...fullFields,
      tenant_id: "strict",
      message_type: "chat",
      payload: new Uint8Array(3),
      metadata: { a: "b" },
    },
    context: { "beamline.push": "true", max_cost: "1.5" },
  }),
].map((bytes) => Uint8Array.from(bytes));

const body = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.json().map((text) => nodeCodec.encodeUtf8(text)),
  routeRequest.map(jsonBytes),
  compat.map(jsonBytes),
  { weight: 4, arbitrary: nearlyRight.map(jsonBytes) },
  fc.integer().map((seed) => Uint8Array.from(mutate(corpus, createRandom(seed)))),
);
const setting = fc.record({
  tenantValidationEnabled: fc.boolean(),
  generateTraceIdIfMissing: fc.boolean(),
  maxPayloadBytes: fc.constantFrom(16, 4096),
});

function checkAccepted(request: DecideRequest, setup: IntakeRules): void {
  const { correlation: ids, tenantId, policyId } = request;
  assert.ok(tenantId !== "" && policyId !== "" && request.messageType !== "" && request.payload.length > 0);
  assert.equal(request.schemaVersion, 1);
  if (setup.tenantValidationEnabled) assert.ok(setup.tenant(tenantId));
  const process = [ids.runId, ids.flowId, ids.stepId];
  assert.ok(
    process.every((id) => id === undefined) || process.every((id) => id !== undefined && validateUuidOrUlid(id)),
  );
  assert.ok(ids.traceId === undefined || validateTraceIdFormat(ids.traceId));
  const key = ids.idempotencyKey;
  assert.ok(key === undefined || (key.length > 0 && [...key].length <= 256));
  const full = setup.tenant(tenantId)?.level === "Full" || setup.policyLevel(tenantId, policyId) === "Full";
  if (full) assert.ok([...process, key, ids.traceId].every((field) => field !== undefined));
  for (const value of Object.values({ ...request.metadata, ...request.context })) assert.equal(typeof value, "string");
}

describe("intake properties", () => {
  it("answers anything, and keeps its word either way", () => {
    const tally = { accepted: 0, refused: new Set<string>() };
    fc.assert(
      fc.property(subject, headers, body, setting, (where, sent, bytes, set) => {
        const setup = { ...rules, ...set };
        const result = validateIntakeMessage("decide", where, sent, bytes, setup);
        if (result.ok) {
          tally.accepted += 1;
          checkAccepted(result.value, setup);
          return;
        }
        tally.refused.add(result.error.reason);
        assert.equal(reasonRow(result.error.reason).raisedBy, "intake");
        const source = { subject: where, headers: sent, body: bytes, position: undefined, nowMs: 0 };
        const letter = buildDeadLetter(result.error, source, {
          codec: nodeCodec,
          router: "r",
          payload: "Full",
          subjects: "Common",
        });
        assert.ok(letter.body.length <= MAX_DEAD_LETTER_BYTES);
        const record = JSON.parse(nodeCodec.decodeUtf8(letter.body) ?? "") as { validation_error: { code: string } };
        assert.equal(record.validation_error.code, result.error.reason);
      }),
      { numRuns: RUNS },
    );
    // The generators reach both ends and most of the table, or the property says little.
    assert.ok(tally.accepted > RUNS / 100, `only ${tally.accepted} accepted`);
    assert.ok(tally.refused.size > 15, [...tally.refused].join(", "));
  });

  it("gives the same answer for the same message in both encodings of a RouteRequest", () => {
    const text = fc.string({ unit: "grapheme" });
    const request = fc.record({
      tenant_id: fc.constantFrom("tenant_abc", "strict", "stranger", ""),
      message_type: text,
      policy_id: fc.constantFrom("", "full", "small"),
      payload: fc.uint8Array({ maxLength: 12 }),
      run_id: fc.constantFrom("", fullFields.run_id, "x"),
      trace_id: fc.constantFrom("", fullFields.trace_id, "y"),
      idempotency_key: text,
      metadata: fc.dictionary(text, text, { noNullPrototype: true }),
    });
    fc.assert(
      fc.property(request, ({ policy_id, ...fields }) => {
        const json = { message: { ...fields, payload: nodeCodec.base64Encode(fields.payload) }, policy_id };
        const answers = [routeRequestBytes({ message: fields, policy_id }), jsonBytes(json)].map((bytes) =>
          shown(validateIntakeMessage("decide", DECIDE, new Map(), bytes, rules)),
        );
        assert.equal(answers[0], answers[1]?.replace('"encoding":"json"', '"encoding":"protobuf"'));
      }),
      { numRuns: 500 },
    );
  });
});

function shown(value: unknown): string {
  return JSON.stringify(value, (_, item) => {
    if (item instanceof Uint8Array) return [...item];
    return item?.type === "Buffer" ? item.data : item;
  });
}
