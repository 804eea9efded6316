// A promise with a deadline.
import { setTimeout as delay } from "node:timers/promises";
import { BeamlineError } from "../runtime/errors.ts";

/** Resolves with `promise`; throws UNAVAILABLE with `what` when that takes longer. */
export async function withTimeout(promise: Promise<void>, timeoutMs: number, what: string): Promise<void> {
  const abort = new AbortController();
  const expired = delay(timeoutMs, undefined, { signal: abort.signal }).then(() => {
    throw new BeamlineError("UNAVAILABLE", `${what} within ${timeoutMs} ms`, { hint: "Check the NATS server." });
  });
  // When `promise` wins, the aborted delay rejects and nobody listens: that is its end, not an error.
  expired.catch(() => undefined);
  try {
    await Promise.race([promise, expired]);
  } finally {
    abort.abort();
  }
}
