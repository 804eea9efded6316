// How long to wait before trying again, as arithmetic: chance is an argument.

export interface BackoffSpec {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Doublings after which the delay is at its bound for any sensible base; keeps the power finite. */
const MAX_DOUBLINGS = 30;

/**
 * Delay before attempt `failures + 1`: base doubled with each failure, up to the bound, of which the upper half is spread
 * by `chance` (0..1), so that many that failed together do not come back together.
 */
export function backoffMs(spec: BackoffSpec, failures: number, chance: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), MAX_DOUBLINGS);
  const fullMs = Math.min(spec.baseMs * 2 ** doublings, spec.maxMs);
  return Math.round(fullMs / 2 + (fullMs / 2) * chance);
}
