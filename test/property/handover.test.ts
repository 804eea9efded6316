// Framing, fingerprints, headers and records, for any input.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Decision } from "../../core/decide/decision.ts";
import {
  decisionRecord,
  decodeDecision,
  encodeDecision,
  MAX_DECISION_HEADER,
} from "../../core/handover/decision-record.ts";
import { fingerprint } from "../../core/handover/fingerprint.ts";
import { asciiJson, encodeHeaderValue, MAX_HEADER_VALUE } from "../../core/handover/header.ts";
import { digestParts } from "../../core/hash.ts";
import { nodeCodec } from "../../runtime/bytes.ts";

const anyText = fc.string({ unit: "binary", maxLength: 40 });
const part = fc.oneof(anyText, fc.uint8Array({ maxLength: 40 }));
const textMap = fc.dictionary(anyText, anyText, { maxKeys: 5, noNullPrototype: true });

/** The frame itself, instead of its digest. */
const frameCodec = { ...nodeCodec, sha256: (bytes: Uint8Array) => Uint8Array.from(bytes) };

function reframe(parts: readonly (string | Uint8Array)[]): Buffer {
  const pieces = parts.flatMap((item) => {
    const bytes = Buffer.from(item as string);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(pieces);
}

describe("digest framing", () => {
  it("is the parts, each behind its length", () => {
    fc.assert(
      fc.property(anyText, fc.array(part, { maxLength: 6 }), (tag, parts) => {
        assert.deepEqual(Buffer.from(digestParts(frameCodec, tag, parts)), reframe([tag, ...parts]));
      }),
    );
  });

  it("differs for every two different lists of parts", () => {
    const list = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "\u0000", "ä"), maxLength: 3 }), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(list, list, (left, right) => {
        const same = JSON.stringify(left) === JSON.stringify(right);
        const frames = [left, right].map((parts) => Buffer.from(digestParts(frameCodec, "t", parts)).toString("hex"));
        assert.equal(frames[0] === frames[1], same);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("fingerprints", () => {
  const request = fc.record({
    policyId: anyText,
    messageType: anyText,
    payload: fc.uint8Array({ maxLength: 40 }),
    metadata: textMap,
    context: textMap,
  });

  it("do not depend on the order of entries", () => {
    fc.assert(
      fc.property(request, (given) => {
        const reversed = {
          ...given,
          metadata: Object.fromEntries(Object.entries(given.metadata).reverse()),
          context: Object.fromEntries(Object.entries(given.context).reverse()),
        };
        assert.equal(fingerprint(nodeCodec, reversed), fingerprint(nodeCodec, given));
      }),
    );
  });

  it("change with every part", () => {
    fc.assert(
      fc.property(request, anyText, anyText, (given, name, value) => {
        fc.pre(name !== "beamline.push");
        const changes = [
          { policyId: `${given.policyId}x` },
          { messageType: `${given.messageType}x` },
          { payload: Uint8Array.from([...given.payload, 0]) },
          { metadata: { ...given.metadata, [name]: `${given.metadata[name] ?? value}x` } },
          { context: { ...given.context, [name]: `${given.context[name] ?? value}x` } },
        ];
        const prints = changes.map((change) => fingerprint(nodeCodec, { ...given, ...change }));
        assert.equal(new Set([fingerprint(nodeCodec, given), ...prints]).size, changes.length + 1);
      }),
    );
  });
});

describe("header values", () => {
  it("hold printable ASCII only, are bounded, and decode to the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => {
        const value = encodeHeaderValue(nodeCodec, text);
        assert.match(value, /^[ -~]*$/);
        assert.ok(value.length <= MAX_HEADER_VALUE);
        assert.equal(value.trim(), value, "spaces at the ends do not survive a header");
        if (nodeCodec.encodeUtf8(text).length * 3 <= MAX_HEADER_VALUE) assert.equal(decodeURIComponent(value), text);
      }),
    );
  });

  it("of JSON are ASCII and parse to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = asciiJson(value);
        assert.match(text, /^[ -~]*$/);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("decision records", () => {
  /** Long ones of characters that take six in the header are the worst case. */
  const name = fc.oneof(fc.string({ unit: "binary", maxLength: 2000 }), fc.constant("\u0001".repeat(2000)));
  it("fit into their header and are read back as they were", () => {
    fc.assert(
      fc.property(
        name,
        name,
        name,
        fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/),
        (policyId, rule, snapshotVersion, providerId) => {
          const provider = { providerId, priority: 1000, expectedLatencyMs: 3_600_000, expectedCost: 0.123456789 };
          const policy = { generation: Number.MAX_SAFE_INTEGER };
          const decision = {
            provider,
            policy,
            policyId,
            rule,
            snapshotVersion,
            reason: "fallback",
            attempt: 1,
          } as unknown as Decision;
          const record = decisionRecord(decision, { configRevision: Number.MAX_SAFE_INTEGER });
          const text = encodeDecision(record);
          assert.ok(text.length <= MAX_DECISION_HEADER, String(text.length));
          assert.deepEqual(decodeDecision(text), record);
        },
      ),
    );
  });

  it("never throw on any text", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void decodeDecision(text)));
    const broken = ["", "null", "[]", "{}", '{"provider_id":1}', `{"a":"${"x".repeat(MAX_DECISION_HEADER)}"}`];
    for (const text of broken) assert.equal(decodeDecision(text), undefined);
  });
});
