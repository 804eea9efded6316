// The router's side of the head-key protocol: stages changes as they come and swaps one immutable set only at a head that
// names exactly that set; everything that does not fit ends in reading the bucket afresh.
import type { Codec } from "../codec.ts";
import { assertNever } from "../result.ts";
import type { ConfigHead, RouterKey, StagedEntry } from "./entry.ts";
import { EMPTY_SET_DIGEST, type EntrySetDigest, entryDigest, matchesHead, parseHead, replaceInSet } from "./head.ts";
import { headKey, parseConfigKey } from "./keys.ts";

export type StageEvent =
  /** A watch of this router's keys has begun: last value of each key, then what follows. Everything staged is forgotten. */
  | { readonly kind: "snapshotBegin"; readonly bucketCreated?: string }
  /** One message of the watch, in stream order; `value` undefined = the key was deleted or purged. The head comes so too. */
  | { readonly kind: "change"; readonly key: string; readonly value: Uint8Array | undefined; readonly sequence: number }
  /** Every value that stood when the watch began has been delivered. */
  | { readonly kind: "snapshotComplete" }
  /** The watch has been silent for longer than its heartbeats allow. */
  | { readonly kind: "heartbeatsMissed" }
  /** The poll (10 s): the head as a direct read shows it and, unless the watch itself looks, when the bucket was created. */
  | { readonly kind: "poll"; readonly headSequence: number | undefined; readonly bucketCreated?: string }
  /** The watch asked for could not be started, or ended with an error. */
  | { readonly kind: "readFailed" };

export type RereadReason =
  | "started"
  | "heartbeats_missed"
  | "read_failed"
  | "bucket_replaced"
  | "head_mismatch"
  | "head_unreadable"
  | "head_regressed"
  | "epoch_changed"
  | "poll_shows_other_head";

export type StageAction =
  /** Serve the entries with these changes; then acknowledge `revision`. */
  | ({ readonly kind: "swap"; readonly revision: number; readonly epoch: string } & StagedChanges)
  /** Close the watch, if there is one, and start another (after a back-off when the last one failed). */
  | { readonly kind: "reread"; readonly reason: RereadReason };

/** What differs from the set of the swap before. */
export interface StagedChanges {
  /** By key; undefined = gone. Never changed afterwards. */
  readonly changes: ReadonlyMap<string, StagedEntry | undefined>;
  /** `changes` is the whole set: what is not in it is gone. */
  readonly isWhole: boolean;
}

interface DigestedEntry extends StagedEntry {
  readonly digest: bigint;
}

interface AppliedHead {
  readonly revision: number;
  readonly epoch: string;
}

interface SeenHead {
  readonly sequence: number;
  readonly head: ConfigHead | undefined;
}

/**
 * State of one watch and of what is in force. It is consumed by `advanceStage`: use only the one that was returned last, for
 * the staged entries are kept in place (a copy for each change would cost the square of a snapshot).
 */
export interface Stage {
  readonly router: RouterKey;
  /** waiting: a reread was asked for; reading: its snapshot is coming in; live: the snapshot is complete. */
  readonly phase: "waiting" | "reading" | "live";
  readonly staged: Map<string, DigestedEntry>;
  readonly set: EntrySetDigest;
  /** What `staged` differs in from the set in force; undefined as long as that is not known: after a fresh read. */
  readonly changes: Map<string, StagedEntry | undefined> | undefined;
  readonly lastSequence: number;
  readonly seen: SeenHead | undefined;
  readonly bucketCreated: string | undefined;
  readonly applied: AppliedHead | undefined;
}

export interface StageStep {
  readonly state: Stage;
  readonly actions: readonly StageAction[];
}

/** A stage with nothing applied. Its first action is due at once: start a watch and tell `snapshotBegin`. */
export function createStage(router: RouterKey): Stage {
  return {
    router,
    phase: "waiting",
    ...nothingStaged(),
    bucketCreated: undefined,
    applied: undefined,
  };
}

function nothingStaged(): Pick<Stage, "staged" | "set" | "changes" | "lastSequence" | "seen"> {
  return { staged: new Map(), set: EMPTY_SET_DIGEST, changes: undefined, lastSequence: 0, seen: undefined };
}

