// The head names one set of entries: by a digest that both ends compute, whatever order they hold the entries in.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, it } from "mocha";
import { canonicalJson } from "../../../core/config/canonical-json.ts";
import type { StagedEntry } from "../../../core/config/entry.ts";
import { configHead, encodeHead, HEAD_DIGEST_TAG, matchesHead, parseHead } from "../../../core/config/head.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

function entry(key: string, value: string, sequence = 1): StagedEntry {
  return { key, value: nodeCodec.encodeUtf8(value), sequence };
}

function byKey(entries: readonly StagedEntry[]): ReadonlyMap<string, StagedEntry> {
  return new Map(entries.map((one) => [one.key, one]));
}

/** Written down from the contract, not from the code: tag, then key and SHA-256 of the value, each behind its length. */
function digestByHand(pairs: readonly (readonly [string, string])[]): string {
  const hash = createHash("sha256");
  const add = (part: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  };
  add(Buffer.from(HEAD_DIGEST_TAG));
  for (const [key, value] of pairs) {
    add(Buffer.from(key));
    add(createHash("sha256").update(value).digest());
  }
  return hash.digest("hex");
}

describe("configuration head", () => {
  it("digests the sorted keys and value digests, framed by length", () => {
    const head = configHead(nodeCodec, "epoch-1", [entry("b", "two"), entry("a", "one")]);
    const digest = digestByHand([
      ["a", "one"],
      ["b", "two"],
    ]);
    assert.deepEqual(head, { epoch: "epoch-1", count: 2, digest });
  });

  it("of no entries stands too", () => {
    assert.deepEqual(configHead(nodeCodec, "e", []), { epoch: "e", count: 0, digest: digestByHand([]) });
  });

  it("does not depend on order and sequences, and does on every key and byte", () => {
    const value = fc.dictionary(fc.stringMatching(/^[a-z.]{1,8}$/), fc.string({ maxLength: 20 }), {
      minKeys: 1,
      maxKeys: 8,
    });
    fc.assert(
      fc.property(value, fc.nat(), (values, pick) => {
        const entries = Object.entries(values).map(([key, text], index) => entry(key, text, index));
        const head = configHead(nodeCodec, "e", entries);
        const shuffled = entries.map((one) => ({ ...one, sequence: one.sequence + 9 })).reverse();
        assert.ok(matchesHead(nodeCodec, head, byKey(shuffled)));
        const victim = entries[pick % entries.length];
        assert.ok(victim !== undefined);
        const changed = entries.map((one) =>
          one === victim ? { ...one, value: Uint8Array.of(...one.value, 1) } : one,
        );
        assert.ok(!matchesHead(nodeCodec, head, byKey(changed)));
        assert.ok(!matchesHead(nodeCodec, head, byKey(entries.filter((one) => one !== victim))));
      }),
      { numRuns: 300 },
    );
  });

  it("reads back, unknown fields included, and refuses everything else", () => {
    const head = configHead(nodeCodec, "epoch-1", [entry("a", "one")]);
    assert.deepEqual(parseHead(nodeCodec, encodeHead(nodeCodec, head)), head);
    const more = nodeCodec.encodeUtf8(JSON.stringify({ ...head, note: "later" }));
    assert.deepEqual(parseHead(nodeCodec, more), head);
    const wrong: unknown[] = [
      null,
      [],
      "head",
      {},
      { ...head, epoch: "" },
      { ...head, count: -1 },
      { ...head, count: "1" },
      { ...head, digest: "00" },
      { ...head, digest: head.digest.toUpperCase() },
    ];
    for (const value of wrong) {
      assert.equal(parseHead(nodeCodec, nodeCodec.encodeUtf8(JSON.stringify(value))), undefined, JSON.stringify(value));
    }
    assert.equal(parseHead(nodeCodec, Uint8Array.of(0xff, 0xfe)), undefined);
    assert.equal(parseHead(nodeCodec, nodeCodec.encodeUtf8("{")), undefined);
  });
});

describe("canonical JSON", () => {
  it("has one spelling for equal values", () => {
    assert.equal(canonicalJson({ b: [1, { d: 1, c: 2 }], a: "x" }), '{"a":"x","b":[1,{"c":2,"d":1}]}');
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
        assert.equal(canonicalJson(JSON.parse(canonicalJson(value))), canonicalJson(value));
      }),
      { numRuns: 300 },
    );
  });

  it("keeps a field that is called __proto__", () => {
    assert.equal(canonicalJson(JSON.parse('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}');
  });

  it("refuses what is nested without end", () => {
    const value: { self?: unknown } = {};
    value.self = value;
    assert.throws(() => canonicalJson(value), RangeError);
  });
});
