// The operator's loop: what changes in source, bucket, acknowledgements or routers becomes keys of a queue, each a small job.
import type { RouterKey } from "../core/config/entry.ts";
import { BUS_LEASE_KEY } from "../core/config/keys.ts";
import { ExpressionCache } from "../core/policy/expression.ts";
import { EMPTY_PLAN, type EntryPlan } from "../core/reconcile/plan-entries.ts";
import { rolloutHold } from "../core/reconcile/rollout-hold.ts";
import { reasonOf } from "../runtime/errors.ts";
import { BucketLease, LEASE_RENEW_MS } from "../runtime/nats/bucket-lease.ts";
import { KvMirror } from "../runtime/nats/kv-mirror.ts";
import { AckReader } from "./ack-reader.ts";
import { StreamKeeper, streamSettings } from "./ensure-streams.ts";
import type { SourceSnapshot } from "./interfaces.ts";
import type { WorkKind } from "./metrics.ts";
import { type OperatorOptions, RESYNC_MS, RETRY, START_TIMEOUT_MS } from "./operator-options.ts";
import { planConfig } from "./plan-config.ts";
import { ConfigPublisher } from "./publish-config.ts";
import { purgeRemovals } from "./purge-removals.ts";
import { KeyedQueue } from "./queue.ts";
import { type RouterSettings, routerSettings } from "./router-settings.ts";
import type { StatusDocument } from "./status-document.ts";
import { type ObservationInput, StatusReporter } from "./status-reporter.ts";
import { unlessAborted } from "./unless-aborted.ts";
import { withTimeout } from "./with-timeout.ts";
import { WorkConsumers } from "./work-consumers.ts";

/** Changes within this time are one head. */
export const COALESCE_MS = 20;

export class Operator {
  private readonly options: OperatorOptions;
  private readonly router: RouterKey;
  private readonly queue: KeyedQueue;
  private readonly keeper: StreamKeeper;
  private readonly mirror: KvMirror;
  private readonly lease: BucketLease;
  private readonly publisher: ConfigPublisher;
  private readonly acks: AckReader;
  private readonly reporter: StatusReporter;
  private readonly expressions = new ExpressionCache();
  private readonly consumers: WorkConsumers;
  private readonly jobs: Readonly<Record<WorkKind, () => Promise<void>>> = {
    lease: () => this.renewLease(),
    streams: () => this.whileHeld(() => this.keeper.ensureAll()),
    buckets: () => this.keeper.ensureBuckets().then(() => this.resyncAll()),
    config: () => this.publishConfig(),
    consumers: () => this.ensureConsumers(),
    purge: () =>
      this.whileHeld(() => purgeRemovals(this.publisher, this.acks.byPodUid(), this.options.infrastructure.pods())),
    status: () =>
      this.reporter.write(false).then((againMs) => {
        if (againMs !== undefined) this.queue.add("status", againMs);
      }),
  };
  private readonly ended = new AbortController();
  private resync: NodeJS.Timeout | undefined;
  private renewal: NodeJS.Timeout | undefined;
  /** What was taken over with the lease is in order. */
  private leading = false;
  /** Before the source has told what is desired, nothing may be compared with it: all of it would be removed. */
  private sourceStarted = false;
  private readonly firstPass = Promise.withResolvers<void>();
  /** As it was written last. */
  private plan: EntryPlan = EMPTY_PLAN;
  /** As the status tells it: also what could not be written yet. */
  private shown: EntryPlan = EMPTY_PLAN;
  /** What is desired has been compared with what there is. */
  private planned = false;
  private busOwner: string | undefined;
  /** Why a roll-out must not go on, as routers were last asked for. */
  private held: string | undefined;

