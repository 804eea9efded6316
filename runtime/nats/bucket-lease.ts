// One writer among several processes: a lease in a bucket, which its holder renews and another one takes when it has gone.
import { randomUUID } from "node:crypto";
import { parseJsonRecord } from "../../core/config/head.ts";
import type { LeaseHolder } from "../../core/reconcile/router.ts";
import { nodeCodec } from "../bytes.ts";
import { reasonOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { KvMirror } from "./kv-mirror.ts";

export interface BucketLeaseOptions {
  /** The key that is the lease. */
  readonly key: string;
  readonly mirror: Pick<KvMirror, "isWhole" | "incarnation" | "get" | "put" | "look" | "purge">;
  /** Who asks. The instance outlives the process: one that comes back takes its own lease over at once. */
  readonly holder: LeaseHolder;
  readonly log: Logger;
  /** LEASE_TTL_MS when absent; whole seconds. */
  readonly ttlMs?: number;
}

/** A lease that is not renewed goes after this. */
export const LEASE_TTL_MS = 30_000;
/** Two renewals may fail before the lease is lost. */
export const LEASE_RENEW_MS = 10_000;
/** Share of the time to live that is kept back: a write that was begun under the lease must end under it. */
const MARGIN_SHARE = 6;

export class BucketLease {
  private readonly options: BucketLeaseOptions;
  /** Tells this process from an earlier one of the same instance. */
  private readonly session = randomUUID();
  private readonly ttlMs: number;
  /** By the monotonic clock of this process, counted from before the renewal was sent: never later than the server's. */
  private heldUntilMs = 0;
  private hadIt = false;
  private other: LeaseHolder | undefined;

  constructor(options: BucketLeaseOptions) {
    this.options = options;
    this.ttlMs = options.ttlMs ?? LEASE_TTL_MS;
  }

  /** Whether this process may write, for long enough to write. Not once another is seen to have it, whatever the clock says. */
  isHeld(): boolean {
    const inTime = performance.now() < this.heldUntilMs - this.ttlMs / MARGIN_SHARE;
    return inTime && this.standingOther() === undefined;
  }

  /** Who has it, as of the last look; undefined when that is this process, or nobody. */
  otherHolder(): LeaseHolder | undefined {
    return this.other;
  }

  /** Whether another process of this instance took it over: what is to be said of the Router, that one says. */
  isSuperseded(): boolean {
    return this.other?.instance === this.options.holder.instance;
  }

  /**
   * Renews it, or takes it when nobody else has it. Throws UNAVAILABLE when that cannot be known; calling again is then
   * right.
   */
  async renew(): Promise<void> {
    const { mirror, holder, log } = this.options;
    if (!mirror.isWhole()) return;
    // What the mirror knows may have expired since: of another's lease only the bucket itself is believed.
    if (this.standingOther() !== undefined) await mirror.look(this.options.key);
    if (this.yieldToOther()) return;
    const value = nodeCodec.encodeUtf8(JSON.stringify({ ...holder, session: this.session }));
    const sentMs = performance.now();
    try {
      await mirror.put(this.options.key, value, mirror.incarnation, this.ttlMs);
    } catch (error) {
      if (this.yieldToOther()) return;
      throw error;
    }
    if (!this.isHeld()) log.info("lease taken", { key: this.options.key, instance: holder.instance });
    this.heldUntilMs = sentMs + this.ttlMs;
    this.hadIt = true;
    this.other = undefined;
  }

  private yieldToOther(): boolean {
    const other = this.standingOther();
    if (other === undefined) return false;
    if (this.other?.instance !== other.instance)
      this.options.log.info("lease is held by another process", { key: this.options.key, ...other });
    this.other = other;
    this.heldUntilMs = 0;
    return true;
  }

  /** Gives it up, so that another need not wait. Whoever cannot be told learns of it when the lease expires. */
  async release(): Promise<void> {
    const { mirror, log } = this.options;
    if (!this.isHeld() || !mirror.isWhole() || this.standingOther() !== undefined) return;
    this.heldUntilMs = 0;
    try {
      await mirror.purge(this.options.key);
    } catch (error) {
      log.warn("lease not given up", { key: this.options.key, reason: reasonOf(error) });
    }
  }

  /** The standing lease when it is not ours. An earlier process of this instance has ended, unless it came after us. */
  private standingOther(): LeaseHolder | undefined {
    const value = this.options.mirror.get(this.options.key)?.value;
    const record = value === undefined ? undefined : parseJsonRecord(nodeCodec, value);
    if (record === undefined || record.session === this.session) return undefined;
    const { instance, host, pid } = record;
    if (instance === this.options.holder.instance && !this.hadIt) return undefined;
    return {
      instance: typeof instance === "string" ? instance : "unknown",
      host: typeof host === "string" ? host : "unknown",
      pid: typeof pid === "number" ? pid : 0,
    };
  }
}
