// Errors of durable messages, counted per message: deliveries are not errors, a crash must not use up a message's tries.

/** Messages counted at once; past that the oldest count is forgotten, which gives that message more tries, never fewer. */
const MAX_MESSAGES = 10_000;

export class ErrorCounts {
  private readonly counts = new Map<number, number>();

  get(sequence: number): number {
    return this.counts.get(sequence) ?? 0;
  }

  add(sequence: number): void {
    const count = this.get(sequence) + 1;
    this.counts.delete(sequence);
    if (this.counts.size >= MAX_MESSAGES) {
      const oldest = this.counts.keys().next();
      if (!oldest.done) this.counts.delete(oldest.value);
    }
    this.counts.set(sequence, count);
  }

  /** The message is settled. */
  clear(sequence: number): void {
    this.counts.delete(sequence);
  }
}
