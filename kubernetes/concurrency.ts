// How many requests may be under way at once: fewer when the server says that it is overloaded, slowly more when it does not.

export interface ConcurrencyState {
  /** Fractions count towards the next whole one. */
  readonly limit: number;
  readonly throttledAtMs: number;
}

export const MAX_CONCURRENT_REQUESTS = 16;
/** Those that are under way when the server says 429 all get one; they count once. */
const THROTTLE_WINDOW_MS = 1_000;

export const INITIAL_CONCURRENCY: ConcurrencyState = {
  limit: MAX_CONCURRENT_REQUESTS,
  throttledAtMs: Number.NEGATIVE_INFINITY,
};

/** Additive increase, multiplicative decrease (Chiu and Jain): one more for each round of successes, half after a 429. */
export function adaptConcurrency(state: ConcurrencyState, throttled: boolean, nowMs: number): ConcurrencyState {
  if (!throttled) {
    const limit = Math.min(state.limit + 1 / state.limit, MAX_CONCURRENT_REQUESTS);
    return { limit, throttledAtMs: state.throttledAtMs };
  }
  if (nowMs - state.throttledAtMs < THROTTLE_WINDOW_MS) return state;
  return { limit: Math.max(state.limit / 2, 1), throttledAtMs: nowMs };
}

/** Requests that may wait for their turn; more means that callers do not wait for theirs. */
export const MAX_WAITING_REQUESTS = 10_000;

/** First come, first served. */
export class ConcurrencyGate {
  private readonly monotonicMs: () => number;
  private state = INITIAL_CONCURRENCY;
  private running = 0;
  private readonly waiting = new Set<() => void>();

  constructor(monotonicMs: () => number) {
    this.monotonicMs = monotonicMs;
  }

  get limit(): number {
    return Math.floor(this.state.limit);
  }

  /** Resolves to true when it is the caller's turn, which then owes one `leave`; to false when it has ended or too many wait. */
  enter(signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted === true || this.waiting.size >= MAX_WAITING_REQUESTS) return Promise.resolve(false);
    if (this.running < this.limit) {
      this.running++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const admit = (): void => {
        signal?.removeEventListener("abort", abandon);
        this.running++;
        resolve(true);
      };
      const abandon = (): void => {
        this.waiting.delete(admit);
        resolve(false);
      };
      this.waiting.add(admit);
      signal?.addEventListener("abort", abandon, { once: true });
    });
  }

  leave(throttled: boolean): void {
    this.running--;
    this.state = adaptConcurrency(this.state, throttled, this.monotonicMs());
    for (const admit of this.waiting) {
      if (this.running >= this.limit) return;
      this.waiting.delete(admit);
      admit();
    }
  }
}
