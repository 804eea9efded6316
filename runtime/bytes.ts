// The byte primitives that core asks of its host, on Node.
import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import type { Codec } from "../core/codec.ts";

const STANDARD_BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE_BASE64 = /^[A-Za-z0-9_-]*={0,2}$/;
const BASE64_GROUP = 4;

/** A Buffer over the same memory: nothing is copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? asBuffer(bytes).toString("utf8") : undefined;
}

function decodeBase64(text: string): Uint8Array | undefined {
  if (!STANDARD_BASE64.test(text) && !URL_SAFE_BASE64.test(text)) return undefined;
  const padding = text.length - text.replace(/=+$/, "").length;
  if (padding > 0 && text.length % BASE64_GROUP !== 0) return undefined;
  // One digit alone in the last group holds 6 bits: less than a byte.
  if ((text.length - padding) % BASE64_GROUP === 1) return undefined;
  return Buffer.from(text, "base64");
}

/** Codec of core on Node's Buffer and crypto. */
export const nodeCodec: Codec = {
  decodeUtf8,
  encodeUtf8: (text) => Buffer.from(text, "utf8"),
  sha256: (bytes) => hash("sha256", bytes, "buffer"),
  base64Encode: (bytes) => asBuffer(bytes).toString("base64"),
  base64Decode: decodeBase64,
};
