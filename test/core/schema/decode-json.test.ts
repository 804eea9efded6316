// Proto3 JSON one rule at a time: what passes, what is refused and under which name.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeBinary } from "../../../core/schema/decode-binary.ts";
import { decodeJson } from "../../../core/schema/decode-json.ts";
import { encodeBinary } from "../../../core/schema/encode-binary.ts";
import { encodeJson } from "../../../core/schema/encode-json.ts";
import type { SchemaRule } from "../../../core/schema/problem.ts";
import { formatTimestampMs, parseTimestamp } from "../../../core/schema/timestamp.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const REQUEST = "beamline.flow.v1.RouteRequest";
const DECISION = "beamline.flow.v1.RouteDecision";
const COMPAT = "beamline.compat.v1.DecideRequest";
const HEARTBEAT = "obsrvr.flow.controlplane.ConsumerHeartbeatRequest";
const read = (name: string, value: unknown) => decodeJson(schemaTable, name, value, nodeCodec);

function nested(levels: number): unknown {
  let value: unknown = {};
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

describe("decodeJson", () => {
  const refused: readonly [name: string, value: unknown, rule: SchemaRule, path: string][] = [
    [REQUEST, [], "type", ""],
    [REQUEST, { policy_id: 5 }, "type", "policy_id"],
    [REQUEST, { message: "x" }, "type", "message"],
    [REQUEST, { message: { tenantId: true } }, "type", "message.tenant_id"],
    [REQUEST, { context: { a: 1 } }, "type", 'context["a"]'],
    [REQUEST, { context: { a: null } }, "type", 'context["a"]'],
    [REQUEST, { context: [] }, "type", "context"],
    [REQUEST, { message: { payload: "%" } }, "base64", "message.payload"],
    [REQUEST, { message: { payload: 5 } }, "type", "message.payload"],
    [REQUEST, { message: { timestamp_ms: 1.5 } }, "type", "message.timestamp_ms"],
    [REQUEST, { message: { timestamp_ms: 2 ** 53 } }, "range", "message.timestamp_ms"],
    [REQUEST, { message: { timestamp_ms: "9223372036854775808" } }, "range", "message.timestamp_ms"],
    [REQUEST, { message: { timestamp_ms: "1e3" } }, "type", "message.timestamp_ms"],
    [REQUEST, { policy_id: "\ud800" }, "unicode", "policy_id"],
    [REQUEST, { context: { "\udfff": "x" } }, "unicode", 'context["\\udfff"]'],
    [REQUEST, { policy_id: "a", policyId: "b" }, "duplicate", "policy_id"],
    [DECISION, { priority: 2 ** 31 }, "range", "priority"],
    [DECISION, { expected_cost: true }, "type", "expected_cost"],
    [DECISION, { expected_cost: "1,5" }, "type", "expected_cost"],
    [DECISION, { expected_cost: Number.POSITIVE_INFINITY }, "range", "expected_cost"],
    [COMPAT, { push_assignment: "true" }, "type", "push_assignment"],
    [COMPAT, { metadata: [] }, "type", "metadata"],
    [COMPAT, { metadata: { a: ["\ud800"] } }, "unicode", 'metadata["a"][0]'],
    [COMPAT, { metadata: { a: Number.NEGATIVE_INFINITY } }, "range", 'metadata["a"]'],
    [COMPAT, { metadata: nested(101) }, "depth", `metadata${'["a"]'.repeat(100)}`],
    [HEARTBEAT, { timestamp: "2025-02-29T00:00:00Z" }, "type", "timestamp"],
    [HEARTBEAT, { timestamp: 0 }, "type", "timestamp"],
    ["beamline.flow.v1.AdminRule", { prefer: ["a", 1] }, "type", "prefer[1]"],
    ["beamline.flow.v1.AdminRule", { prefer: "a" }, "type", "prefer"],
  ];
  for (const [name, value, rule, path] of refused) {
    it(`refuses ${JSON.stringify(value).slice(0, 60)}: ${rule}`, () => {
      const result = read(name, value);
      assert.deepEqual(result.ok ? result : { rule: result.error.rule, path: result.error.path }, { rule, path });
    });
  }

  it("knows both names, takes null for absent and passes over unknown fields", () => {
    const value = { policyId: "a", message: { tenant_id: "t", messageId: null, hello: [1] }, context: null, other: {} };
    assert.deepEqual(read(REQUEST, value), { ok: true, value: { policy_id: "a", message: { tenant_id: "t" } } });
  });

  it("reads integers as text or as exact numbers, and base64 of either alphabet", () => {
    for (const timestamp of ["-9223372036854775808", "1737979200000", 1_737_979_200_000, -1]) {
      const result = read(REQUEST, { message: { timestamp_ms: timestamp } });
      assert.deepEqual(result, { ok: true, value: { message: { timestamp_ms: BigInt(timestamp) } } });
    }
    for (const payload of ["+/8=", "-_8", "+/8"]) {
      const result = read(REQUEST, { message: { payload } });
      assert.ok(result.ok);
      assert.deepEqual([...((result.value.message as { payload: Uint8Array }).payload ?? [])], [0xfb, 0xff]);
    }
  });

  it("reads floats by number, by text and by name, and writes them back", () => {
    for (const [written, value] of [
      [1.5, 1.5],
      ["-2.5e3", -2500],
      ["NaN", Number.NaN],
      ["-Infinity", -Infinity],
    ] as const) {
      assert.deepEqual(read(DECISION, { expectedCost: written }), { ok: true, value: { expected_cost: value } });
    }
    const json = encodeJson(schemaTable, DECISION, { expected_cost: Number.NaN, expected_latency_ms: 5n }, nodeCodec, {
      names: "json",
    });
    assert.deepEqual(json, { expectedCost: "NaN", expectedLatencyMs: "5" });
  });

  it("leaves a Struct the object that it is, at the limit of its depth too", () => {
    const metadata = nested(100);
    const result = read(COMPAT, { metadata });
    assert.ok(result.ok);
    assert.equal(result.value.metadata, metadata);
  });

  it("reads a Timestamp, and writes it back in UTC", () => {
    const result = read(HEARTBEAT, { timestamp: "2024-02-29T23:30:00.25-01:30" });
    assert.ok(result.ok);
    assert.deepEqual(result.value.timestamp, { seconds: 1_709_254_800n, nanos: 250_000_000 });
    const json = encodeJson(schemaTable, HEARTBEAT, result.value, nodeCodec, { names: "proto" });
    assert.deepEqual(json, { timestamp: "2024-03-01T01:00:00.250Z" });
  });

  it("formats and parses times as the platform does, over the whole range", () => {
    for (let timeMs = -62_135_596_800_000; timeMs < 253_402_300_800_000; timeMs += 86_400_000 * 97 + 12_345_678) {
      const text = formatTimestampMs(timeMs) ?? "";
      assert.equal(Date.parse(text), timeMs);
      const parsed = parseTimestamp(new Date(timeMs).toISOString());
      assert.equal(Number(parsed?.seconds) * 1000 + (parsed?.nanos ?? 0) / 1e6, timeMs);
    }
    assert.equal(formatTimestampMs(1_737_979_200_000), "2025-01-27T12:00:00Z");
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800_000])
      assert.equal(formatTimestampMs(bad), undefined);
    for (const bad of [
      "2025-01-27",
      "2025-13-01T00:00:00Z",
      "2025-04-31T00:00:00Z",
      "2025-01-01T24:00:00Z",
      "0000-01-01T00:00:00Z",
    ]) {
      assert.equal(parseTimestamp(bad), undefined, bad);
    }
  });
});

