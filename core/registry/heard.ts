// A sign of life: from the component itself, or from a replica that had one.
import type { Component, Liveness, Reported } from "./component.ts";
import { componentKey } from "./component.ts";
import { checkBy, type Draft, put, putAndAnnounce, tellSilence } from "./draft.ts";
import { lateAtMs, ttlEndMs } from "./liveness.ts";
import { newerReport } from "./merge.ts";

export interface SignOfLife {
  readonly atMs: number;
  /** The replica that had it. */
  readonly via: string;
  readonly reported?: Reported;
  readonly configurationRevision?: number | undefined;
}

/** Takes whatever is newer than what is known; older signs change nothing, so that order and repetition do not matter. */
export function hear(draft: Draft, before: Component, sign: SignOfLife): void {
  const { nowMs } = draft.state;
  const atMs = Math.min(sign.atMs, nowMs);
  const isNewer = atMs > before.lastSeenMs;
  const reported = sign.reported === undefined ? before.reported : newerReport(before.reported, sign.reported);
  const configurationRevision = Math.max(before.configurationRevision, sign.configurationRevision ?? 0);
  const after: Component = {
    ...before,
    reported,
    configurationRevision,
    lastSeenMs: isNewer ? atMs : before.lastSeenMs,
    via: isNewer ? sign.via : before.via,
    silence: isNewer ? NOBODY : before.silence,
  };
  let standing: Component = isNewer ? revive(draft, before, after) : after;
  put(draft, before, standing);
  if (reported.text !== before.reported.text)
    standing = putAndAnnounce(draft, standing, standing, { kind: "statusChanged", previous: before.reported.text });
  if (configurationRevision !== before.configurationRevision)
    standing = putAndAnnounce(draft, standing, standing, { kind: "configurationAcknowledged" });
  if (standing.liveness !== before.liveness)
    putAndAnnounce(draft, standing, standing, { kind: "livenessChanged", previous: before.liveness });
}

const NOBODY: readonly string[] = [];

function revive(draft: Draft, before: Component, after: Component): Component {
  const { nowMs } = draft.state;
  const liveness = livenessWhenHeard(after, nowMs);
  if (liveness === before.liveness && !before.held) return after;
  const held = before.held && nowMs >= ttlEndMs(after);
  if (!held && liveness !== "lost") tellSilence(draft, componentKey(after.registration), false);
  const checkBucket =
    liveness === "lost" ? after.checkBucket : checkBy(draft, after.slot, after.checkBucket, lateAtMs(after));
  const livenessSinceMs = liveness === before.liveness ? before.livenessSinceMs : nowMs;
  return { ...after, liveness, held, checkBucket, livenessSinceMs };
}

/** A sign that comes late can be too old to bring anybody back. Only time takes life away, never a sign of it. */
export function livenessWhenHeard(component: Component, nowMs: number): Liveness {
  if (nowMs < lateAtMs(component)) return "live";
  if (component.liveness === "lost" && nowMs < ttlEndMs(component)) return "late";
  return component.liveness;
}
