// The head of a router's configuration: one record that names exactly one set of entries, and whether a set is that one.
import type { Codec } from "../codec.ts";
import { digestParts, toHex } from "../hash.ts";
import type { ConfigHead, StagedEntry } from "./entry.ts";

/** Domain tag of the digest; part of the wire contract. */
export const HEAD_DIGEST_TAG = "beamline.config.head.v1";
const MAX_EPOCH_LENGTH = 64;
const HEX_SHA256 = /^[0-9a-f]{64}$/;

/**
 * The head that names `entries`: SHA-256 over the tag and, sorted by key, key and SHA-256 of the value, all length-prefixed.
 * Independent of the order and of the sequences of the entries; keys are distinct.
 */
export function configHead(codec: Codec, epoch: string, entries: Iterable<StagedEntry>): ConfigHead {
  const sorted = [...entries].sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  const parts: (string | Uint8Array)[] = [];
  for (const entry of sorted) parts.push(entry.key, entry.valueDigest ?? codec.sha256(entry.value));
  return { epoch, count: sorted.length, digest: toHex(digestParts(codec, HEAD_DIGEST_TAG, parts)) };
}

/** Whether `entries` is the set that `head` names. The count is compared first: it is free. */
export function matchesHead(codec: Codec, head: ConfigHead, entries: ReadonlyMap<string, StagedEntry>): boolean {
  if (entries.size !== head.count) return false;
  return configHead(codec, head.epoch, entries.values()).digest === head.digest;
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
