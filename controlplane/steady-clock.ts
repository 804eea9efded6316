// Wall-clock milliseconds that never jump: deadlines of components must not move when somebody sets the machine's clock.
import type { Clock } from "../runtime/clock.ts";

/** How much of a second the steady time may gain or lose on the machine's clock to come back to it. */
const MAX_SLEW_MS_PER_S = 5;
const MS_PER_S = 1_000;

export class SteadyClock {
  private readonly clock: Clock;
  private offsetMs: number;
  private lastMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.lastMs = clock.monotonicMs();
    this.offsetMs = clock.nowMs() - this.lastMs;
  }

  /** Milliseconds since the Unix epoch, as far as this machine knew when the process started, and then steadily on. */
  nowMs(): number {
    const monotonicMs = this.clock.monotonicMs();
    const reachMs = ((monotonicMs - this.lastMs) * MAX_SLEW_MS_PER_S) / MS_PER_S;
    const aheadMs = this.clock.nowMs() - (monotonicMs + this.offsetMs);
    this.offsetMs += Math.min(Math.max(aheadMs, -reachMs), reachMs);
    this.lastMs = monotonicMs;
    return monotonicMs + this.offsetMs;
  }
}
