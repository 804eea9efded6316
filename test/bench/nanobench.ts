// Times one synchronous function: calibrated batches, several rounds, nanoseconds of this thread's CPU time a call.
import { type Summary, summarize } from "./statistics.ts";

const WARM_UP_MS = 200;
const ROUND_MS = 100;
const ROUNDS = 7;
const MICROS_PER_MS = 1_000;
/** Keeps the result of each call alive, so that no call can be optimised away. */
const kept: { last: unknown } = { last: undefined };

/** @param operation gets the number of the call, to vary its input with */
export function timeFunction(operation: (index: number) => unknown): Summary {
  let batch = 1;
  let elapsedMs = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < WARM_UP_MS) {
    elapsedMs = runBatch(operation, batch);
    if (elapsedMs < ROUND_MS / 10) batch *= 2;
  }
  const calls = Math.max(1, Math.round((batch * ROUND_MS) / Math.max(elapsedMs, Number.EPSILON)));
  const rounds = Array.from({ length: ROUNDS }, () => (runBatch(operation, calls) * 1e6) / calls);
  return summarize(rounds);
}

function runBatch(operation: (index: number) => unknown, calls: number): number {
  const start = process.threadCpuUsage();
  for (let index = 0; index < calls; index++) kept.last = operation(index);
  // CPU time and not the clock's: neighbours on the machine then cost little.
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / MICROS_PER_MS;
}
