// A million mutated messages: the reader's verdict and values equal the generated codec's.
// BEAMLINE_MUTATIONS sets the count, BEAMLINE_MUTATION_SEED the seed of the first case; a failing case prints its own seed.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { decodeBinary } from "../../core/schema/decode-binary.ts";
import { decodeJson } from "../../core/schema/decode-json.ts";
import { encodeBinary } from "../../core/schema/encode-binary.ts";
import { encodeJson } from "../../core/schema/encode-json.ts";
import type { SchemaProblem } from "../../core/schema/problem.ts";
import type { PlainMessage } from "../../core/schema/schema.ts";
import { Struct } from "../../proto/gen/messages/google/protobuf/struct.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { agree, CODECS, compiledMessage, decodeByCodec, mergeOccurrences } from "./schema-codec.ts";
import { createRandom, mutate } from "./schema-mutations.ts";

const COUNT = Number(process.env.BEAMLINE_MUTATIONS ?? 1_000_000);
const FIRST_SEED = Number(process.env.BEAMLINE_MUTATION_SEED ?? 20_250_127);

/** Rules that the codec does not have, each with what it does instead. Bytes that break any other rule both refuse. */
const CODEC_IS_LAX: Readonly<Record<string, string>> = {
  overrun: "a nested value may go beyond its message: reading goes on behind it, in the middle of the next field",
  tag: "tag 0 ends the message and the rest of the input is not read; other tags of field 0 are unknown fields",
  varint: "unknown varints may have any length; tags and lengths are cut to 32 bits",
  "truncated message":
    "a nested length is not compared with the input: one of the ends above may come before the input's end",
  group: "an end of a group without its start ends the message; a group may end under any field number",
};

const sample: PlainMessage = {
  message: {
    message_id: "msg_123",
    tenant_id: "tenant_abc",
    trace_id: "0af7651916cd43dd8448eb211c80319c",
    message_type: "chat",
    payload: new Uint8Array([0, 1, 255, 128]),
    metadata: { tier: "gold", stadt: "Zürich", "": "" },
    timestamp_ms: 1_737_979_200_000n,
    run_id: "7b1d4c52-9a3e-4f0b-8c6d-2e5f8a9b0c1d",
  },
  policy_id: "chat",
  context: { session: "😀 four bytes each" },
  idempotency_key: "a key that is longer than thirty-two bytes, so that the codec takes its other path",
};
const decision: PlainMessage = {
  provider_id: "openai",
  reason: "weighted",
  priority: -1,
  expected_latency_ms: -(2n ** 63n),
  expected_cost: 0.1,
  metadata: { rule: "gold" },
};
const SAMPLES: Readonly<Record<string, readonly PlainMessage[]>> = {
  "beamline.flow.v1.RouteRequest": [sample, { message: { payload: new Uint8Array(200) } }, {}],
  "beamline.flow.v1.RouteDecision": [decision],
  "beamline.flow.v1.AdminPolicy": [
    {
      policy_id: "chat",
      providers: [{ id: "openai", weight: 0.7 }, { id: "anthropic", weight: -0 }, {}],
      sticky: true,
      rules: [{ match: "gold", prefer: ["openai", "", "anthropic"], fallback: "local" }],
    },
  ],
  "beamline.worker.v1.ExecAssignment": [
    {
      job: { type: "chat", payload: new Uint8Array(9) },
      options: { priority: 5, retry: { max_attempts: 2 } },
      decision,
      attempt: 1,
    },
  ],
  "beamline.worker.v1.ExecResult": [
    { status: "success", cost: Number.NaN, job: { metadata: { a: "b" } }, timestamp: 1n },
  ],
};
const names = Object.keys(CODECS);
const corpora = names.map((name) =>
  (SAMPLES[name] ?? []).map((value) => Uint8Array.from(encodeBinary(schemaTable, name, value, nodeCodec))),
);

interface Tally {
  accepted: number;
  refused: number;
  merged: number;
  readonly lax: Map<string, number>;
}

/** A truncated scalar both refuse; only the length of a message or a map entry is read without looking at the input's end. */
function laxRule({ rule, expected }: SchemaProblem): string {
  return rule === "truncated" && /message|map/.test(expected) ? "truncated message" : rule;
}

