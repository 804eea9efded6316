// A queue of keys: each key is worked on by one call at a time, however often it is added, and again later when it fails.
import { type BackoffSpec, backoffMs } from "../core/reconcile/backoff.ts";

export interface KeyedQueueOptions {
  /** Does the work of a key. What it throws is reported, and the key comes again after a back-off. */
  work(key: string): Promise<void>;
  onError(key: string, error: unknown, retryMs: number): void;
  readonly backoff: BackoffSpec;
}

/** Keys that may wait at once: a key is a kind of work or an object's name, so more means a bug. */
export const MAX_QUEUED_KEYS = 100_000;

interface Waiting {
  readonly dueMs: number;
  readonly timer: NodeJS.Timeout;
}

export class KeyedQueue {
  private readonly options: KeyedQueueOptions;
  private readonly waiting = new Map<string, Waiting>();
  private readonly running = new Map<string, Promise<void>>();
  /** Added while running: due this long after the run, in milliseconds. */
  private readonly again = new Map<string, number>();
  private readonly failures = new Map<string, number>();
  private stopped = false;

  constructor(options: KeyedQueueOptions) {
    this.options = options;
  }

  /** Makes `key` due in `delayMs`, or sooner if it is already due sooner. Adding what is running makes it run once more. */
  add(key: string, delayMs = 0): void {
    if (this.stopped) return;
    if (this.running.has(key)) {
      this.again.set(key, Math.min(delayMs, this.again.get(key) ?? delayMs));
      return;
    }
    this.schedule(key, delayMs);
  }

  /** Ends the waiting and resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
    await Promise.all(this.running.values());
  }

  private schedule(key: string, delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    const before = this.waiting.get(key);
    if (before !== undefined && before.dueMs <= dueMs) return;
    if (before === undefined && this.waiting.size >= MAX_QUEUED_KEYS) {
      throw new Error(`more than ${MAX_QUEUED_KEYS} keys are queued`);
    }
    clearTimeout(before?.timer);
    this.waiting.set(key, { dueMs, timer: setTimeout(() => this.run(key), delayMs) });
  }

  private run(key: string): void {
    this.waiting.delete(key);
    const done = this.attempt(key).then((retryMs) => {
      this.running.delete(key);
      const againMs = this.again.get(key);
      this.again.delete(key);
      if (this.stopped) return;
      if (againMs !== undefined) this.schedule(key, againMs);
      else if (retryMs !== undefined) this.schedule(key, retryMs);
    });
    this.running.set(key, done);
  }

  /** Resolves to the delay of the next try when this one failed. */
  private async attempt(key: string): Promise<number | undefined> {
    try {
      await this.options.work(key);
      this.failures.delete(key);
      return undefined;
    } catch (error) {
      const failures = (this.failures.get(key) ?? 0) + 1;
      this.failures.set(key, failures);
      const retryMs = backoffMs(this.options.backoff, failures, Math.random());
      this.options.onError(key, error, retryMs);
      return retryMs;
    }
  }
}
