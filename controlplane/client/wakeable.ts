// A wait that ends early when something happened, also when it happened before the wait began.

export class Wakeable {
  private pending = false;
  private waiting: (() => void) | undefined;

  /** Ends the wait, or the next one. */
  wake(): void {
    this.pending = true;
    this.waiting?.();
  }

  /** Resolves after `ms`, or when woken since the last wait. One wait at a time. */
  async wait(ms = Number.POSITIVE_INFINITY): Promise<void> {
    if (!this.pending && ms > 0) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
        if (ms !== Number.POSITIVE_INFINITY) timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
      this.waiting = undefined;
    }
    this.pending = false;
  }
}
