// The wire rules one by one: what each broken rule is called, and where the problem says it is.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeBinary } from "../../../core/schema/decode-binary.ts";
import { encodeBinary } from "../../../core/schema/encode-binary.ts";
import type { SchemaRule } from "../../../core/schema/problem.ts";
import type { FieldSchema, PlainMessage, ScalarType, SchemaTable } from "../../../core/schema/schema.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const REQUEST = "beamline.flow.v1.RouteRequest";

function read(hex: string, name = REQUEST, table: SchemaTable = schemaTable) {
  return decodeBinary(table, name, Buffer.from(hex, "hex"), nodeCodec);
}

/** A message with one field of each scalar type, numbered from 1, alone and repeated. */
const SCALARS: readonly ScalarType[] = [
  ...(["double", "float", "int64", "uint64", "int32", "uint32", "sint32", "sint64"] as const),
  ...(["fixed32", "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes"] as const),
];
const field = (
  number: number,
  name: string,
  type: FieldSchema["type"],
  more: Partial<FieldSchema> = {},
): FieldSchema => ({
  number,
  name,
  jsonName: name,
  type,
  repeated: false,
  ...more,
});
const table: SchemaTable = {
  All: { name: "All", fields: SCALARS.map((type, index) => field(index + 1, type, type)) },
  Lists: { name: "Lists", fields: SCALARS.map((type, index) => field(index + 1, type, type, { repeated: true })) },
  Maps: {
    name: "Maps",
    fields: [
      field(1, "flags", "map", { mapKey: "bool", mapValue: "bytes" }),
      field(2, "counts", "map", { mapKey: "sint64", mapValue: "uint64" }),
      field(3, "inner", "map", { mapKey: "int32", mapValue: "message", message: "Node" }),
    ],
  },
  Node: { name: "Node", fields: [field(1, "next", "message", { message: "Node" }), field(2, "label", "string")] },
};

const EXTREMES: PlainMessage = {
  double: -0,
  float: 0.5,
  int64: -(2n ** 63n),
  uint64: 2n ** 64n - 1n,
  int32: -(2 ** 31),
  uint32: 2 ** 32 - 1,
  sint32: -(2 ** 31),
  sint64: -(2n ** 63n),
  fixed32: 2 ** 32 - 1,
  fixed64: 2n ** 64n - 1n,
  sfixed32: -1,
  sfixed64: -1n,
  bool: true,
  string: "Zürich 😀",
  bytes: new Uint8Array([0, 255]),
};

