// How parts become one digest: framed so that no two different lists of parts give the same bytes.
import type { Codec } from "./codec.ts";

/** Bytes that the length in front of each part takes: an unsigned 32-bit integer, big-endian. */
const LENGTH_BYTES = 4;
/** Frames up to this size are built in one reused buffer; larger ones get their own. */
const SCRATCH_BYTES = 65_536;
const MAX_ASCII = 0x7f;
const BYTE_BITS = 8;

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * SHA-256 over `tag` and `parts`, each with its length in bytes (unsigned 32 bits, big-endian) in front; text counts as
 * UTF-8. The tag is the first part: it keeps digests of one purpose apart from those of every other.
 * The vectors are in `test/golden/handover/vectors.json`.
 */
export function digestParts(codec: Codec, tag: string, parts: readonly (string | Uint8Array)[]): Uint8Array {
  const bound = upperBound(tag, parts);
  const frame = bound <= SCRATCH_BYTES ? scratch : new Uint8Array(bound);
  let end = writePart(codec, frame, 0, tag);
  for (const part of parts) end = writePart(codec, frame, end, part);
  return codec.sha256(frame.subarray(0, end));
}

/** Lower-case hexadecimal of the first `count` bytes. */
export function toHex(bytes: Uint8Array, count: number = bytes.length): string {
  let text = "";
  for (let index = 0; index < count; index++) text += HEX[bytes[index] ?? 0];
  return text;
}

/** UTF-8 takes at most three bytes for each UTF-16 unit. */
function upperBound(tag: string, parts: readonly (string | Uint8Array)[]): number {
  let bound = LENGTH_BYTES + tag.length * 3;
  for (const part of parts) bound += LENGTH_BYTES + (typeof part === "string" ? part.length * 3 : part.length);
  return bound;
}

function writePart(codec: Codec, frame: Uint8Array, at: number, part: string | Uint8Array): number {
  const start = at + LENGTH_BYTES;
  const length = typeof part === "string" ? writeText(codec, frame, start, part) : writeBytes(frame, start, part);
  frame[at] = length >>> (3 * BYTE_BITS);
  frame[at + 1] = length >>> (2 * BYTE_BITS);
  frame[at + 2] = length >>> BYTE_BITS;
  frame[at + 3] = length;
  return start + length;
}

/** ASCII, which nearly every part is, is written here: a call of the codec and its copy cost more than the digest. */
function writeText(codec: Codec, frame: Uint8Array, start: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > MAX_ASCII) return writeBytes(frame, start, codec.encodeUtf8(text));
    frame[start + index] = unit;
  }
  return text.length;
}

function writeBytes(frame: Uint8Array, start: number, bytes: Uint8Array): number {
  frame.set(bytes, start);
  return bytes.length;
}
