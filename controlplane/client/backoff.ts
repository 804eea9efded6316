// When to try again and when to beat: pure functions of an attempt and a random number in [0, 1).

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
/** Heartbeats in one time to live: two may be lost before the component is. */
const BEATS_PER_TTL = 3;
/** Share of the interval by which it varies to either side, so that components started together do not stay together. */
const JITTER = 0.1;

/** How long to wait before attempt `attempt` (from 0): a random share of 0.5 s, doubled each time, up to 30 s. */
export function retryDelayMs(attempt: number, random: number): number {
  return random * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
}

export function heartbeatDelayMs(ttlMs: number, random: number): number {
  return (ttlMs / BEATS_PER_TTL) * (1 - JITTER + 2 * JITTER * random);
}