  constructor(options: OperatorOptions) {
    const { config, source, link, names, holder, log, metrics, clock } = options;
    this.options = options;
    this.router = { namespace: config.routerNamespace, name: config.routerName };
    this.queue = new KeyedQueue({
      work: (key) => this.work(key as WorkKind),
      onError: (key, error, retryMs) => {
        metrics.countWork(key as WorkKind, false);
        log.warn("operator work failed", { work: key, reason: reasonOf(error), retry_ms: retryMs });
      },
      backoff: RETRY,
    });
    this.keeper = new StreamKeeper({ link, names, settings: streamSettings(config), log });
    this.consumers = new WorkConsumers(this.keeper);
    this.mirror = new KvMirror({
      link,
      bucket: names.buckets.config,
      log,
      onChange: () => this.queue.add("config", COALESCE_MS),
      onMissing: () => this.queue.add("buckets"),
    });
    this.lease = new BucketLease({ key: BUS_LEASE_KEY, mirror: this.mirror, holder, log });
    const { mirror, router } = this;
    this.publisher = new ConfigPublisher({ mirror, router, log, onWrite: metrics.countWrite });
    this.acks = new AckReader({
      link,
      bucket: names.buckets.acks,
      router,
      log,
      onChange: () => this.addObservation(),
      onMissing: () => this.queue.add("buckets"),
    });
    options.processors?.onChange(() => this.queue.add("status", COALESCE_MS), this.ended.signal);
    this.reporter = new StatusReporter({
      source,
      metrics,
      nowMs: () => clock.nowMs(),
      observe: () => this.observation(),
      isObserved: () => this.isObserved(),
    });
  }

  /**
   * Resolves when the first configuration is written and routers are asked for, or when another operator turns out to write
   * this bus: then this one stands by. Throws BeamlineError, also as soon as it is stopped meanwhile.
   */
  async start(): Promise<void> {
    const { source, infrastructure, log } = this.options;
    await this.unlessEnded(this.keeper.ensureBuckets());
    this.mirror.start();
    this.acks.start();
    await this.unlessEnded(this.mirror.whenWhole(), "the configuration bucket was not read");
    infrastructure.start(() => this.addObservation());
    await this.unlessEnded(this.renewLease());
    this.renewal = setInterval(() => this.queue.add("lease"), LEASE_RENEW_MS);
    await this.unlessEnded(source.start(this.publisher.storedRecords(), () => this.queue.add("config", COALESCE_MS)));
    this.sourceStarted = true;
    this.queue.add("config");
    await this.unlessEnded(this.firstPass.promise, "the configuration was not written");
    if (source.statusUnit === "Document") await this.reporter.write(true);
    else this.queue.add("status");
    this.resync = setInterval(() => this.resyncAll(), RESYNC_MS);
    log.info("operator started", { revision: this.publisher.current?.revision ?? 0 });
  }

  /** The status as it is now; written to the source with some delay. */
  document(): StatusDocument {
    return this.reporter.observe().document;
  }

  /** Whether the bus is ours and its configuration written. */
  published(): boolean {
    return this.publisher.current !== undefined && this.busOwner === undefined && this.lease.isHeld();
  }

  /** Routers first, for the last status; the lease as late as writing ends. `forGood`: the Router is gone, and leaves its bus. */
  async stop(deadlineMs: number, forGood = false): Promise<void> {
    const { infrastructure } = this.options;
    this.ended.abort();
    clearInterval(this.resync);
    await infrastructure.stop(deadlineMs);
    clearInterval(this.renewal);
    await this.queue.stop();
    await this.options.source.stop();
    if (this.options.link.connected()) {
      if (forGood && this.lease.isHeld()) await this.publisher.releaseBus();
      await this.lease.release();
    }
    this.mirror.stop();
    this.acks.stop();
    if (infrastructure.platform === "processes") await this.reporter.write(true);
  }

  private unlessEnded(promise: Promise<void>, late?: string): Promise<void> {
    const bounded = late === undefined ? promise : withTimeout(promise, START_TIMEOUT_MS, late);
    return unlessAborted(bounded, this.ended.signal);
  }

  private async work(kind: WorkKind): Promise<void> {
    await this.jobs[kind]();
    this.options.metrics.countWork(kind, true);
  }

  /** Of another Router's bus nothing is wanted, not even the lease. What this operator takes over it puts in order first. */
  private async renewLease(): Promise<void> {
    if (this.publisher.otherOwner() === undefined) await this.lease.renew();
    if (!this.lease.isHeld()) this.leading = false;
    if (this.lease.isSuperseded()) this.options.source.yieldStatus();
    this.queue.add("status");
    if (!this.lease.isHeld() || this.leading) return;
    await this.keeper.ensureAll();
    if (this.sourceStarted) this.options.source.adopt(this.publisher.storedRecords());
    this.plan = { ...EMPTY_PLAN, parsed: this.plan.parsed };
    this.shown = this.plan;
    this.leading = true;
    this.queue.add("config");
  }

