// One step of the registry while it is being made: the few ways in which an event changes the state.
import {
  type Component,
  type ComponentName,
  componentKey,
  type Liveness,
  type Registration,
  type Reported,
} from "./component.ts";
import { bucketOf, type Check, schedule } from "./deadlines.ts";
import type { Notice, NoticeBody, Refusal } from "./event.ts";
import { MAX_LOGGED_NOTICES, MAX_REMOVALS } from "./limits.ts";
import type { LivenessCounts, Registry } from "./state.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What `advance` gives back. */
export interface Step {
  readonly state: Registry;
  /** In order; the state's log has them as well. */
  readonly notices: readonly Notice[];
  readonly refusals: readonly Refusal[];
}

export interface Draft {
  /** Its own object; what it refers to belongs to the state before. */
  readonly state: Mutable<Registry>;
  readonly notices: Notice[];
  readonly refusals: Refusal[];
  /** The wheel, once it is this draft's own. */
  checks: (Check | undefined)[] | undefined;
  /** Changes of `silent`, written at the end in one go. */
  silent: Map<string, true | undefined> | undefined;
}

export function beginStep(state: Registry, nowMs: number): Draft {
  const own = { ...state };
  // Time never goes back: a late event cannot undo what an earlier tick concluded.
  if (nowMs > own.nowMs) own.nowMs = nowMs;
  return { state: own, notices: [], refusals: [], checks: undefined, silent: undefined };
}

export function endStep(draft: Draft): Step {
  const { state, notices, refusals } = draft;
  if (draft.silent !== undefined) state.silent = state.silent.with(draft.silent);
  return { state, notices, refusals };
}

export function refuse(draft: Draft, { kind, id }: ComponentName, reason: Refusal["reason"]): void {
  draft.refusals.push({ name: { kind, id }, reason });
}

export function announce(draft: Draft, body: NoticeBody): void {
  const { state } = draft;
  state.sequence += 1;
  const notice: Notice = { ...body, sequence: state.sequence, atMs: state.nowMs };
  state.log = state.log.set(state.sequence % MAX_LOGGED_NOTICES, notice);
  draft.notices.push(notice);
}

type ComponentNotice = Extract<NoticeBody, { readonly component: Component }>;
/** A notice without its component: a type of its own for each kind. */
type NoticeAbout = ComponentNotice extends infer N ? (N extends ComponentNotice ? Omit<N, "component"> : never) : never;

/** Puts the component in its place, with the revision of the notice that tells of it. */
export function putAndAnnounce(draft: Draft, before: Component, after: Component, about: NoticeAbout): Component {
  const component: Component = { ...after, revision: draft.state.sequence + 1 };
  put(draft, before, component);
  announce(draft, { ...about, component } as NoticeBody);
  return component;
}

export function put(draft: Draft, before: Component | undefined, after: Component): void {
  const { state } = draft;
  state.components = state.components.set(after.slot, after);
  if (before?.liveness !== after.liveness || before.held !== after.held) count(draft, before, after);
}

function count(draft: Draft, before: Component | undefined, after: Component | undefined): void {
  const counts: Mutable<LivenessCounts> = { ...draft.state.counts };
  if (before !== undefined) {
    counts[before.liveness] -= 1;
    if (before.held) counts.held -= 1;
  }
  if (after !== undefined) {
    counts[after.liveness] += 1;
    if (after.held) counts.held += 1;
  }
  draft.state.counts = counts;
}

export interface NewComponent {
  readonly registration: Registration;
  readonly reported: Reported;
  readonly lastSeenMs: number;
  readonly via: string;
  readonly liveness: Liveness;
}

/** Takes a free place for a component that is not there. */
export function add(draft: Draft, input: NewComponent): Component {
  const { state } = draft;
  const free = state.freeSlots;
  const slot = free?.slot ?? state.components.length;
  state.freeSlots = free?.next;
  const component: Component = {
    ...input,
    endpointHealth: "unknown",
    livenessSinceMs: state.nowMs,
    held: false,
    silence: [],
    configurationRevision: 0,
    revision: state.sequence + 1,
    slot,
    checkBucket: Number.POSITIVE_INFINITY,
  };
  state.slots = state.slots.with([[componentKey(input.registration), slot]]);
  put(draft, undefined, component);
  announce(draft, { kind: "registered", component });
  return component;
}

export function remove(draft: Draft, component: Component, reason: "unregistered" | "forgotten"): void {
  const { state } = draft;
  const { slot } = component;
  const key = componentKey(component.registration);
  state.slots = state.slots.with([[key, undefined]]);
  state.components = state.components.set(slot, undefined);
  state.freeSlots = { slot, next: state.freeSlots };
  count(draft, component, undefined);
  tellSilence(draft, key, false);
  announce(draft, { kind: "removed", component: { ...component, revision: state.sequence + 1 }, reason });
}

/** Remembers that everything up to `seq` is gone, so that late word of it changes nothing. */
export function rememberRemoval(draft: Draft, key: string, seq: number): void {
  const { state } = draft;
  if ((state.removals.get(key) ?? 0) >= seq) return;
  const place = state.removalCount % MAX_REMOVALS;
  const oldest = state.removalLog.get(place);
  const forgotten = oldest !== undefined && oldest.key !== key && state.removals.get(oldest.key) === oldest.seq;
  state.removals = state.removals.with([...(forgotten ? [[oldest.key, undefined] as const] : []), [key, seq]]);
  state.removalLog = state.removalLog.set(place, { key, seq });
  state.removalCount += 1;
}

/** The wheel, as one that may be changed. */
export function ownChecks(draft: Draft): (Check | undefined)[] {
  if (draft.checks === undefined) {
    draft.checks = draft.state.checks.slice();
    draft.state.checks = draft.checks;
  }
  return draft.checks;
}

/** Makes sure that the component in this place is looked at by then. Gives back the bucket to note in the component. */
export function checkBy(draft: Draft, slot: number, standingBucket: number, atMs: number): number {
  const { sweptBucket } = draft.state;
  const bucket = bucketOf(atMs, sweptBucket);
  // One that is due earlier will put itself back.
  if (standingBucket > sweptBucket && standingBucket <= bucket) return standingBucket;
  schedule(ownChecks(draft), slot, bucket);
  return bucket;
}

export function tellSilence(draft: Draft, key: string, told: boolean): void {
  if (draft.state.silent.has(key) === told && draft.silent?.has(key) !== true) return;
  draft.silent ??= new Map();
  draft.silent.set(key, told ? true : undefined);
}
