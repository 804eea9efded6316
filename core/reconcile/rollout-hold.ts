// Whether a roll-out must stand still: a router of the new kind refuses what one of the old kind serves.
import type { RejectedEntry, RouterAck } from "../config/entry.ts";
import type { RouterPod } from "../config/programmed.ts";
import { servedElsewhere } from "../config/served-elsewhere.ts";

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
    const rejection = ack === undefined ? undefined : servedElsewhere(ack, olds);
    if (rejection !== undefined) return describe(pod, rejection);
  }
  return undefined;
}

function describe({ name }: RolloutPod, { key, reason }: RejectedEntry): string {
  return `the new router ${name} rejects ${key}, which the routers before it serve: ${reason}; correct that object, or go back to the settings or image before`;
}
