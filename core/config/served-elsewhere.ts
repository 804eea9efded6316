// What one router refuses and another serves: two releases that judge an object differently, at the same head.
import type { RejectedEntry, RouterAck } from "./entry.ts";

/** The first entry that `mine` rejects while one of `others` has applied a head of its epoch, at least as new, with it. */
export function servedElsewhere(mine: RouterAck, others: readonly RouterAck[]): RejectedEntry | undefined {
  return mine.rejected.find((entry) => others.some((other) => serves(other, entry, mine)));
}

/** Of a list that was cut nothing is concluded: the entry may be among those left out. */
function serves(other: RouterAck, entry: RejectedEntry, rejecting: RouterAck): boolean {
  if (other.epoch !== rejecting.epoch || other.appliedRevision < rejecting.appliedRevision) return false;
  if (other.rejectedCount > other.rejected.length) return false;
  return !other.rejected.some(
    ({ key, uid, generation }) => key === entry.key && uid === entry.uid && generation === entry.generation,
  );
}
