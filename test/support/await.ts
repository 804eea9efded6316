// Waiting for a condition instead of sleeping.
import { setTimeout as delay } from "node:timers/promises";

export interface EventuallyOptions {
  readonly deadlineMs: number;
  /** What is waited for, for the failure's message; a function is asked at the end, to say how far it came. */
  readonly describe: string | (() => string);
  readonly everyMs?: number;
}

const EVERY_MS = 10;

/**
 * Waits until `condition` gives something other than false, undefined or null, and returns that. Fails at the deadline with
 * the description and the last error that the condition threw.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  options: EventuallyOptions,
): Promise<Exclude<T, false | undefined | null>> {
  const startMs = performance.now();
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== false && value !== undefined && value !== null) {
        return value as Exclude<T, false | undefined | null>;
      }
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() - startMs >= options.deadlineMs) break;
    await delay(options.everyMs ?? EVERY_MS);
  }
  const what = typeof options.describe === "string" ? options.describe : options.describe();
  throw new Error(`not within ${options.deadlineMs} ms: ${what}`, { cause: lastError });
}
