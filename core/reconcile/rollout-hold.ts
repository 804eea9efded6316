// Whether a roll-out must stand still: a router of the new kind refuses what one of the old kind serves.
import type { RejectedEntry, RouterAck } from "../config/entry.ts";
import type { RouterPod } from "../config/programmed.ts";

/** A pod, and whether it is as the roll-out wants it. */
export interface RolloutPod extends RouterPod {
  readonly updated: boolean;
}

/**
 * A sentence when an updated pod rejects an entry (key, uid, generation) that a ready pod which is not updated serves: one
 * that has applied a head of the same epoch, at least as new, without rejecting it. `acks` by pod uid.
 */
export function rolloutHold(pods: readonly RolloutPod[], acks: ReadonlyMap<string, RouterAck>): string | undefined {
  const olds = pods.filter(({ ready, updated }) => ready && !updated).flatMap(({ uid }) => acks.get(uid) ?? []);
  if (olds.length === 0) return undefined;
  for (const pod of pods.filter(({ updated }) => updated)) {
    const ack = acks.get(pod.uid);
    const rejection = ack?.rejected.find((entry) => olds.some((old) => serves(old, entry, ack)));
    if (rejection !== undefined) return describe(pod, rejection);
  }
  return undefined;
}

/** Of a list that was cut nothing is concluded: the entry may be among those left out. */
function serves(old: RouterAck, entry: RejectedEntry, rejecting: RouterAck): boolean {
  if (old.epoch !== rejecting.epoch || old.appliedRevision < rejecting.appliedRevision) return false;
  if (old.rejectedCount > old.rejected.length) return false;
  return !old.rejected.some(
    ({ key, uid, generation }) => key === entry.key && uid === entry.uid && generation === entry.generation,
  );
}

function describe({ name }: RolloutPod, { key, reason }: RejectedEntry): string {
  return `the new router ${name} rejects ${key}, which the routers before it serve: ${reason}; correct that object, or go back to the settings or image before`;
}
