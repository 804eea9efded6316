// How long a call may still take: for handlers that wait for something.

/** What of a call of grpc-js says when its client stops waiting. */
export interface TimedCall {
  getDeadline(): Date | number;
}

export interface CallTime {
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
  remainingMs(): number;
}

/** @param timeoutMs of a call without a deadline of its own */
export function timeOf(call: TimedCall, timeoutMs: number): CallTime {
  const deadline = Number(call.getDeadline());
  return timeWithin(Number.isFinite(deadline) ? Math.max(0, deadline - Date.now()) : timeoutMs);
}

export function timeWithin(timeoutMs: number): CallTime {
  const endMs = performance.now() + timeoutMs;
  // Node takes whole milliseconds, and no more than fit into 32 bits.
  const signal = AbortSignal.timeout(Math.min(Math.ceil(timeoutMs), MAX_TIMER_MS));
  return { signal, remainingMs: () => Math.max(0, endMs - performance.now()) };
}

const MAX_TIMER_MS = 2_147_483_647;
