// One replica leads: it holds the lease in the shared bucket, and it alone publishes verdicts.
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import type { LeaseHolder } from "../../core/reconcile/router.ts";
import { LEADER_KEY } from "../../core/registry/entries.ts";
import { reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import { BucketLease } from "../../runtime/nats/bucket-lease.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { KvMirror } from "../../runtime/nats/kv-mirror.ts";

export interface LeadershipOptions {
  readonly link: NatsLink;
  readonly holder: LeaseHolder;
  /** Whether this replica knows enough to lead. */
  canLead(): boolean;
  onLead(): void;
  readonly log: Logger;
}

/** A leader that ends without a word is replaced after so long. */
const LEASE_TTL_MS = 5_000;
/** Two renewals may fail before the lease is lost. */
const RENEW_EVERY_MS = 1_500;

export class Leadership {
  private readonly options: LeadershipOptions;
  private readonly mirror: KvMirror;
  private readonly lease: BucketLease;
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> | undefined;
  /** Something changed while a renewal was under way, which may not have seen it. */
  private askedAgain = false;
  private stopped = false;

  constructor(options: LeadershipOptions) {
    this.options = options;
    const { link, holder, log } = options;
    this.mirror = new KvMirror({
      link,
      bucket: REGISTRY_BUCKET,
      keys: LEADER_KEY,
      log,
      // The leader is gone, or somebody leads now.
      onChange: () => this.renewSoon(),
      // Whoever keeps the bucket makes it anew.
      onMissing: () => undefined,
    });
    this.lease = new BucketLease({ key: LEADER_KEY, mirror: this.mirror, holder, log, ttlMs: LEASE_TTL_MS });
  }

  start(): void {
    this.mirror.start();
    this.timer = setInterval(() => this.renewSoon(), RENEW_EVERY_MS);
  }

  /** Gives the lease up, so that another replica need not wait for its end. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.renewing;
    await this.lease.release();
    this.mirror.stop();
  }

  isLeading(): boolean {
    return !this.stopped && this.lease.isHeld();
  }

  /** This replica knows enough now: routers would else be told of what registers with the next renewal. */
  stand(): void {
    this.renewSoon();
  }

  private renewSoon(): void {
    if (this.stopped || !(this.isLeading() || this.options.canLead())) return;
    if (this.renewing !== undefined) {
      this.askedAgain = true;
      return;
    }
    this.renewing = this.renew().finally(() => {
      this.renewing = undefined;
      if (!this.askedAgain) return;
      this.askedAgain = false;
      this.renewSoon();
    });
  }

  private async renew(): Promise<void> {
    const before = this.isLeading();
    try {
      await this.lease.renew();
    } catch (error) {
      // Another one was faster, or nobody answers: the next round tells.
      this.options.log.debug("lease not renewed", { key: LEADER_KEY, reason: reasonOf(error) });
    }
    if (!before && this.isLeading()) this.options.onLead();
  }
}
