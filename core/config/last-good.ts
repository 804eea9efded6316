// What the next value of an entry is, and what it keeps of the one before: the last spec that every router served.
import type { ObjectMeta } from "../policy/spec.ts";
import type { ConfigEntry, RouterAck } from "./entry.ts";

/** An object as it shall be in force. `spec` is as the user wrote it, so that each router applies its own defaults. */
export interface DesiredEntry {
  readonly kind: ConfigEntry["kind"];
  readonly meta: ObjectMeta;
  readonly spec: unknown;
}

/**
 * The entry to write for `desired`. The spec before becomes `lastGood` when it was Programmed; as long as it was not, the
 * older `lastGood` stays. It is written together with the next change and not at the moment of becoming Programmed: until
 * then it would only repeat `current`, at the price of a second head for every change. A new uid is a new object and
 * inherits nothing.
 */
export function nextEntry(
  previous: ConfigEntry | undefined,
  previousProgrammed: boolean,
  desired: DesiredEntry,
): ConfigEntry {
  const { namespace, name, uid, generation, creationMs } = desired.meta;
  const { kind, spec } = desired;
  const entry: ConfigEntry = { kind, namespace, name, uid, generation, creationMs, current: spec };
  if (previous === undefined || previous.uid !== uid) return entry;
  const lastGood = lastGoodAfter(previous, previousProgrammed, generation);
  return lastGood === undefined ? entry : { ...entry, lastGood };
}

function lastGoodAfter(previous: ConfigEntry, programmed: boolean, generation: number): ConfigEntry["lastGood"] {
  if (!programmed || previous.generation === generation) return previous.lastGood;
  return { generation: previous.generation, spec: previous.current };
}

/**
 * Whether some router served `entry` at this head: all that can be known of a head that another operator process wrote,
 * whose pods may be gone. Acknowledgements live for a minute, so it speaks of a moment ago.
 */
export function wasServed(
  key: string,
  entry: Pick<ConfigEntry, "uid" | "generation">,
  head: { readonly revision: number; readonly epoch: string },
  acks: Iterable<RouterAck>,
): boolean {
  for (const ack of acks) {
    if (ack.epoch !== head.epoch || ack.appliedRevision !== head.revision) continue;
    if (ack.rejectedCount > ack.rejected.length) continue;
    const rejected = ack.rejected.some(
      (one) => one.key === key && one.uid === entry.uid && one.generation === entry.generation,
    );
    if (!rejected) return true;
  }
  return false;
}