describe("decodeBinary", () => {
  const refused: readonly [what: string, hex: string, rule: SchemaRule, path: string][] = [
    ["a length beyond the input", "0a05", "truncated", "message"],
    ["text beyond the input", "120561", "truncated", "policy_id"],
    ["text beyond its message, with input left", "0a030a05611203616263", "overrun", "message.message_id"],
    ["a map entry whose value goes beyond it", "1a050a016b12057661", "overrun", "context"],
    ["a tag cut short", "80", "truncated", ""],
    ["field number 0", "0001", "tag", ""],
    ["wire type 7", "0f", "tag", ""],
    ["a tag of more than 32 bits", "ffffffff7f01", "varint", ""],
    ["a varint of eleven bytes in an unknown field", `f801${"ff".repeat(10)}01`, "varint", ""],
    ["a timestamp of eleven bytes", `0a0c38${"ff".repeat(11)}`, "varint", "message.timestamp_ms"],
    ["the end of a group that never began", "7c", "group", ""],
    ["a group that ends under another number", "7b84017c", "group", ""],
    ["a group that never ends", "7b0801", "truncated", ""],
    ["groups nested beyond the limit", `${"7b".repeat(101)}${"7c".repeat(101)}`, "depth", ""],
    ["text that is not UTF-8", "1202c328", "utf8", "policy_id"],
    ["a surrogate in UTF-8", "1203eda080", "utf8", "policy_id"],
    ["a map key that is not UTF-8", "1a030a01ff", "utf8", "context"],
  ];
  for (const [what, hex, rule, path] of refused) {
    it(`refuses ${what}: ${rule} at ${path || "the message itself"}`, () => {
      const result = read(hex);
      assert.deepEqual(result.ok ? result : { rule: result.error.rule, path: result.error.path }, { rule, path });
    });
  }

  it("says what it expected", () => {
    const expected = (hex: string) => {
      const result = read(hex);
      return result.ok ? undefined : result.error.expected;
    };
    assert.equal(expected("0a030a05611203616263"), "string");
    assert.equal(expected("0a05"), "message beamline.flow.v1.Message");
    assert.equal(expected("0a0100"), "message beamline.flow.v1.Message");
    assert.equal(expected("00"), "message beamline.flow.v1.RouteRequest");
  });

  const accepted: readonly [what: string, hex: string, value: unknown][] = [
    ["nothing at all", "", {}],
    ["the last of two scalars", "120161120162", { policy_id: "b" }],
    ["two occurrences of a message, merged", "0a031201610a030a0162", { message: { tenant_id: "a", message_id: "b" } }],
    [
      "unknown fields and groups of every wire type",
      "7b08017c78017900000000000000007d000000007a0161120163",
      { policy_id: "c" },
    ],
    ["a known number with another wire type, as unknown", "1001120163", { policy_id: "c" }],
    ["a length that is longer than it need be", "12810061", { policy_id: "a" }],
    ["a byte order mark, which is text", "1203efbbbf", { policy_id: "\ufeff" }],
  ];
  for (const [what, hex, value] of accepted) {
    it(`accepts ${what}`, () => {
      const result = read(hex);
      assert.ok(result.ok, JSON.stringify(result));
      assert.deepEqual(result.value, value);
    });
  }

  it("keeps entries under names that objects inherit", () => {
    const context = JSON.parse('{"__proto__":"a","constructor":"b","":"c"}') as PlainMessage;
    const result = decodeBinary(
      schemaTable,
      REQUEST,
      encodeBinary(schemaTable, REQUEST, { context }, nodeCodec),
      nodeCodec,
    );
    assert.ok(result.ok);
    const entries = result.value.context as PlainMessage;
    assert.deepEqual(Object.entries(entries), Object.entries(context));
    assert.equal(entries.toString, undefined);
  });

  it("gives bytes as views of the input", () => {
    const input = Buffer.from("0a042a02abcd", "hex");
    const result = decodeBinary(schemaTable, REQUEST, input, nodeCodec);
    assert.ok(result.ok);
    const { payload } = result.value.message as { payload: Uint8Array };
    assert.equal(payload.buffer, input.buffer);
    assert.deepEqual([...payload], [0xab, 0xcd]);
  });

  it("holds the extremes of every scalar, alone and in lists, packed or not", () => {
    const alone = decodeBinary(table, "All", encodeBinary(table, "All", EXTREMES, nodeCodec), nodeCodec);
    assert.deepEqual(alone, { ok: true, value: EXTREMES });
    const lists = Object.fromEntries(Object.entries(EXTREMES).map(([name, value]) => [name, [value, value]]));
    const packed = decodeBinary(table, "Lists", encodeBinary(table, "Lists", lists, nodeCodec), nodeCodec);
    assert.deepEqual(packed, { ok: true, value: lists });
    const once = encodeBinary(table, "All", EXTREMES, nodeCodec);
    const unpacked = decodeBinary(table, "Lists", Uint8Array.from([...once, ...once]), nodeCodec);
    assert.deepEqual(unpacked, { ok: true, value: lists });
  });

  it("reads maps of any key and value, with what an entry leaves out", () => {
    const maps = { flags: { true: new Uint8Array([1]) }, counts: { "-5": 7n }, inner: { 3: { label: "x" } } };
    const result = decodeBinary(table, "Maps", encodeBinary(table, "Maps", maps, nodeCodec), nodeCodec);
    assert.ok(result.ok);
    assert.deepEqual(JSON.parse(shown(result.value)), JSON.parse(shown(maps)));
    const empty = read("0a0012001a00", "Maps", table);
    assert.ok(empty.ok);
    assert.equal(shown(empty.value), '{"flags":{"false":[]},"counts":{"0":"0n"},"inner":{"0":{}}}');
  });

  it("bounds the nesting of messages", () => {
    const nest = (levels: number) => {
      let body = Buffer.alloc(0);
      for (let level = 1; level < levels; level++) {
        body = Buffer.concat([Buffer.from([0x0a, ...varint(body.length)]), body]);
      }
      return read(body.toString("hex"), "Node", table);
    };
    assert.equal(nest(100).ok, true);
    const deep = nest(101);
    assert.equal(deep.ok ? undefined : deep.error.rule, "depth");
  });

  it("treats an unknown message name as a bug", () => {
    assert.throws(() => read("", "no.such.Message"), /no message no\.such\.Message/);
  });
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >> 7];
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, item) => {
    if (typeof item === "bigint") return `${item}n`;
    return item instanceof Uint8Array ? [...item] : item;
  });
}
