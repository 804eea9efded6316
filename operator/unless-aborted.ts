// A promise that nobody waits for any longer once a signal says so.
import { BeamlineError } from "../runtime/errors.ts";

/** Resolves with `promise`; throws UNAVAILABLE as soon as the signal is aborted. What comes all the same goes to `discard`. */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  discard: (value: T) => Promise<void> = async () => undefined,
): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const end = (): void => {
    // Whether it fails is no longer of interest to anybody.
    promise.then(discard).catch(() => undefined);
    ended.reject(new BeamlineError("UNAVAILABLE", "ended before it was done"));
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  try {
    const value = await Promise.race([ended.promise, promise]);
    // Both may have happened at once: then it has been discarded.
    return signal.aborted ? await ended.promise : value;
  } finally {
    signal.removeEventListener("abort", end);
  }
}
