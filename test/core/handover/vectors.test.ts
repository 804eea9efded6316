// Effect ids and fingerprints against the published vectors, which another implementation computed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { keyedEffectId, streamEffectId } from "../../../core/handover/effect-id.ts";
import { fingerprint } from "../../../core/handover/fingerprint.ts";
import { digestParts, toHex } from "../../../core/hash.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

type TextMap = Readonly<Record<string, string>>;

interface Vectors {
  readonly digests: readonly { readonly tag: string; readonly parts: readonly string[]; readonly sha256: string }[];
  readonly keyedEffectIds: readonly {
    readonly routerNamespace: string;
    readonly routerName: string;
    readonly tenantId: string;
    readonly key: string;
    readonly effectId: string;
  }[];
  readonly streamEffectIds: readonly {
    readonly streamCreated: string;
    readonly sequence: number;
    readonly effectId: string;
  }[];
  readonly fingerprints: readonly {
    readonly policyId: string;
    readonly messageType: string;
    readonly payloadBase64: string;
    readonly metadata: TextMap;
    readonly context: TextMap;
    readonly fingerprint: string;
  }[];
}

const file = new URL("../../golden/handover/vectors.json", import.meta.url);
const vectors: Vectors = JSON.parse(readFileSync(file, "utf8"));

describe("published hash vectors", () => {
  it("digestParts frames each part", () => {
    for (const { tag, parts, sha256 } of vectors.digests) {
      assert.equal(toHex(digestParts(nodeCodec, tag, parts)), sha256);
      const asBytes = parts.map((part) => nodeCodec.encodeUtf8(part));
      assert.equal(toHex(digestParts(nodeCodec, tag, asBytes)), sha256, "text counts as its UTF-8 bytes");
    }
  });

  it("keyed effect ids", () => {
    for (const row of vectors.keyedEffectIds) {
      const router = { namespace: row.routerNamespace, name: row.routerName };
      assert.equal(keyedEffectId(nodeCodec, router, row.tenantId, row.key), row.effectId);
    }
    assert.equal(new Set(vectors.keyedEffectIds.map((row) => row.effectId)).size, vectors.keyedEffectIds.length);
  });

  it("effect ids of durable messages", () => {
    for (const row of vectors.streamEffectIds) {
      assert.equal(streamEffectId(nodeCodec, row.streamCreated, row.sequence), row.effectId);
    }
  });

  it("fingerprints, whatever the order of the entries", () => {
    for (const { payloadBase64, fingerprint: expected, ...row } of vectors.fingerprints) {
      const payload = Buffer.from(payloadBase64, "base64");
      assert.equal(fingerprint(nodeCodec, { ...row, payload }), expected);
      const reversed = { metadata: reverse(row.metadata), context: reverse(row.context) };
      assert.equal(fingerprint(nodeCodec, { ...row, ...reversed, payload }), expected);
    }
  });

  it("a request decided first and pushed later has one fingerprint", () => {
    const [, decided, pushed, moved] = vectors.fingerprints;
    assert.equal(decided?.fingerprint, pushed?.fingerprint);
    assert.notEqual(decided?.fingerprint, moved?.fingerprint, "metadata is not context");
  });

  it("a frame larger than the reused buffer has the same digest as its parts framed by hand", () => {
    const payload = Buffer.alloc(200_000, 7);
    const framed = Buffer.concat([prefixed(Buffer.from("tag")), prefixed(payload)]);
    assert.deepEqual(digestParts(nodeCodec, "tag", [payload]), nodeCodec.sha256(framed));
  });
});

function reverse(map: TextMap): TextMap {
  return Object.fromEntries(Object.entries(map).reverse());
}

function prefixed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
