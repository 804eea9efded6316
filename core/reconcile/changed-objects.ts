// Two lists of desired objects -> what differs, for the price of one comparison of identities for each object in between.
import { canonicalJson } from "../config/canonical-json.ts";
import type { ObjectKind, ObjectMeta } from "../policy/spec.ts";

/** An object as a source lists it. */
export interface ListedObject {
  readonly kind: ObjectKind;
  readonly meta: ObjectMeta;
  readonly spec: unknown;
}

export interface ListDifference<T> {
  /** New ones, and those that are not the same. */
  readonly changed: readonly T[];
  readonly removed: readonly T[];
}

/**
 * What of `after` is not in `before`, and the other way round. Lists are mostly the same but for a stretch, so equal beginnings
 * and ends are passed over first.
 */
export function changedObjects<T extends ListedObject>(
  before: readonly T[],
  after: readonly T[],
  isSame: (left: T, right: T) => boolean = sameVersion,
): ListDifference<T> {
  if (before === after) return { changed: [], removed: [] };
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && isPair(before[start], after[start], isSame)) start++;
  let end = 0;
  while (end < shorter - start && isPair(before.at(-1 - end), after.at(-1 - end), isSame)) end++;
  const rest = new Map<string, T>();
  for (const object of before.slice(start, before.length - end)) rest.set(nameOf(object), object);
  const changed: T[] = [];
  for (const object of after.slice(start, after.length - end)) {
    const name = nameOf(object);
    const standing = rest.get(name);
    rest.delete(name);
    if (standing === undefined || !isSame(standing, object)) changed.push(object);
  }
  return { changed, removed: [...rest.values()] };
}

function isPair<T extends ListedObject>(
  left: T | undefined,
  right: T | undefined,
  isSame: (left: T, right: T) => boolean,
): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  const isNamesake =
    left.meta.name === right.meta.name && left.meta.namespace === right.meta.namespace && left.kind === right.kind;
  return isNamesake && isSame(left, right);
}

function sameVersion(left: ListedObject, right: ListedObject): boolean {
  const isVersion = left.meta.uid === right.meta.uid && left.meta.generation === right.meta.generation;
  return isVersion && sameSpec(left.spec, right.spec);
}

/** A generation names one spec, until an API server's store is restored from a copy and counts on from there. */
export function sameSpec(left: unknown, right: unknown): boolean {
  return left === right || canonicalJson(left) === canonicalJson(right);
}

function nameOf({ kind, meta }: ListedObject): string {
  return `${kind}/${meta.namespace}/${meta.name}`;
}
