// The name of an effect: equal for every delivery and retry of one request, different for every other request.
import type { Codec } from "../codec.ts";
import type { RouterKey } from "../config/entry.ts";
import { digestParts, toHex } from "../hash.ts";

/** An effect id is the first 16 bytes of its digest, as 32 lower-case hexadecimal digits. */
const ID_BYTES = 16;
const KEYED_TAG = "beamline.effect.keyed.v1";
const STREAM_TAG = "beamline.effect.stream.v1";

/** Effect of a request with an idempotency key: the key counts within its tenant and its Router. */
export function keyedEffectId(codec: Codec, router: RouterKey, tenantId: string, key: string): string {
  return toHex(digestParts(codec, KEYED_TAG, [router.namespace, router.name, tenantId, key]), ID_BYTES);
}

/**
 * Effect of a durable message without a key.
 * @param streamCreated creation time of the intake stream exactly as the server states it, so that a stream made again
 *   under the same name gives other ids for the same sequences
 * @param sequence stream sequence of the message
 */
export function streamEffectId(codec: Codec, streamCreated: string, sequence: number): string {
  return toHex(digestParts(codec, STREAM_TAG, [streamCreated, String(sequence)]), ID_BYTES);
}
