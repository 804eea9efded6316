// Rules for the form of idempotency keys. Whether a key was used before is decided by the stored effect, not here.
import { isWellFormed } from "../schema/text.ts";
import type { ValidationLevel } from "./message.ts";
import { type Refusal, refuse } from "./reasons.ts";

/** Characters (Unicode code points) of a key at most (seed 004, 3.2). */
export const MAX_KEY_CHARACTERS = 256;

function isTooLong(key: string): boolean {
  if (key.length <= MAX_KEY_CHARACTERS) return false;
  // A code point takes at most two UTF-16 units: beyond twice the limit nothing need be counted.
  return key.length > 2 * MAX_KEY_CHARACTERS || [...key].length > MAX_KEY_CHARACTERS;
}

/** 1 to 256 characters of any kind, as long as they have a UTF-8 form: two keys never become one. */
export function validateIdempotencyKeyFormat(key: string): Refusal | undefined {
  if (key === "") return refuse("empty_idempotency_key", "idempotency_key");
  if (isTooLong(key)) return refuse("idempotency_key_too_long", "idempotency_key");
  return isWellFormed(key) ? undefined : refuse("invalid_idempotency_key_format", "idempotency_key");
}

/** Required at level Full; well formed wherever present. */
export function validateIdempotency(key: string | undefined, level: ValidationLevel): Refusal | undefined {
  if (key !== undefined) return validateIdempotencyKeyFormat(key);
  return level === "Full" ? refuse("missing_idempotency_key", "idempotency_key") : undefined;
}
