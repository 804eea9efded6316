// The requests that wait for a reply: a fixed set of slots, each with its callback and deadline.
import type { Msg } from "@nats-io/nats-core";
import type { UnavailableReason } from "./publish-result.ts";

/** Called exactly once: with the reply, or with the reason why there is none. */
export type Settle = (msg: Msg | undefined, reason: UnavailableReason | undefined) => void;

export const NO_TOKEN = -1;

/**
 * Slots are reused, tokens never: a token is slot + capacity x use count, so a late reply to a request that was given up
 * cannot settle the one that has its slot now.
 */
export class PendingRequests {
  readonly capacity: number;
  private readonly settles: (Settle | undefined)[];
  private readonly tokens: Float64Array;
  private readonly deadlinesMs: Float64Array;
  private readonly free: Uint32Array;
  private freeCount: number;
  /** Slots at or above were never used; what is below is all that a sweep has to look at. */
  private highWater = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.settles = new Array<Settle | undefined>(capacity).fill(undefined);
    this.tokens = Float64Array.from({ length: capacity }, (_, slot) => slot);
    this.deadlinesMs = new Float64Array(capacity);
    this.free = Uint32Array.from({ length: capacity }, (_, index) => capacity - 1 - index);
    this.freeCount = capacity;
  }

  get size(): number {
    return this.capacity - this.freeCount;
  }

  /** The token to ask with, or NO_TOKEN when every slot is taken. */
  add(settle: Settle, deadlineMs: number): number {
    if (this.freeCount === 0) return NO_TOKEN;
    const slot = this.free[--this.freeCount] as number;
    this.settles[slot] = settle;
    this.deadlinesMs[slot] = deadlineMs;
    if (slot >= this.highWater) this.highWater = slot + 1;
    return this.tokens[slot] as number;
  }

  /** Frees the slot of a token and gives its callback; undefined for a token that is not (or no longer) waiting. */
  take(token: number): Settle | undefined {
    const slot = token % this.capacity;
    return this.tokens[slot] === token ? this.release(slot) : undefined;
  }

  /** Takes everything that is past its deadline. */
  takeExpired(nowMs: number): Settle[] {
    return this.takeWhere((slot) => (this.deadlinesMs[slot] as number) <= nowMs);
  }

  takeAll(): Settle[] {
    return this.takeWhere(() => true);
  }

  private takeWhere(matches: (slot: number) => boolean): Settle[] {
    const taken: Settle[] = [];
    for (let slot = 0; slot < this.highWater; slot++) {
      if (this.settles[slot] === undefined || !matches(slot)) continue;
      const settle = this.release(slot);
      if (settle !== undefined) taken.push(settle);
    }
    return taken;
  }

  private release(slot: number): Settle | undefined {
    const settle = this.settles[slot];
    if (settle === undefined) return undefined;
    this.settles[slot] = undefined;
    this.tokens[slot] = (this.tokens[slot] as number) + this.capacity;
    this.free[this.freeCount++] = slot;
    return settle;
  }
}
