// What silence means: live until half of the time to live is over, late until all of it is, and then lost if nothing speaks against it.
import type { Component } from "./component.ts";
import { FORGET_AFTER_TTLS, MIN_FORGET_AFTER_MS } from "./limits.ts";

/**
 * Not less than half: who comes back to life then is looked at early enough, because the check that stands at the end of its
 * former time to live comes before the end of its new first half.
 */
const LATE_SHARE = 0.5;

type Timed = Pick<Component, "registration" | "lastSeenMs">;

export function lateAtMs({ registration, lastSeenMs }: Timed): number {
  return lastSeenMs + registration.ttlMs * LATE_SHARE;
}

/** By the clock alone. */
export function ttlEndMs({ registration, lastSeenMs }: Timed): number {
  return lastSeenMs + registration.ttlMs;
}

/** When this replica may conclude it from its own silence: it has to have been there to hear. */
export function expiresAtMs({ registration, lastSeenMs }: Timed, hearingSinceMs: number): number {
  return Math.max(lastSeenMs, hearingSinceMs) + registration.ttlMs;
}

export function forgetAtMs({ registration, lastSeenMs }: Timed, hearingSinceMs: number): number {
  const afterMs = Math.max(MIN_FORGET_AFTER_MS, registration.ttlMs * FORGET_AFTER_TTLS);
  return Math.max(lastSeenMs, hearingSinceMs) + afterMs;
}