  private async publishConfig(): Promise<void> {
    const { source, infrastructure, metrics, log } = this.options;
    if (!this.sourceStarted) return;
    const whole = this.mirror.isWhole();
    // The lease may have become free just now, or another's.
    if (whole && (!this.leading || !this.lease.isHeld())) this.queue.add("lease");
    const mayWrite = whole && this.leading && this.lease.isHeld();
    const snapshot = source.snapshot();
    this.held = this.rolloutHold();
    if (mayWrite) await this.keeper.bindLegacySubjects(this.settings(snapshot).legacySubjects);
    const settings = this.settings(snapshot);
    const plan = planConfig({
      router: this.router,
      settings,
      snapshot,
      before: this.plan,
      publisher: this.publisher,
      acks: this.acks.byPodUid(),
      pods: infrastructure.pods(),
      compile: { requireTenant: this.options.config.requireTenant, expressions: this.expressions },
    });
    const outcome = mayWrite ? await this.publisher.publish(plan.entries, snapshot.records) : undefined;
    this.shown = plan;
    this.planned = true;
    this.queue.add("status");
    if (!whole || outcome?.kind === "not_ready") return;
    this.plan = plan;
    this.busOwner = this.publisher.otherOwner();
    if (outcome?.kind === "published") {
      infrastructure.ensureRouters(settings.deployment);
      metrics.setRevision(outcome.revision);
      if (outcome.changed) {
        this.reporter.headWritten();
        log.info("configuration written", { revision: outcome.revision, entries: plan.entries.size });
      }
    } else if (this.busOwner !== undefined) {
      log.error("bus belongs to another router", { owner: this.busOwner });
    }
    this.queue.add("consumers");
    this.firstPass.resolve();
  }

  private rolloutHold(): string | undefined {
    return rolloutHold(this.options.infrastructure.pods(), this.acks.byPodUid());
  }

  private settings(snapshot: SourceSnapshot): RouterSettings {
    const { config, secrets, routerEnvironment } = this.options;
    return routerSettings({
      config,
      secrets,
      held: this.held,
      platform: this.options.infrastructure.platform,
      routerEnvironment,
      snapshot,
      refusedSubjects: this.keeper.refusedSubjects,
    });
  }

  private async whileHeld(work: () => Promise<void>): Promise<void> {
    if (this.lease.isHeld()) await work();
  }

  private async ensureConsumers(): Promise<void> {
    if (this.busOwner === undefined && this.lease.isHeld()) await this.consumers.ensure(this.plan);
  }

  /** Acknowledgements or routers have changed. */
  private addObservation(): void {
    if (this.rolloutHold() !== this.held) this.queue.add("config");
    this.queue.add("status", COALESCE_MS);
    if (this.publisher.pendingRemovals().length > 0) this.queue.add("purge", COALESCE_MS);
  }

  /** One whose bus was taken over is silent about objects that the other tells of: they would take turns for ever. */
  private isObserved(): boolean {
    const { source, infrastructure, link, processors } = this.options;
    if (source.statusUnit === "Object" && this.lease.isSuperseded()) return false;
    if (!this.planned || processors?.isSettled() === false) return false;
    return infrastructure.isObserved() && (this.acks.isWhole() || !link.connected());
  }

  private resyncAll(): void {
    this.consumers.recheck();
    this.queue.add("streams");
    this.queue.add("config");
  }

  private observation(): ObservationInput {
    const { infrastructure, names, fence, processors } = this.options;
    const snapshot = this.options.source.snapshot();
    return {
      router: this.router,
      names,
      snapshot,
      plan: this.shown,
      head: this.publisher.current,
      targets: this.publisher.allTargets,
      acks: this.acks.byPodUid(),
      pods: infrastructure.pods(),
      infrastructure: infrastructure.status(),
      settings: this.settings(snapshot),
      duplicateWindowMs: this.keeper.duplicateWindowMs,
      busOwner: this.busOwner,
      leaseHolder: this.lease.otherHolder(),
      unfenced: fence.unfenced,
      unresolved: this.options.unresolved?.(),
      processors: processors?.known(),
    };
  }
}
