// Lets each key through at once after a pause, and then at most once a period: what changes meanwhile waits for its turn.

export interface PacedTurn<K> {
  readonly ready: readonly K[];
  /** When the next one will be, from now; undefined when none waits. */
  readonly nextMs: number | undefined;
}

export class PacedChanges<K> {
  private readonly periodMs: number;
  private readonly waiting = new Set<K>();
  /** When each key was last let through, the oldest first; forgotten after a period, so bounded by the keys of one. */
  private readonly last = new Map<K, number>();

  constructor(periodMs: number) {
    this.periodMs = periodMs;
  }

  add(keys: Iterable<K>): void {
    for (const key of keys) this.waiting.add(key);
  }

  take(nowMs: number): PacedTurn<K> {
    for (const [key, atMs] of this.last) {
      if (nowMs - atMs < this.periodMs) break;
      this.last.delete(key);
    }
    const ready = [...this.waiting].filter((key) => !this.last.has(key));
    for (const key of ready) {
      this.waiting.delete(key);
      this.last.set(key, nowMs);
    }
    let nextMs: number | undefined;
    for (const key of this.waiting) {
      const leftMs = (this.last.get(key) ?? nowMs) + this.periodMs - nowMs;
      nextMs = Math.min(nextMs ?? leftMs, leftMs);
    }
    return { ready, nextMs };
  }
}
