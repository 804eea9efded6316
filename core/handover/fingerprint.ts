// What a request asks for, as a short text: two requests under one key must have the same fingerprint.
import type { Codec } from "../codec.ts";
import { digestParts, toHex } from "../hash.ts";
import type { DecideRequest } from "../intake/message.ts";

/** A fingerprint is the first 16 bytes of its digest, as 32 lower-case hexadecimal digits. */
const FINGERPRINT_BYTES = 16;
const TAG = "beamline.fingerprint.v1";
const SURROGATE_FIRST = 0xd800;
const SURROGATE_LAST = 0xdfff;

/** Context key by which a RouteRequest asks for dispatch: the same request may be decided first and pushed later. */
export const PUSH_CONTEXT_KEY = "beamline.push";

/** The parts of a request that make it the same request. */
type FingerprintInput = Pick<DecideRequest, "policyId" | "messageType" | "payload" | "metadata" | "context">;

/**
 * Digest over policy id, message type, payload bytes, the number of metadata entries, their names and values sorted
 * by name (by code point, which is also the order of UTF-8 bytes), then context the same way without `beamline.push`.
 * Ids, times and trace stay out: a retry has new ones.
 */
export function fingerprint(codec: Codec, request: FingerprintInput): string {
  const parts: (string | Uint8Array)[] = [request.policyId, request.messageType, request.payload];
  appendMap(parts, request.metadata, undefined);
  appendMap(parts, request.context, PUSH_CONTEXT_KEY);
  return toHex(digestParts(codec, TAG, parts), FINGERPRINT_BYTES);
}

function appendMap(parts: (string | Uint8Array)[], map: Readonly<Record<string, string>>, without: string | undefined) {
  const names = Object.keys(map);
  if (names.length > 1) names.sort(compareCodePoints);
  const countAt = parts.push("") - 1;
  let count = 0;
  for (const name of names) {
    if (name === without) continue;
    parts.push(name, map[name] ?? "");
    count += 1;
  }
  parts[countAt] = String(count);
}

/** UTF-16 order differs from code point order only where a surrogate meets a unit above the surrogates. */
function compareCodePoints(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

function rank(unit: number): number {
  return unit >= SURROGATE_FIRST && unit <= SURROGATE_LAST ? unit + 0x10000 : unit;
}
