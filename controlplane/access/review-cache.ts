// What the API server said about somebody, kept for a while: so that heartbeats do not ask it, and its absence does not end them.
import { err, ok, type Result } from "../../core/result.ts";
import type { ApiFailure, ApiResult } from "../../kubernetes/failure.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";

/** A revoked right or token is noticed after this: as long as the API server's own caches of such answers, about. */
export const POSITIVE_MS = 60_000;
/** Short, so that who was just granted a right need not wait; long enough that who tries again and again is no load. */
export const NEGATIVE_MS = 5_000;
/** While the API server cannot be asked, a yes counts for so long: the length of an upgrade of a cluster's control plane. */
export const STALE_MS = 600_000;
/** The API server that did not answer is asked again after this. */
const RETRY_MS = 5_000;
const MAX_ENTRIES = 20_000;
/** Questions about different callers at once. */
const MAX_IN_FLIGHT = 64;

export interface Review<T> {
  readonly value: T;
  readonly positive: boolean;
  /** When what was reviewed ends by itself, on the machine's clock. */
  readonly expiresAtMs?: number;
}

interface Entry<T> {
  readonly review: Review<T>;
  /** Monotonic, as are all times here but `expiresAtMs`. */
  freshUntilMs: number;
  readonly staleUntilMs: number;
}

export type Reviewed<T> = Result<T, ApiFailure>;

export class ReviewCache<T> {
  private readonly clock: Clock;
  private readonly log: Logger;
  /** In the order of the last answer: the first is the oldest. */
  private readonly entries = new Map<string, Entry<T>>();
  private readonly inFlight = new Map<string, Promise<Reviewed<T>>>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.clock = clock;
    this.log = log;
  }

  /** At once when the answer is known; else what `ask` says, asked once for all who wait for the same. */
  find(key: string, ask: () => Promise<ApiResult<Review<T>>>): Reviewed<T> | Promise<Reviewed<T>> {
    const known = this.entries.get(key);
    if (known !== undefined && this.clock.monotonicMs() < known.freshUntilMs && !this.isExpired(known))
      return ok(known.review.value);
    const asked = this.inFlight.get(key);
    if (asked !== undefined) return asked;
    if (this.inFlight.size >= MAX_IN_FLIGHT)
      return this.fallBack(known, { kind: "Throttled", message: `${MAX_IN_FLIGHT} questions are under way` });
    const asking = this.ask(key, ask).finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, asking);
    return asking;
  }

  private async ask(key: string, ask: () => Promise<ApiResult<Review<T>>>): Promise<Reviewed<T>> {
    const answer = await ask();
    if (!answer.ok) {
      this.log.warn("access review not answered", { failure: answer.error.kind, reason: answer.error.message });
      return this.fallBack(this.entries.get(key), answer.error);
    }
    const nowMs = this.clock.monotonicMs();
    const { positive } = answer.value;
    const freshUntilMs = nowMs + (positive ? POSITIVE_MS : NEGATIVE_MS);
    this.entries.delete(key);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= MAX_ENTRIES && oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(key, { review: answer.value, freshUntilMs, staleUntilMs: positive ? nowMs + STALE_MS : nowMs });
    return ok(answer.value.value);
  }

  /** A yes from before, while it may still count. */
  private fallBack(known: Entry<T> | undefined, failure: ApiFailure): Reviewed<T> {
    const nowMs = this.clock.monotonicMs();
    if (known === undefined || nowMs >= known.staleUntilMs || this.isExpired(known)) return err(failure);
    known.freshUntilMs = Math.min(nowMs + RETRY_MS, known.staleUntilMs);
    return ok(known.review.value);
  }

  private isExpired({ review }: Entry<T>): boolean {
    return review.expiresAtMs !== undefined && this.clock.nowMs() >= review.expiresAtMs;
  }
}