/** Takes one event in. Consumes `state`. At most one swap and one reread come of it. */
export function advanceStage(state: Stage, event: StageEvent, codec: Codec): StageStep {
  switch (event.kind) {
    case "snapshotBegin":
      return stay({
        ...state,
        phase: "reading",
        ...nothingStaged(),
        bucketCreated: event.bucketCreated,
      });
    case "change":
      return state.phase === "waiting" ? stay(state) : takeChange(state, event, codec);
    case "snapshotComplete":
      // A snapshot without its head's set is no fault yet: the operator may be between its entries and their head.
      return stay(state.phase === "reading" ? { ...state, phase: "live" } : state);
    case "heartbeatsMissed":
      return state.phase === "waiting" ? stay(state) : reread(state, "heartbeats_missed");
    case "readFailed":
      return reread(state, "read_failed");
    case "poll":
      return takePoll(state, event);
    default:
      return assertNever(event);
  }
}

/** Whether the last head seen is the one in force. */
export function isSettled(state: Stage): boolean {
  return state.seen?.head !== undefined && isApplied(state, state.seen.sequence, state.seen.head.epoch);
}

function takeChange(state: Stage, event: Extract<StageEvent, { kind: "change" }>, codec: Codec): StageStep {
  // The stream's order is the protocol's: whatever comes late is a repetition, and if it is not, no digest will match.
  if (event.sequence <= state.lastSequence) return stay(state);
  const next = { ...state, lastSequence: event.sequence };
  if (event.key === headKey(state.router)) return takeHead(next, event.value, event.sequence, codec);
  if (parseConfigKey(state.router, event.key) === undefined) return stay(next);
  return stay({ ...next, set: stageEntry(state, event, codec) });
}

function stageEntry(
  { staged, set, changes }: Stage,
  { key, value, sequence }: Extract<StageEvent, { kind: "change" }>,
  codec: Codec,
): EntrySetDigest {
  const before = staged.get(key)?.digest;
  if (value === undefined) {
    staged.delete(key);
    changes?.set(key, undefined);
    return replaceInSet(set, before, undefined);
  }
  // A copy: the bytes of a watch may be a view of a whole socket buffer.
  const entry = { key, value: new Uint8Array(value), sequence };
  const digest = entryDigest(codec, entry);
  staged.set(key, { ...entry, digest });
  changes?.set(key, entry);
  return replaceInSet(set, before, digest);
}

function takeHead(state: Stage, value: Uint8Array | undefined, sequence: number, codec: Codec): StageStep {
  // A deleted head names nothing: what is in force stays so until a head says otherwise.
  if (value === undefined) return stay({ ...state, seen: undefined });
  const head = parseHead(codec, value);
  const next: Stage = { ...state, seen: { sequence, head } };
  if (head === undefined) return misfit(next, "head_unreadable");
  const { applied } = state;
  if (state.phase === "live" && applied !== undefined) {
    // Both mean that this is not the bucket which the watch began on.
    if (applied.epoch !== head.epoch) return reread(next, "epoch_changed");
    if (sequence < applied.revision) return reread(next, "head_regressed");
  }
  if (!matchesHead(head, state.set)) return misfit(next, "head_mismatch");
  if (isApplied(state, sequence, head.epoch)) return stay(next);
  const { staged, changes } = state;
  const delta = changes === undefined ? { changes: new Map(staged), isWhole: true } : { changes, isWhole: false };
  return {
    state: { ...next, changes: new Map(), applied: { revision: sequence, epoch: head.epoch } },
    actions: [{ kind: "swap", revision: sequence, epoch: head.epoch, ...delta }],
  };
}

/**
 * During a snapshot a head may stand before entries that were replaced after it: they come later, with their own head. Once
 * the snapshot is complete, a set that does not fit means that something was lost or overwritten unseen.
 */
function misfit(state: Stage, reason: RereadReason): StageStep {
  return state.phase === "live" ? reread(state, reason) : stay(state);
}

function takePoll(state: Stage, event: Extract<StageEvent, { kind: "poll" }>): StageStep {
  if (state.phase === "waiting") return stay(state);
  if (event.bucketCreated !== state.bucketCreated) return reread(state, "bucket_replaced");
  // A snapshot under way is itself the fresh look; a silent one ends by its heartbeats.
  if (state.phase === "reading") return stay(state);
  if (event.headSequence !== state.seen?.sequence) return reread(state, "poll_shows_other_head");
  if (event.headSequence !== undefined && !isSettled(state)) return reread(state, "head_mismatch");
  return stay(state);
}

function isApplied(state: Stage, sequence: number, epoch: string): boolean {
  return state.applied?.revision === sequence && state.applied.epoch === epoch;
}

function reread(state: Stage, reason: RereadReason): StageStep {
  return { state: { ...state, phase: "waiting" }, actions: [{ kind: "reread", reason }] };
}

function stay(state: Stage): StageStep {
  return { state, actions: [] };
}
