// JSON that travels on as it is must survive being written again: bounded nesting, and no integer that JSON readers round.
import { MESSAGE_DEPTH_LIMIT } from "../schema/compiled.ts";
import { type Refusal, refuse } from "./reasons.ts";

/** Fewer digits than this are always exact (2^53 has 16). */
const LONG_NUMBER = /\d{16}/;
const INTEGER = /^-?\d+$/;

/** Why the parts of an older body that reach the worker verbatim cannot; undefined when they can. */
export function validateVerbatim(text: string, body: unknown): Refusal | undefined {
  if (isDeeperThan(body, MESSAGE_DEPTH_LIMIT)) {
    return refuse("invalid_json_format", undefined, `nested deeper than ${MESSAGE_DEPTH_LIMIT}`);
  }
  const inexact = findInexactInteger(text);
  if (inexact === undefined) return undefined;
  return refuse("invalid_field_value", inexact, "an integer that JSON readers round; send it as text");
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) {
    if (isDeeperThan((value as Record<string, unknown>)[key], levels - 1)) return true;
  }
  return false;
}

/** Name of the field that holds such an integer. The text of a number is known only while it is parsed. */
function findInexactInteger(text: string): string | undefined {
  if (!LONG_NUMBER.test(text)) return undefined;
  let found: string | undefined;
  JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    if (typeof value === "number" && source !== undefined && INTEGER.test(source) && BigInt(source) !== BigInt(value)) {
      found ??= key;
    }
    return value;
  });
  return found;
}
