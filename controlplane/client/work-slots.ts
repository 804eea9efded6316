// How many messages a processor works on at once, and how many may wait for their turn.

export class WorkSlots {
  private readonly maxConcurrent: number;
  private readonly maxWaiting: number;
  private readonly waiting = new Set<() => void>();
  private inWork = 0;

  constructor(bounds: { readonly maxConcurrent: number; readonly maxWaiting: number }) {
    this.maxConcurrent = bounds.maxConcurrent;
    this.maxWaiting = bounds.maxWaiting;
  }

  /** Resolves to false when too many wait already, or when `signal` aborts first; after true, `release` must follow. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    if (this.inWork < this.maxConcurrent) {
      this.inWork += 1;
      return true;
    }
    if (this.waiting.size >= this.maxWaiting) return false;
    return await new Promise<boolean>((resolve) => {
      const proceed = (): void => {
        signal.removeEventListener("abort", leave);
        resolve(true);
      };
      const leave = (): void => {
        this.waiting.delete(proceed);
        resolve(false);
      };
      this.waiting.add(proceed);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** The slot goes to the one that waits for longest. */
  release(): void {
    const [next] = this.waiting;
    if (next === undefined) {
      this.inWork -= 1;
      return;
    }
    this.waiting.delete(next);
    next();
  }
}
