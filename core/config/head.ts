// The head of a router's configuration: one record that names exactly one set of entries, and whether a set is that one.
import type { Codec } from "../codec.ts";
import { digestParts, toHex } from "../hash.ts";
import type { ConfigHead, StagedEntry } from "./entry.ts";

/** Domain tag of an entry's digest; part of the wire contract. */
export const ENTRY_DIGEST_TAG = "beamline.config.entry.v1";
const DIGEST_BITS = 256;
const HEX_DIGITS = 64;
const MAX_EPOCH_LENGTH = 64;
const HEX_SHA256 = /^[0-9a-f]{64}$/;

/**
 * What is known of a set of entries without looking at it: their number, and the sum of their digests modulo 2^256. One entry
 * more, less or different changes it by that entry's digest, so a set of thousands costs a change no more than a set of two
 * (adr/0013).
 */
export interface EntrySetDigest {
  readonly count: number;
  readonly sum: bigint;
}

export const EMPTY_SET_DIGEST: EntrySetDigest = { count: 0, sum: 0n };

/** SHA-256 over tag, key and value, all length-prefixed, as a number (big-endian). */
export function entryDigest(codec: Codec, { key, value }: Pick<StagedEntry, "key" | "value">): bigint {
  return BigInt(`0x${toHex(digestParts(codec, ENTRY_DIGEST_TAG, [key, value]))}`);
}

/** The set after an entry came (`before` undefined), went (`after` undefined) or got another value. */
export function replaceInSet(
  { count, sum }: EntrySetDigest,
  before: bigint | undefined,
  after: bigint | undefined,
): EntrySetDigest {
  return {
    count: count + (after === undefined ? 0 : 1) - (before === undefined ? 0 : 1),
    sum: BigInt.asUintN(DIGEST_BITS, sum + (after ?? 0n) - (before ?? 0n)),
  };
}

/** The head that names `entries`, whose keys are distinct, in whatever order they come. */
export function configHead(
  codec: Codec,
  epoch: string,
  entries: Iterable<Pick<StagedEntry, "key" | "value">>,
): ConfigHead {
  let set = EMPTY_SET_DIGEST;
  for (const entry of entries) set = replaceInSet(set, undefined, entryDigest(codec, entry));
  return headOf(epoch, set);
}

/** The head that names this set. */
export function headOf(epoch: string, { count, sum }: EntrySetDigest): ConfigHead {
  return { epoch, count, digest: sum.toString(16).padStart(HEX_DIGITS, "0") };
}

/** Whether this set is the one that `head` names. */
export function matchesHead(head: ConfigHead, set: EntrySetDigest): boolean {
  return set.count === head.count && headOf(head.epoch, set).digest === head.digest;
}

/** Bytes of the value of the head key. */
export function encodeHead(codec: Codec, head: ConfigHead): Uint8Array {
  const { epoch, count, digest } = head;
  return codec.encodeUtf8(JSON.stringify({ epoch, count, digest }));
}

/** The head in these bytes, or undefined when they hold none. Unknown fields pass: a newer operator may add some. */
export function parseHead(codec: Codec, value: Uint8Array): ConfigHead | undefined {
  const record = parseJsonRecord(codec, value);
  if (record === undefined) return undefined;
  const { epoch, count, digest } = record;
  if (typeof epoch !== "string" || epoch === "" || epoch.length > MAX_EPOCH_LENGTH) return undefined;
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 0) return undefined;
  if (typeof digest !== "string" || !HEX_SHA256.test(digest)) return undefined;
  return { epoch, count, digest };
}

/** A JSON object in these bytes, or undefined when they are anything else. */
export function parseJsonRecord(codec: Codec, value: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const text = codec.decodeUtf8(value);
  if (text === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    const isRecord = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isRecord ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: the caller says what that means for it.
    return undefined;
  }
}
