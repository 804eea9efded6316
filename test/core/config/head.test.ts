// The head names one set of entries: by a digest that both ends compute, whatever order they hold the entries in.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, it } from "mocha";
import { canonicalJson } from "../../../core/config/canonical-json.ts";
import type { StagedEntry } from "../../../core/config/entry.ts";
import {
  configHead,
  EMPTY_SET_DIGEST,
  ENTRY_DIGEST_TAG,
  type EntrySetDigest,
  encodeHead,
  entryDigest,
  matchesHead,
  parseHead,
  replaceInSet,
} from "../../../core/config/head.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

/** Computed by another program; docs/adr/0013 has it. */
const VECTOR = "d492552f3c7b37a2d523356766d03e515709d53409d100d7f49dcf69d91b3b34";

function entry(key: string, value: string, sequence = 1): StagedEntry {
  return { key, value: nodeCodec.encodeUtf8(value), sequence };
}

function setOf(entries: readonly StagedEntry[]): EntrySetDigest {
  return entries.reduce((set, one) => replaceInSet(set, undefined, entryDigest(nodeCodec, one)), EMPTY_SET_DIGEST);
}

/** Written down from the contract, not from the code: the sum of SHA-256 over tag, key and value, each behind its length. */
function digestByHand(pairs: readonly (readonly [string, string])[]): string {
  let sum = 0n;
  for (const pair of pairs) {
    const hash = createHash("sha256");
    for (const part of [ENTRY_DIGEST_TAG, ...pair].map((text) => Buffer.from(text))) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      hash.update(length).update(part);
    }
    sum += BigInt(`0x${hash.digest("hex")}`);
  }
  return (sum % 2n ** 256n).toString(16).padStart(64, "0");
}

describe("configuration head", () => {
  it("sums the digests of keys and values, framed by length", () => {
    const head = configHead(nodeCodec, "epoch-1", [entry("b", "two"), entry("a", "one")]);
    const digest = digestByHand([
      ["a", "one"],
      ["b", "two"],
    ]);
    assert.deepEqual(head, { epoch: "epoch-1", count: 2, digest });
  });

  it("has the digest that is written down for other implementations", () => {
    const head = configHead(nodeCodec, "e", [entry("n.r.policy.demo.chat", "{}"), entry("n.r.tenant.acme", "[]")]);
    assert.equal(head.digest, VECTOR);
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
        assert.ok(matchesHead(head, setOf(shuffled)));
        const victim = entries[pick % entries.length];
        assert.ok(victim !== undefined);
        const changed = entries.map((one) =>
          one === victim ? { ...one, value: Uint8Array.of(...one.value, 1) } : one,
        );
        assert.ok(!matchesHead(head, setOf(changed)));
        assert.ok(!matchesHead(head, setOf(entries.filter((one) => one !== victim))));
        const [was, is] = [victim, changed[pick % entries.length]].map((one) => one && entryDigest(nodeCodec, one));
        const replaced = replaceInSet(replaceInSet(setOf(entries), was, undefined), undefined, is);
        assert.deepEqual(replaced, setOf(changed), "taken out and put in again");
        assert.deepEqual(replaceInSet(setOf(entries), was, is), setOf(changed), "replaced");
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
