// Whether two statuses say the same, so that what changes nothing is never written.
import { canonicalJson } from "../core/config/canonical-json.ts";

/** A status document as the API carries it: plain JSON. */
export type Status = Readonly<Record<string, unknown>>;

/**
 * Equal up to what has no meaning: the order of keys, fields that are absent or undefined, empty lists and maps beside absent
 * ones, and the order of `conditions`, which are a map by type.
 */
export function isSameStatus(a: Status, b: Status): boolean {
  return canonicalStatus(a) === canonicalStatus(b);
}

/** Equal for equal statuses, in the sense of `isSameStatus`. */
export function canonicalStatus(status: Status): string {
  return canonicalJson(simplify(status) ?? {});
}

/**
 * Whether `observed` says everything that `wanted` says; it may say more, because others may own fields and conditions of
 * their own.
 */
export function containsStatus(observed: unknown, wanted: unknown): boolean {
  if (isEmpty(wanted)) return true;
  if (isConditions(wanted) && Array.isArray(observed)) {
    return wanted.every((condition) =>
      observed.some(
        (candidate: unknown) => typeOf(candidate) === condition.type && containsStatus(candidate, condition),
      ),
    );
  }
  if (Array.isArray(wanted)) {
    if (!Array.isArray(observed) || observed.length !== wanted.length) return false;
    return wanted.every((item, index) => containsStatus(observed[index], item));
  }
  if (!isRecord(wanted)) return Object.is(observed, wanted);
  return isRecord(observed) && Object.entries(wanted).every(([field, value]) => containsStatus(observed[field], value));
}

function simplify(value: unknown): unknown {
  if (isConditions(value)) {
    const byType = [...value].sort((a, b) => (a.type < b.type ? -1 : 1));
    return byType.map((condition) => simplify(condition));
  }
  // Inside a list everything counts, the empty too: it has a place.
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((item) => simplify(item) ?? null);
  if (!isRecord(value)) return value === null ? undefined : value;
  const entries = Object.entries(value)
    .map(([field, child]) => [field, simplify(child)] as const)
    .filter(([, child]) => child !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function isEmpty(value: unknown): boolean {
  return simplify(value) === undefined;
}

interface ConditionLike extends Readonly<Record<string, unknown>> {
  readonly type: string;
}

/** A list in which each element has a `type` and a `status` and no type stands twice. */
function isConditions(value: unknown): value is readonly ConditionLike[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const types = new Set(value.map(typeOf));
  return (
    !types.has(undefined) && types.size === value.length && value.every((item) => isRecord(item) && "status" in item)
  );
}

function typeOf(value: unknown): string | undefined {
  return isRecord(value) && typeof value.type === "string" ? value.type : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
