// A hash of what makes a router restart, and of nothing else: neither replicas nor policies nor a pause are part of it.
import type { Codec } from "../../codec.ts";
import { canonicalJson } from "../../config/canonical-json.ts";
import { digestParts, toHex } from "../../hash.ts";
import { API_GROUP } from "../../policy/schema.ts";

export const SPEC_HASH_ANNOTATION = `${API_GROUP}/spec-hash`;
/** Says how the hash was made, so that hashes of two ways are never compared. */
export const HASH_VERSION_ANNOTATION = `${API_GROUP}/hash-version`;
export const HASH_VERSION = "1";
const HASH_TAG = "beamline.spec-hash.v1";
const HASH_BYTES = 16;

/** Of a pod template as it is asked for, without the annotations that hold this hash. */
export function specHash(template: object, codec: Codec): string {
  return toHex(digestParts(codec, HASH_TAG, [canonicalJson(template)]), HASH_BYTES);
}
