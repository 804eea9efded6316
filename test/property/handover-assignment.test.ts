// The hand-written encoder of assignments against the general one, and assignments read back, for any request.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { planAssignment } from "../../core/handover/assignment.ts";
import { type AssignmentFields, writeAssignment } from "../../core/handover/assignment-wire.ts";
import { readExisting } from "../../core/handover/existing.ts";
import type { DecideRequest } from "../../core/intake/message.ts";
import { encodeBinary } from "../../core/schema/encode-binary.ts";
import { ExecAssignment } from "../../proto/gen/messages/beamline/worker/v1/worker.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { OPENAI, RECORD } from "../core/handover/requests.ts";

const anyText = fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: "grapheme", maxLength: 60 }));
const textMap = fc.dictionary(anyText, anyText, { maxKeys: 6, noNullPrototype: true });
const milliseconds = fc.oneof(fc.integer(), fc.maxSafeNat());
const correlation = fc.record(
  {
    messageId: anyText,
    requestId: anyText,
    runId: anyText,
    flowId: anyText,
    stepId: anyText,
    traceId: anyText,
    spanId: anyText,
    idempotencyKey: anyText,
  },
  { requiredKeys: [] },
);
const fields: fc.Arbitrary<AssignmentFields> = fc.record({
  version: fc.constantFrom("1", ""),
  assignmentId: anyText,
  requestId: anyText,
  tenantId: anyText,
  providerId: anyText,
  channel: fc.constantFrom("nats", ""),
  jobType: anyText,
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.constantFrom(new Uint8Array(70_000).fill(7), new Uint8Array(0)),
  ),
  priority: fc.integer(),
  deadlineMs: milliseconds,
  retry: fc.record({ max_attempts: fc.nat(), backoff_ms: milliseconds }),
  correlation,
  decision: fc.constantFrom(encodeBinary(schemaTable, "beamline.flow.v1.RouteDecision", plainDecision(), nodeCodec)),
  metadata: textMap,
  attempt: fc.nat(),
  token: anyText,
});

function plainDecision() {
  return { ...RECORD, expected_latency_ms: BigInt(RECORD.expected_latency_ms) };
}

function plainAssignment(given: AssignmentFields) {
  const ids = given.correlation;
  return {
    version: given.version,
    assignment_id: given.assignmentId,
    request_id: given.requestId,
    tenant_id: given.tenantId,
    executor: { provider_id: given.providerId, channel: given.channel },
    job: { type: given.jobType, payload: given.payload },
    options: {
      priority: given.priority,
      deadline_ms: BigInt(given.deadlineMs),
      retry: { max_attempts: given.retry.max_attempts, backoff_ms: BigInt(given.retry.backoff_ms) },
    },
    correlation: {
      trace_id: ids.traceId ?? "",
      run_id: ids.runId ?? "",
      flow_id: ids.flowId ?? "",
      step_id: ids.stepId ?? "",
      span_id: ids.spanId ?? "",
      idempotency_key: ids.idempotencyKey ?? "",
      message_id: ids.messageId ?? "",
    },
    decision: plainDecision(),
    metadata: given.metadata,
    attempt: given.attempt,
    attempt_token: given.token,
    schema_version: given.version,
  };
}

describe("assignments in protobuf", () => {
  it("have the bytes of the general encoder", () => {
    fc.assert(
      fc.property(fields, (given) => {
        const expected = encodeBinary(
          schemaTable,
          "beamline.worker.v1.ExecAssignment",
          plainAssignment(given),
          nodeCodec,
        );
        assert.deepEqual(Buffer.from(writeAssignment(nodeCodec, given)), Buffer.from(expected));
      }),
      { numRuns: 1000 },
    );
  });

  it("carry the payload as received, and read back as what was planned", () => {
    const id = fc.stringMatching(/^[0-9a-f]{32}$/);
    fc.assert(
      fc.property(
        fields,
        id,
        id,
        fc.integer({ min: 1, max: 9 }),
        fc.nat(),
        (given, effectId, fingerprint, attempt, sequence) => {
          const request = {
            encoding: "protobuf",
            tenantId: given.tenantId,
            messageType: given.jobType,
            payload: given.payload,
            metadata: given.metadata,
            correlation: given.correlation,
          } as unknown as DecideRequest;
          const about = { codec: nodeCodec, schemas: schemaTable, request, record: RECORD, provider: OPENAI };
          const deadlines = { token: "t-1", deadlineMs: 2000, nowMs: 1000 };
          const message = planAssignment({
            ...about,
            ...deadlines,
            effectId,
            fingerprint,
            attempt,
            expectLastSequence: sequence,
          });
          const decoded = ExecAssignment.decode(message.body);
          assert.deepEqual(Buffer.from(decoded.job?.payload ?? []), Buffer.from(given.payload));
          assert.equal(decoded.assignmentId, `${effectId}-${attempt}`);

          for (const [name, value] of message.headers) assert.match(value, /^[ -~]*$/, name);
          const headers = new Map(message.headers);
          const stored = {
            subject: message.subject,
            sequence: sequence + 1,
            timestampMs: 0,
            headers,
            body: message.body,
          };
          assert.deepEqual(readExisting(stored), {
            stage: "assignment",
            effectId,
            sequence: sequence + 1,
            attempt,
            provider: OPENAI,
            fingerprint,
            decision: RECORD,
            attemptToken: "t-1",
            deadlineMs: 2000,
            legacySubject: undefined,
            legacyPublished: false,
            supersedes: sequence === 0 ? undefined : sequence,
          });
        },
      ),
    );
  });
});
