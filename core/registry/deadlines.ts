// When to look at which component: a wheel of buckets. A heartbeat does not touch it; whoever is looked at too early is put back.

const CHECK_BUCKET_MS = 250;
/** Buckets of the wheel; a power of two, a little more than the horizon. */
const WHEEL_SIZE = 256;
const WHEEL_MASK = WHEEL_SIZE - 1;
/** Nobody is left alone for longer, so that the wheel covers every time to live: 60 s. */
const HORIZON_BUCKETS = 240;

/** One component to look at, and the others of its bucket. */
export interface Check {
  readonly slot: number;
  readonly bucket: number;
  readonly next: Check | undefined;
}

export const NO_CHECKS: readonly (Check | undefined)[] = Array.from({ length: WHEEL_SIZE }, () => undefined);

/** The last bucket that is due at `nowMs`. */
export function bucketAt(nowMs: number): number {
  return Math.floor(nowMs / CHECK_BUCKET_MS);
}

/** The bucket that is due when `atMs` has come. */
export function bucketOf(atMs: number, sweptBucket: number): number {
  const wanted = Math.ceil(atMs / CHECK_BUCKET_MS);
  return Math.min(Math.max(wanted, sweptBucket + 1), sweptBucket + HORIZON_BUCKETS);
}

/** Adds to a wheel that the caller owns. */
export function schedule(checks: (Check | undefined)[], slot: number, bucket: number): void {
  const place = bucket & WHEEL_MASK;
  checks[place] = { slot, bucket, next: checks[place] };
}

/** Takes what is due out of a wheel that the caller owns, up to and with the bucket of `nowMs`. */
export function takeDue(
  checks: (Check | undefined)[],
  sweptBucket: number,
  nowMs: number,
): { readonly sweptBucket: number; readonly due: readonly Check[] } {
  const target = bucketAt(nowMs);
  const due: Check[] = [];
  const first = Math.max(sweptBucket + 1, target - WHEEL_SIZE + 1);
  for (let bucket = first; bucket <= target; bucket++) {
    const place = bucket & WHEEL_MASK;
    for (let check = checks[place]; check !== undefined; check = check.next) due.push(check);
    checks[place] = undefined;
  }
  return { sweptBucket: Math.max(sweptBucket, target), due };
}
