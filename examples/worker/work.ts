// The work itself: this example only takes as long as a provider would, and gives up when nobody waits any more.
import { setTimeout as delay } from "node:timers/promises";
import type { Assignment, Outcome } from "./assignment.ts";

/** How long the example takes for one piece of work. */
const WORK_MS = 20;
const COST = 0.001;

/** Ends with the outcome that goes into the result; a deadline that passes ends it with `timeout`. */
export async function doWork(assignment: Assignment): Promise<Outcome> {
  const startedMs = performance.now();
  const leftMs = assignment.deadlineMs === undefined ? WORK_MS : assignment.deadlineMs - Date.now();
  await delay(Math.max(0, Math.min(WORK_MS, leftMs)));
  const latencyMs = Math.round(performance.now() - startedMs);
  if (leftMs >= WORK_MS) return { status: "success", latencyMs, cost: COST };
  return {
    status: "timeout",
    latencyMs,
    cost: 0,
    errorCode: "DEADLINE_EXCEEDED",
    errorMessage: `the deadline came ${Math.round(WORK_MS - leftMs)} ms too early`,
  };
}