describe("encodeBinary", () => {
  it("treats a value of another type as a bug", () => {
    const encode = (value: object) => encodeBinary(schemaTable, DECISION, value as never, nodeCodec);
    assert.throws(() => encode({ provider_id: 5 }), /provider_id is string, not number/);
    assert.throws(() => encode({ priority: 1.5 }), /priority is int32/);
    assert.throws(() => encode({ expected_latency_ms: 2 ** 60 }), /expected_latency_ms is int64/);
  });

  it("leaves defaults out, and writes lengths of any size", () => {
    const encode = (value: object) => Buffer.from(encodeBinary(schemaTable, REQUEST, value as never, nodeCodec));
    assert.equal(
      encode({ policy_id: "", message: { timestamp_ms: 0n, payload: new Uint8Array(0) } }).toString("hex"),
      "0a00",
    );
    for (const size of [127, 128, 16_383, 16_384, 3_000_000]) {
      const bytes = encode({ message: { payload: new Uint8Array(size).fill(7) }, policy_id: "ü".repeat(80) });
      const back = decodeBinary(schemaTable, REQUEST, bytes, nodeCodec);
      assert.ok(back.ok);
      assert.equal((back.value.message as { payload: Uint8Array }).payload.length, size);
      assert.equal(back.value.policy_id, "ü".repeat(80));
    }
  });
});
