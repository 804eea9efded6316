// How many messages are in flight to one processor, and who waits for a place.

/** Messages that may wait for one processor; the next one is not kept waiting. */
export const MAX_WAITING = 1_000;

/** Gives places in the order in which they were asked for. The bound may change from call to call. */
export class Slots {
  private readonly waiting = new Set<() => void>();
  private taken = 0;
  private bound = 1;

  get inUse(): number {
    return this.taken + this.waiting.size;
  }

  /** Resolves to whether there is a place; it is given back with `release`. False when `signal` aborts first, or too many wait. */
  take(bound: number, signal: AbortSignal): Promise<boolean> {
    this.bound = bound;
    if (signal.aborted) return Promise.resolve(false);
    if (this.taken < bound && this.waiting.size === 0) {
      this.taken++;
      return Promise.resolve(true);
    }
    if (this.waiting.size >= MAX_WAITING) return Promise.resolve(false);
    return new Promise((resolve) => {
      const giveUp = (): void => {
        this.waiting.delete(enter);
        resolve(false);
      };
      const enter = (): void => {
        signal.removeEventListener("abort", giveUp);
        resolve(true);
      };
      this.waiting.add(enter);
      signal.addEventListener("abort", giveUp, { once: true });
      this.admit();
    });
  }

  release(): void {
    this.taken--;
    this.admit();
  }

  private admit(): void {
    for (const enter of this.waiting) {
      if (this.taken >= this.bound) return;
      this.waiting.delete(enter);
      this.taken++;
      enter();
    }
  }
}
