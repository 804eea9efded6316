// The name of the object that holds a policy: the policy's id where that can be one, else a readable text that no other id gets.
import type { Codec } from "../codec.ts";
import { digestParts, toHex } from "../hash.ts";
import { dnsSubdomain, isFormat } from "../policy/schema-formats.ts";

const DIGEST_TAG = "beamline.admin-policy-name.v1";
const DIGEST_BYTES = 8;
/** Ends every name that is not the id itself; an id that ends like this is not taken as it is. */
const GENERATED_END = /-[0-9a-f]{16}$/;
const MAX_READABLE_CHARS = 100;

/** Always the same for one id, and never the same for two: `chat` stays `chat`, `chat_v2` becomes `chat-v2-<16 digits>`. */
export function objectNameOf(codec: Codec, policyId: string): string {
  if (isFormat(dnsSubdomain, policyId) && !GENERATED_END.test(policyId)) return policyId;
  const readable = policyId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, MAX_READABLE_CHARS)
    .replaceAll(/^-+|-+$/g, "");
  const digest = toHex(digestParts(codec, DIGEST_TAG, [policyId]), DIGEST_BYTES);
  return `${readable === "" ? "policy" : readable}-${digest}`;
}
