// A sign of life: from the component itself, or from a replica that had one.
import { type Component, componentKey, type Liveness, type Reported } from "./component.ts";
import { checkBy, type Draft, put, putAndAnnounce, tellSilence } from "./draft.ts";
import { lateAtMs, ttlEndMs } from "./liveness.ts";
import { newerReport } from "./merge.ts";

const NOBODY: readonly string[] = [];

export interface SignOfLife {
  readonly atMs: number;
  /** The replica that had it. */
  readonly via: string;
  readonly reported?: Reported;
  readonly configurationRevision?: number | undefined;
}

/** Takes whatever is newer than what is known; older signs change nothing, so that order and repetition do not matter. */
export function hear(draft: Draft, before: Component, sign: SignOfLife): void {
  const atMs = Math.min(sign.atMs, draft.state.nowMs);
  const isNewer = atMs > before.lastSeenMs;
  const seen: Component = isNewer
    ? revive(draft, before, { ...before, lastSeenMs: atMs, via: sign.via, silence: NOBODY })
    : before;
  const reported = sign.reported === undefined ? seen.reported : newerReport(seen.reported, sign.reported);
  const configurationRevision = Math.max(seen.configurationRevision, sign.configurationRevision ?? 0);
  const isSilentChange =
    seen.liveness === before.liveness &&
    reported.text === before.reported.text &&
    configurationRevision === before.configurationRevision;
  if (isSilentChange) put(draft, before, reported === seen.reported ? seen : { ...seen, reported });
  else tellChanges(draft, before, seen, { reported, configurationRevision });
}

/** One notice a change, each with the component as it was after that change. */
function tellChanges(
  draft: Draft,
  before: Component,
  seen: Component,
  news: Pick<Component, "reported" | "configurationRevision">,
): void {
  const { reported, configurationRevision } = news;
  let standing = seen;
  if (seen.liveness === before.liveness) put(draft, before, seen);
  else standing = putAndAnnounce(draft, before, seen, { kind: "livenessChanged", previous: before.liveness });
  const previous = before.reported.text;
  if (reported.text !== previous)
    standing = putAndAnnounce(draft, standing, { ...standing, reported }, { kind: "statusChanged", previous });
  else standing = { ...standing, reported };
  if (configurationRevision === before.configurationRevision) put(draft, standing, standing);
  else putAndAnnounce(draft, standing, { ...standing, configurationRevision }, { kind: "configurationAcknowledged" });
}

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
function livenessWhenHeard(component: Component, nowMs: number): Liveness {
  if (nowMs < lateAtMs(component)) return "live";
  if (component.liveness === "lost" && nowMs < ttlEndMs(component)) return "late";
  return component.liveness;
}
