// The time of a run, in steps, and what is due at which step.

export const STEP_MS = 500;

export class SimClock {
  nowMs: number;
  readonly #due = new Map<number, (() => void)[]>();

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** In the first step at or after that time; at the earliest in the next one. */
  after(delayMs: number, run: () => void): void {
    const step = Math.max(Math.ceil((this.nowMs + delayMs) / STEP_MS), this.nowMs / STEP_MS + 1);
    const others = this.#due.get(step);
    if (others === undefined) this.#due.set(step, [run]);
    else others.push(run);
  }

  /** Goes one step on, and does what is due. */
  step(): void {
    this.nowMs += STEP_MS;
    const step = this.nowMs / STEP_MS;
    const due = this.#due.get(step) ?? [];
    this.#due.delete(step);
    for (const run of due) run();
  }
}
