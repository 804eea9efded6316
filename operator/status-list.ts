// Statuses of one kind by name, and how many of them are accepted: a change costs its own size.
import type { ObjectStatus } from "./status-document.ts";

export interface StatusList<T extends ObjectStatus> {
  /** By namespace and name. */
  readonly statuses: readonly T[];
  readonly accepted: number;
}

export interface StatusChange<T extends ObjectStatus> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

/** More changes than this are sorted in at once rather than one by one. */
const MAX_SINGLE_CHANGES = 64;

export function changeStatuses<T extends ObjectStatus>(
  list: StatusList<T>,
  changes: readonly StatusChange<T>[],
): StatusList<T> {
  if (changes.length === 0) return list;
  const accepted = changes.reduce(
    (count, { before, after }) => count + Number(isAccepted(after)) - Number(isAccepted(before)),
    list.accepted,
  );
  const isFew = changes.length <= MAX_SINGLE_CHANGES;
  return { statuses: isFew ? placeEach(list.statuses, changes) : sortAll(list.statuses, changes), accepted };
}

function placeEach<T extends ObjectStatus>(list: readonly T[], changes: readonly StatusChange<T>[]): readonly T[] {
  const statuses = [...list];
  for (const { before, after } of changes) {
    const status = after ?? before;
    if (status === undefined) continue;
    statuses.splice(
      positionOf(statuses, status),
      before === undefined ? 0 : 1,
      ...(after === undefined ? [] : [after]),
    );
  }
  return statuses;
}

function sortAll<T extends ObjectStatus>(list: readonly T[], changes: readonly StatusChange<T>[]): readonly T[] {
  const gone = new Set(changes.map(({ before }) => before));
  const added = changes.flatMap(({ after }) => after ?? []);
  return [...list.filter((status) => !gone.has(status)), ...added].sort(byName);
}

/** Where it stands, or where it belongs. */
function positionOf(list: readonly ObjectStatus[], status: ObjectStatus): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && byName(other, status) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isAccepted(status: ObjectStatus | undefined): boolean {
  return status?.conditions.some((one) => one.type === "Accepted" && one.status === "True") ?? false;
}

function byName(left: ObjectStatus, right: ObjectStatus): number {
  if (left.namespace !== right.namespace) return left.namespace < right.namespace ? -1 : 1;
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
