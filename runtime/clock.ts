// Time for shells. Core never reads a clock: it gets a reading as an argument.
import { performance } from "node:perf_hooks";

export interface Clock {
  /** Wall clock in milliseconds since the Unix epoch; jumps when the machine's clock is set. For what is stored or shown. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start, never backwards. For deadlines and durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
