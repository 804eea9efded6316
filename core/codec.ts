// What core needs of its host to read and digest bytes: passed in as an argument, so that core itself names no runtime.

/** Byte-level primitives supplied by the host (`runtime/bytes.ts` is the one for Node). All are pure and synchronous. */
export interface Codec {
  /** Text of UTF-8 bytes, or undefined when they are not valid UTF-8. */
  decodeUtf8(bytes: Uint8Array): string | undefined;
  encodeUtf8(text: string): Uint8Array;
  /** SHA-256, 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** Standard base64 with padding (RFC 4648 section 4). */
  base64Encode(bytes: Uint8Array): string;
  /** Accepts the standard and the URL-safe alphabet, padded or not, as proto3 JSON does; undefined when it is neither. */
  base64Decode(text: string): Uint8Array | undefined;
}
