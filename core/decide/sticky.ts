// The value that stateless affinity hashes.
import type { DecideInput } from "./decision.ts";

/** The value at the policy's sticky path; undefined when there is no path, no such key, or only an empty text. */
export function readStickyValue(path: readonly string[] | undefined, input: DecideInput): string | undefined {
  const key = path?.at(-1);
  if (path === undefined || key === undefined) return undefined;
  const map = path[0] === "context" ? input.context : input.metadata;
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  return value === "" ? undefined : value;
}
