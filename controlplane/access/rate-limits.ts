// How often each caller may call and how many streams it may have open, so that one of them cannot take what is there for all.
import type { Clock } from "../../runtime/clock.ts";
import type { CallFailure } from "../call-failure.ts";
import type { MethodRight } from "./rights.ts";

export type Budget = MethodRight["budget"];

export interface CallerLimitOptions {
  /** Calls a second of each budget; what was not used in the last two seconds is saved up. */
  readonly perSecond: Readonly<Record<Budget, number>>;
  readonly maxStreams: number;
  readonly clock: Clock;
}

const MS_PER_S = 1_000;
const BURST_MS = 2_000;
/** Callers remembered at once. One that was quiet for a while has its whole burst again: forgetting it changes nothing. */
const MAX_CALLERS = 20_000;
/** How long the look for those that can be forgotten is not made again. */
const SWEEP_PAUSE_MS = 1_000;

/** When the next call of each budget would be on time: ahead of now by what was used of the burst. */
type DueTimes = Record<Budget, number>;

export class CallerLimits {
  private readonly options: CallerLimitOptions;
  private readonly due = new Map<string, DueTimes>();
  private readonly streams = new Map<string, number>();
  private sweptMs = Number.NEGATIVE_INFINITY;

  constructor(options: CallerLimitOptions) {
    this.options = options;
  }

  /** Takes one call from the caller's budget; undefined when there was one left. */
  take(callerId: string, budget: Budget): CallFailure | undefined {
    const nowMs = this.options.clock.monotonicMs();
    const due = this.dueTimes(callerId, nowMs);
    const perSecond = this.options.perSecond[budget];
    const dueMs = Math.max(due[budget], nowMs);
    const waitMs = dueMs - nowMs - BURST_MS;
    if (waitMs > 0) {
      const message = `this caller may make ${perSecond} ${budget} a second, and ${(perSecond * BURST_MS) / MS_PER_S} at once`;
      return { cause: "RATE_LIMITED", message, retryAfterMs: Math.ceil(waitMs) };
    }
    due[budget] = dueMs + MS_PER_S / perSecond;
    return undefined;
  }

  /** Counts an open stream of the caller; gives back what ends the counting, or why it is one too many. */
  openStream(callerId: string): (() => void) | CallFailure {
    const open = this.streams.get(callerId) ?? 0;
    const { maxStreams } = this.options;
    if (open >= maxStreams)
      return { cause: "TOO_MANY_STREAMS", message: `this caller has ${maxStreams} streams open, as many as it may` };
    this.streams.set(callerId, open + 1);
    return () => {
      const left = (this.streams.get(callerId) ?? 1) - 1;
      if (left === 0) this.streams.delete(callerId);
      else this.streams.set(callerId, left);
    };
  }

  private dueTimes(callerId: string, nowMs: number): DueTimes {
    const known = this.due.get(callerId);
    if (known !== undefined) return known;
    if (this.due.size >= MAX_CALLERS) this.forget(nowMs);
    const due = { calls: nowMs, heartbeats: nowMs };
    this.due.set(callerId, due);
    return due;
  }

  /** Forgets everybody who has used nothing of the burst; at least one, the first that came. */
  private forget(nowMs: number): void {
    if (nowMs - this.sweptMs >= SWEEP_PAUSE_MS) {
      this.sweptMs = nowMs;
      for (const [id, due] of this.due) if (due.calls <= nowMs && due.heartbeats <= nowMs) this.due.delete(id);
    }
    const [first] = this.due.keys();
    if (this.due.size >= MAX_CALLERS && first !== undefined) this.due.delete(first);
  }
}
