// What a JSON body may hold beyond its schema: nesting, numbers, entries, and a version of its own.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { validateSchema } from "../../../core/intake/schema.ts";
import { validateIntakeMessage } from "../../../core/intake/validate-intake-message.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { DECIDE, noHeaders, rules } from "./samples.ts";

describe("JSON that travels on verbatim", () => {
  const compat = (task: string) =>
    validateSchema(
      "decide",
      noHeaders,
      nodeCodec.encodeUtf8(`{"version":"1","request_id":"r","tenant_id":"tenant_abc","task":${task}}`),
      rules,
    );
  const reasonOf = (task: string) => {
    const result = compat(task);
    return result.ok ? undefined : [result.error.reason, result.error.field];
  };

  it("is refused when it is nested too deeply to be written again", () => {
    const nested = (levels: number) =>
      `{"type":"chat","payload":{"a":1},"x":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    assert.equal(reasonOf(nested(50)), undefined);
    assert.deepEqual(reasonOf(nested(100_000)), ["invalid_json_format", undefined]);
  });

  it("is refused when an integer in it would change, and only then", () => {
    const holding = (number: string) => `{"type":"chat","payload":{"amount":${number}}}`;
    for (const exact of [
      "9007199254740992",
      "1e20",
      "100000000000000000000",
      "0.12345678901234567890",
      '"12345678901234567890"',
    ])
      assert.equal(reasonOf(holding(exact)), undefined, exact);
    assert.deepEqual(reasonOf(holding("12345678901234567891")), ["invalid_field_value", "amount"]);
  });
});

describe("a RouteRequest in JSON", () => {
  const decide = (change: object) =>
    validateIntakeMessage(
      "decide",
      DECIDE,
      noHeaders,
      nodeCodec.encodeUtf8(
        JSON.stringify({ message: { tenant_id: "tenant_abc", message_type: "chat", payload: "aGk=" }, ...change }),
      ),
      { ...rules, maxPayloadBytes: 1_000_000 },
    );
  const reasonOf = (change: object) => {
    const result = decide(change);
    return result.ok ? undefined : result.error.reason;
  };

  it("may name its version as text or number, not as anything else", () => {
    for (const version of ["1", 1]) assert.equal(reasonOf({ version }), undefined);
    assert.equal(reasonOf({ version: ["9"] }), "invalid_field_type");
  });

  it("has a bounded number of entries", () => {
    const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, ""]));
    assert.equal(reasonOf({ context: entries(2_048) }), undefined);
    assert.equal(reasonOf({ context: entries(2_049) }), "payload_too_large");
  });
});
