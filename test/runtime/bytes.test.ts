// The codec of core on Node: what it accepts is what RFC 3629 and RFC 4648 say, copying nothing.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { asBuffer, nodeCodec } from "../../runtime/bytes.ts";

describe("bytes", () => {
  it("reads UTF-8 and refuses what is not", () => {
    assert.equal(nodeCodec.decodeUtf8(Uint8Array.of(0xe2, 0x82, 0xac)), "€");
    assert.equal(nodeCodec.decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      assert.equal(nodeCodec.decodeUtf8(Uint8Array.from(bytes)), undefined);
    }
    const view = Uint8Array.of(0x78, 0x61, 0x62, 0x79).subarray(1, 3);
    assert.equal(nodeCodec.decodeUtf8(view), "ab");
    assert.equal(asBuffer(view).buffer, view.buffer);
  });

  it("digests with SHA-256", () => {
    // FIPS 180-2, appendix B.1.
    const digest = Buffer.from(nodeCodec.sha256(nodeCodec.encodeUtf8("abc"))).toString("hex");
    assert.equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("reads both base64 alphabets, padded or not, and nothing else", () => {
    for (const text of ["-_8=", "-_8", "+/8=", "+/8"])
      assert.deepEqual([...(nodeCodec.base64Decode(text) ?? [])], [0xfb, 0xff]);
    assert.deepEqual(nodeCodec.base64Decode("")?.length, 0);
    for (const text of ["a", "abcde", "ab=", "a===", "=", "a b=", "+_8=", "ab=c", "ä==="]) {
      assert.equal(nodeCodec.base64Decode(text), undefined, text);
    }
  });

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: "grapheme" }), (bytes, text) => {
        assert.deepEqual(nodeCodec.base64Decode(nodeCodec.base64Encode(bytes)), Buffer.from(bytes));
        assert.equal(nodeCodec.decodeUtf8(nodeCodec.encodeUtf8(text)), text);
      }),
    );
  });
});