function checkCase(seed: number, tally: Tally): string | undefined {
  const random = createRandom(seed);
  const which = random(names.length);
  const name = names[which] as string;
  const bytes = mutate(corpora[which] as Uint8Array[], random);
  const ours = decodeBinary(schemaTable, name, bytes, nodeCodec);
  const theirs = decodeByCodec(name, bytes);
  const about = () => `${name} ${Buffer.from(bytes).toString("hex")}`;
  if (!ours.ok) {
    tally.refused += 1;
    if (theirs === undefined) return undefined;
    const rule = laxRule(ours.error);
    if (CODEC_IS_LAX[rule] === undefined) return `only the reader refuses (${rule} at ${ours.error.path}): ${about()}`;
    tally.lax.set(rule, (tally.lax.get(rule) ?? 0) + 1);
    return undefined;
  }
  tally.accepted += 1;
  if (theirs === undefined) return `only the codec refuses: ${about()}`;
  const message = compiledMessage(name);
  if (agree(message, ours.value, theirs)) return undefined;
  tally.merged += 1;
  const merged = decodeByCodec(name, mergeOccurrences(message, bytes));
  return merged !== undefined && agree(message, ours.value, merged) ? undefined : `values differ: ${about()}`;
}

describe("schema properties", () => {
  it(`reads ${COUNT} mutated messages as the generated codec does`, function () {
    this.timeout(0);
    const tally: Tally = { accepted: 0, refused: 0, merged: 0, lax: new Map() };
    for (let index = 0; index < COUNT; index++) {
      const failure = checkCase(FIRST_SEED + index, tally);
      if (failure === undefined) continue;
      assert.fail(`BEAMLINE_MUTATION_SEED=${FIRST_SEED + index} BEAMLINE_MUTATIONS=1: ${failure}`);
    }
    if (COUNT < 100_000) return;
    // Each side of the comparison was exercised, and no exception stands that nothing needs.
    assert.ok(tally.accepted > COUNT / 20 && tally.refused > COUNT / 20, JSON.stringify(tally));
    assert.ok(tally.merged > 0, "no case had a message field twice");
    assert.deepEqual([...tally.lax.keys()].sort(), Object.keys(CODEC_IS_LAX).sort());
  });

  it("gives back what was encoded, in both encodings", () => {
    const text = fc.string({ unit: "grapheme" });
    const request = fc.record({
      message: fc.record({
        tenant_id: text.filter((value) => value !== ""),
        payload: fc.uint8Array({ minLength: 1 }),
        metadata: fc.dictionary(text, text, { minKeys: 1, noNullPrototype: false }),
        timestamp_ms: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((value) => value !== 0n),
      }),
      policy_id: text.filter((value) => value !== ""),
    });
    const name = "beamline.flow.v1.RouteRequest";
    fc.assert(
      fc.property(request, fc.constantFrom("proto" as const, "json" as const), (value, jsonNames) => {
        const fromBinary = decodeBinary(
          schemaTable,
          name,
          encodeBinary(schemaTable, name, value, nodeCodec),
          nodeCodec,
        );
        const json: unknown = JSON.parse(
          JSON.stringify(encodeJson(schemaTable, name, value, nodeCodec, { names: jsonNames })),
        );
        const fromJson = decodeJson(schemaTable, name, json, nodeCodec);
        assert.ok(fromBinary.ok && fromJson.ok);
        assert.equal(shown(fromBinary.value), shown(value));
        assert.equal(shown(fromJson.value), shown(value));
      }),
      { numRuns: 300 },
    );
  });

  it("carries any JSON object as a Struct, as the generated codec does", () => {
    const name = "google.protobuf.Struct";
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }), { noNullPrototype: false });
    fc.assert(
      fc.property(object, (value) => {
        const text = JSON.stringify(value);
        const parsed = JSON.parse(text) as PlainMessage;
        const bytes = encodeBinary(schemaTable, name, parsed, nodeCodec);
        const read = decodeBinary(schemaTable, name, bytes, nodeCodec);
        assert.ok(read.ok);
        assert.equal(JSON.stringify(sorted(read.value)), JSON.stringify(sorted(parsed)));
        if (text.includes("__proto__")) return; // a key that the codec loses
        assert.equal(JSON.stringify(sorted(Struct.unwrap(Struct.decode(bytes)))), JSON.stringify(sorted(parsed)));
      }),
      { numRuns: 300 },
    );
  });

  it("never throws on any JSON value", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(schemaTable)), fc.jsonValue({ maxDepth: 5 }), (name, value) => {
        assert.equal(typeof decodeJson(schemaTable, name, value, nodeCodec).ok, "boolean");
      }),
      { numRuns: 1000 },
    );
  });
});

/** Text that is equal when two plain messages are. */
function shown(value: unknown): string {
  return JSON.stringify(sorted(value), (_, item) => (typeof item === "bigint" ? `${item}n` : item));
}

function sorted(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("hex")}`;
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .map(([key, item]) => [key, sorted(item)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
