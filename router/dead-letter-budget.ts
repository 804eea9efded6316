// A bound on the dead letters that one tenant's requests may cause: a flood of invalid requests must not fill the stream.
import type { Clock } from "../runtime/clock.ts";

/** Tenants counted at once. Tenant ids of refused messages are the sender's choice, so the table itself is bounded. */
const MAX_TENANTS = 1_000;
const SECOND_MS = 1_000;

/** A token bucket a tenant: `perSecond` tokens a second, as many saved up. */
export class DeadLetterBudget {
  private readonly perSecond: number;
  private readonly clock: Clock;
  private readonly buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(perSecond: number, clock: Clock) {
    this.perSecond = perSecond;
    this.clock = clock;
  }

  /** Takes one; false when the tenant has none left. Tenants beyond the table share one bucket. */
  take(tenantId: string): boolean {
    const nowMs = this.clock.monotonicMs();
    const key = this.buckets.has(tenantId) || this.buckets.size < MAX_TENANTS ? tenantId : "";
    const bucket = this.buckets.get(key) ?? { tokens: this.perSecond, atMs: nowMs };
    const earned = ((nowMs - bucket.atMs) / SECOND_MS) * this.perSecond;
    const tokens = Math.min(this.perSecond, bucket.tokens + earned);
    const granted = tokens >= 1;
    this.buckets.set(key, { tokens: granted ? tokens - 1 : tokens, atMs: nowMs });
    return granted;
  }
}
