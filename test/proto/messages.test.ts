// The generated code against an independent codec: bytes of the CP1 schema, fields it does not know, JSON names.

import assert from "node:assert/strict";
import { create, type DescMessage, type FileRegistry, fromBinary, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { before, describe, it } from "mocha";
import { ErrorResponse } from "../../proto/gen/messages/beamline/compat/v1/compat.ts";
import { Message, RouteRequest } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { ExecAssignment, ExecResult } from "../../proto/gen/messages/beamline/worker/v1/worker.ts";
import { HealthStatus } from "../../proto/gen/messages/common/common.ts";
import { ProcessorHeartbeatRequest } from "../../proto/gen/messages/controlplane/controlplane.ts";
import { buildRegistry } from "../../proto/scripts/buf.ts";
import { buildSeed, plant, withProtoCopy } from "./copies.ts";

const propertyRuns = 200;

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const metadata = fc.dictionary(
  text.filter((key) => key !== "__proto__"),
  text,
  { maxKeys: 5, noNullPrototype: true },
);
const cp1Message = fc.record({
  messageId: text,
  tenantId: text,
  traceId: text,
  messageType: text,
  payload: fc.uint8Array({ maxLength: 200 }),
  metadata,
  timestampMs: int64,
});

function findMessage(registry: FileRegistry, name: string): DescMessage {
  const message = registry.getMessage(name);
  assert.ok(message, name);
  return message;
}

/** Encodes with the descriptors of `schema`, by protobuf-es: none of the code under test takes part. */
function encodeBy(schema: DescMessage, fields: Record<string, unknown>): Uint8Array {
  return toBinary(schema, create(schema, fields as never));
}

describe("generated messages", () => {
  let cp1: FileRegistry;
  let future: FileRegistry;
  before(async () => {
    cp1 = await buildSeed("cp1");
    future = await withProtoCopy(async (dir) => {
      const added =
        "  // New.\n  Message cause = 50;\n  // New.\n  repeated fixed32 marks = 51;\n  // New.\n  double score = 52;\n  // New.\n  string note = 2000;\n";
      const last = "  string span_id = 12;\n";
      await plant(dir, "beamline/flow/v1/flow.proto", last, `${last}${added}`);
      return await buildRegistry(dir);
    });
  });

  it("decode bytes made by the CP1 schema, with CP2 fields absent", () => {
    const schema = findMessage(cp1, "beamline.flow.v1.RouteRequest");
    fc.assert(
      fc.property(cp1Message, text, metadata, (message, policyId, context) => {
        const decoded = RouteRequest.decode(encodeBy(schema, { message, policyId, context }));
        const absent = { runId: "", flowId: "", stepId: "", idempotencyKey: "", spanId: "" };
        const expected = { message: { ...message, ...absent }, policyId, context, idempotencyKey: "" };
        assert.deepEqual(decoded, addUnknown(expected));
      }),
      { numRuns: propertyRuns },
    );
  });

  it("decode a CP1 result, as deployed workers send it", () => {
    const schema = findMessage(cp1, "beamline.worker.v1.ExecResult");
    const sent = { assignmentId: "a-1", requestId: "r-1", status: "success", latencyMs: 12n, cost: 0.25 };
    const decoded = ExecResult.decode(encodeBy(schema, { ...sent, job: { type: "chat", metadata: { k: "v" } } }));
    assert.equal(decoded.assignmentId, "a-1");
    assert.equal(decoded.latencyMs, 12n);
    assert.equal(decoded.cost, 0.25);
    assert.deepEqual(decoded.job?.metadata, { k: "v" });
    assert.equal(decoded.attemptToken, "");
  });

  it("are read by a CP1 reader, which keeps the CP2 fields for the next reader", () => {
    const schema = findMessage(cp1, "beamline.flow.v1.Message");
    const message = Message.fromPartial({ messageId: "m", tenantId: "t", runId: "r", spanId: "s", timestampMs: 7n });
    const read = fromBinary(schema, Message.encode(message).finish());
    const fields = read as unknown as Record<string, unknown>;
    assert.equal(fields.messageId, "m");
    assert.equal(fields.timestampMs, 7n);
    assert.deepEqual(Message.decode(toBinary(schema, read)), message);
  });

  it("keep fields of a newer schema through decode and encode", () => {
    const schema = findMessage(future, "beamline.flow.v1.RouteRequest");
    fc.assert(
      fc.property(cp1Message, fc.double(), text, fc.array(fc.nat()), (message, score, note, marks) => {
        const cause = { messageId: "cause", note: "nested", marks: [1] };
        const bytes = encodeBy(schema, { message: { ...message, cause, marks, score, note } });
        const forwarded = RouteRequest.encode(RouteRequest.decode(bytes)).finish();
        assert.deepEqual(fromBinary(schema, forwarded), fromBinary(schema, bytes));
      }),
      { numRuns: propertyRuns },
    );
  });

  it("read JSON under both names of a field", () => {
    const camel = RouteRequest.fromJSON({ policyId: "p", message: { tenantId: "t", timestampMs: "5" } });
    const snake = RouteRequest.fromJSON({ policy_id: "p", message: { tenant_id: "t", timestamp_ms: 5 } });
    assert.deepEqual(snake, camel);
    assert.equal(snake.message?.timestampMs, 5n);
  });

  it("write the JSON that an independent codec writes", () => {
    const schema = findMessage(future, "beamline.flow.v1.Message");
    fc.assert(
      fc.property(cp1Message, (fields) => {
        const message = Message.fromPartial(fields);
        const bytes = Message.encode(message).finish();
        assert.deepEqual(Message.toJSON(message), toJson(schema, fromBinary(schema, bytes)));
      }),
      { numRuns: propertyRuns },
    );
  });

  it("carry nested messages, maps, 64-bit limits and Struct", () => {
    const assignment = ExecAssignment.fromPartial({
      assignmentId: "a-1",
      job: { type: "chat", payload: new Uint8Array([0, 255]) },
      options: { deadlineMs: 2n ** 63n - 1n, retry: { maxAttempts: 2, backoffMs: 200n } },
      decision: { providerId: "openai", expectedCost: 0.5, metadata: { rule: "r" } },
      attempt: -1,
    });
    assert.deepEqual(ExecAssignment.decode(ExecAssignment.encode(assignment).finish()), assignment);
    const error = ErrorResponse.fromPartial({ error: { code: "x", details: { a: [1, "b", null, { c: true }] } } });
    assert.deepEqual(ErrorResponse.decode(ErrorResponse.encode(error).finish()), error);
    const beat = ProcessorHeartbeatRequest.fromPartial({
      timestamp: { seconds: 1n, nanos: 2 },
      metrics: { load: 0.5 },
    });
    assert.deepEqual(ProcessorHeartbeatRequest.decode(ProcessorHeartbeatRequest.encode(beat).finish()), beat);
    assert.equal(HealthStatus.HEALTHY, 2);
  });
});

/** Decoded messages list their unknown fields, none here. */
function addUnknown<T extends { message: object }>(expected: T) {
  return { ...expected, message: { ...expected.message, _unknownFields: {} }, _unknownFields: {} };
}
