// The life of one list-and-watch as a pure state machine: what to ask the API server next, and how long to wait before.
import { backoffMs } from "../core/reconcile/backoff.ts";
import type { ApiFailure } from "./failure.ts";

export interface ListStep {
  readonly action: "List";
  /** Absent: from the beginning; pages read before are void. */
  readonly continueToken: string | undefined;
  /** False after continue tokens expired repeatedly: then everything in one answer. */
  readonly paged: boolean;
  readonly delayMs: number;
}

export interface WatchStep {
  readonly action: "Watch";
  /** Changes after this version are still unknown here. */
  readonly resourceVersion: string;
  readonly delayMs: number;
}

export type ListWatchStep = ListStep | WatchStep;

export interface ListWatchState {
  readonly step: ListWatchStep;
  /** Lists and watches that failed or ended at once, since the last that did not. */
  readonly failures: number;
  /** Times that the server had forgotten our version, since the last healthy watch. */
  readonly expiries: number;
  /** Watches in a row that lived out their time without a single event or bookmark. */
  readonly quietWatches: number;
}

export type ListWatchEvent =
  | { readonly type: "PageRead"; readonly resourceVersion: string; readonly continueToken: string | undefined }
  | { readonly type: "ListFailed"; readonly failure: ApiFailure }
  | {
      readonly type: "WatchEnded";
      /** The last version that the watch told of, or the one that it began at. */
      readonly resourceVersion: string;
      readonly livedMs: number;
      /** Whether any event or bookmark came. */
      readonly progressed: boolean;
      /** Absent when the server ended it in order. */
      readonly failure: ApiFailure | undefined;
    };

/**
 * As client-go begins; its bound of 30 s is lowered so that all is known again 30 s after the server is back, the watches of
 * an operator being few.
 */
export const LIST_WATCH_BACKOFF = { baseMs: 800, maxMs: 15_000 };
/** A watch that lived as long was accepted; one that ended sooner is as good as refused. */
export const HEALTHY_WATCH_MS = 5_000;
/** After that many failures of one version, everything is read anew: heals what nobody thought of, such as a restored etcd. */
export const RELIST_AFTER_FAILURES = 6;
/** The server sends a bookmark before it ends a watch; one that never does may be telling of another history. */
export const RELIST_AFTER_QUIET_WATCHES = 5;
/** Expired continue tokens after which a list is no longer read in pages. */
const UNPAGED_AFTER_EXPIRIES = 2;
/** Watches that were cut together (a restarted server) come back spread over this. */
const RECONNECT_SPREAD_MS = 200;
const RETRY_AFTER_JITTER = 0.2;

export const INITIAL_LIST_WATCH: ListWatchState = {
  step: { action: "List", continueToken: undefined, paged: true, delayMs: 0 },
  failures: 0,
  expiries: 0,
  quietWatches: 0,
};

/** The next state. `chance` (0..1) spreads those who failed together. An event that does not answer the step is a bug. */
export function advanceListWatch(state: ListWatchState, event: ListWatchEvent, chance: number): ListWatchState {
  const { step } = state;
  if (step.action === "List" && event.type === "PageRead") return afterPage(state, step, event);
  if (step.action === "List" && event.type === "ListFailed")
    return afterListFailure(state, step, event.failure, chance);
  if (step.action === "Watch" && event.type === "WatchEnded") return afterWatch(state, event, chance);
  throw new Error(`${event.type} does not answer ${step.action}`);
}

type PageRead = Extract<ListWatchEvent, { type: "PageRead" }>;
type WatchEnded = Extract<ListWatchEvent, { type: "WatchEnded" }>;

function afterPage(state: ListWatchState, step: ListStep, page: PageRead): ListWatchState {
  const next: ListWatchStep =
    page.continueToken === undefined
      ? { action: "Watch", resourceVersion: page.resourceVersion, delayMs: 0 }
      : { ...step, continueToken: page.continueToken, delayMs: 0 };
  // A list that works says nothing about a watch that does not: only a watch clears its failures.
  return { ...state, step: next };
}

function afterListFailure(state: ListWatchState, step: ListStep, failure: ApiFailure, chance: number): ListWatchState {
  const failures = state.failures + 1;
  const delayMs = delayAfter(failure, failures, chance);
  if (failure.kind !== "Expired") return { ...state, failures, step: { ...step, delayMs } };
  const expiries = state.expiries + 1;
  return { ...state, failures, expiries, step: listAnew(expiries < UNPAGED_AFTER_EXPIRIES, delayMs) };
}

function afterWatch(state: ListWatchState, ended: WatchEnded, chance: number): ListWatchState {
  const { failure, progressed, livedMs, resourceVersion } = ended;
  const healthy = livedMs >= HEALTHY_WATCH_MS && (progressed || failure === undefined);
  const expiries = healthy ? 0 : state.expiries;
  if (failure?.kind === "Expired") {
    const delayMs = expiries === 0 ? RECONNECT_SPREAD_MS * chance : delayAfter(failure, expiries, chance);
    return {
      failures: healthy ? 0 : state.failures,
      expiries: expiries + 1,
      quietWatches: 0,
      step: listAnew(true, delayMs),
    };
  }
  if (healthy) return afterHealthyWatch(ended, state.quietWatches, chance);
  // What told of something is worth a prompt next try, but not one at once: it may be cut after each event.
  const failures = progressed ? 1 : state.failures + 1;
  const delayMs = delayAfter(failure, failures, chance);
  const relist = failure?.kind === "NotFound" || (failures >= RELIST_AFTER_FAILURES && answered(failure));
  const step: ListWatchStep = relist ? listAnew(true, delayMs) : { action: "Watch", resourceVersion, delayMs };
  return { failures, expiries, quietWatches: 0, step };
}

function afterHealthyWatch(ended: WatchEnded, quietBefore: number, chance: number): ListWatchState {
  const quietWatches = ended.progressed ? 0 : quietBefore + 1;
  const delayMs = ended.failure === undefined ? 0 : RECONNECT_SPREAD_MS * chance;
  const clear = { failures: 0, expiries: 0 };
  if (quietWatches >= RELIST_AFTER_QUIET_WATCHES) return { ...clear, quietWatches: 0, step: listAnew(true, delayMs) };
  return { ...clear, quietWatches, step: { action: "Watch", resourceVersion: ended.resourceVersion, delayMs } };
}

function listAnew(paged: boolean, delayMs: number): ListStep {
  return { action: "List", continueToken: undefined, paged, delayMs };
}

/** A server that is away or overloaded is not asked for more than before. */
function answered(failure: ApiFailure | undefined): boolean {
  return failure?.kind !== "Unreachable" && failure?.kind !== "Throttled";
}

/** Never earlier than the server asks. */
function delayAfter(failure: ApiFailure | undefined, failures: number, chance: number): number {
  const askedMs = (failure?.retryAfterMs ?? 0) * (1 + RETRY_AFTER_JITTER * chance);
  return Math.max(backoffMs(LIST_WATCH_BACKOFF, failures, chance), askedMs);
}
