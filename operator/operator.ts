// The operator's loop: what changes in source, bucket, acknowledgements or routers becomes keys of a queue, each a small job.
import type { RouterKey } from "../core/config/entry.ts";
import type { DesiredEntry } from "../core/config/last-good.ts";
import { programmedByUid } from "../core/config/programmed.ts";
import type { Names } from "../core/handover/subjects.ts";
import { ExpressionCache } from "../core/policy/expression.ts";
import { emptyTable } from "../core/policy/table.ts";
import type { BackoffSpec } from "../core/reconcile/backoff.ts";
import { type EntryPlan, planEntries } from "../core/reconcile/plan-entries.ts";
import type { Clock } from "../runtime/clock.ts";
import { reasonOf } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { AckReader } from "./ack-reader.ts";
import type { OperatorConfig } from "./config.ts";
import { StreamKeeper, streamSettings } from "./ensure-streams.ts";
import type { Infrastructure, ObjectSource, SourceObject } from "./interfaces.ts";
import { KvMirror } from "./kv-mirror.ts";
import type { OperatorMetrics, WorkKind } from "./metrics.ts";
import { providersInUse } from "./providers-in-use.ts";
import { ConfigPublisher } from "./publish-config.ts";
import { KeyedQueue } from "./queue.ts";
import { routerSettings } from "./router-settings.ts";
import { servedCheck } from "./served-check.ts";
import type { StatusDocument } from "./status-document.ts";
import { type ObservationInput, StatusReporter } from "./status-reporter.ts";
import { withTimeout } from "./with-timeout.ts";

export interface OperatorOptions {
  readonly config: OperatorConfig;
  readonly routerEnvironment: Readonly<Record<string, string>>;
  readonly names: Names;
  readonly link: NatsLink;
  readonly source: ObjectSource;
  readonly infrastructure: Infrastructure;
  readonly metrics: OperatorMetrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Changes within this time are one head. */
export const COALESCE_MS = 20;
/** Everything is compared again this often, changed or not. */
const RESYNC_MS = 30_000;
/** How long the configuration bucket may take to be read at the start. */
const START_TIMEOUT_MS = 10_000;
const RETRY: BackoffSpec = { baseMs: 100, maxMs: 10_000 };

const EMPTY_PLAN: EntryPlan = {
  entries: new Map(),
  verdicts: new Map(),
  compiled: { table: emptyTable, problems: [], implicitProviders: new Map() },
  parsed: new Map(),
};

export class Operator {
  private readonly options: OperatorOptions;
  private readonly router: RouterKey;
  private readonly queue: KeyedQueue;
  private readonly keeper: StreamKeeper;
  private readonly mirror: KvMirror;
  private readonly publisher: ConfigPublisher;
  private readonly acks: AckReader;
  private readonly reporter: StatusReporter;
  private readonly expressions = new ExpressionCache();
  private readonly ensuredConsumers = new Set<string>();
  private resync: NodeJS.Timeout | undefined;
  /** Before the source has told what is desired, nothing may be compared with it: all of it would be removed. */
  private sourceStarted = false;
  private readonly firstPass = Promise.withResolvers<void>();
  private plan: EntryPlan = EMPTY_PLAN;
  private busOwner: string | undefined;

  constructor(options: OperatorOptions) {
    const { config, link, names, log, metrics } = options;
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
    this.mirror = new KvMirror({
      link,
      bucket: names.buckets.config,
      log,
      onChange: () => this.queue.add("config", COALESCE_MS),
      onMissing: () => this.queue.add("buckets"),
    });
    this.publisher = new ConfigPublisher({
      mirror: this.mirror,
      router: this.router,
      log,
      onWrite: metrics.countWrite,
    });
    this.acks = new AckReader({
      link,
      bucket: names.buckets.acks,
      router: this.router,
      log,
      onChange: () => this.addObservation(),
      onMissing: () => this.queue.add("buckets"),
    });
    const { source, clock } = options;
    this.reporter = new StatusReporter({
      source,
      metrics,
      nowMs: () => clock.nowMs(),
      observe: () => this.observation(),
    });
  }

  /** Resolves when the first configuration is written and routers are asked for. Throws BeamlineError. */
  async start(): Promise<void> {
    const { source, infrastructure, log } = this.options;
    await this.keeper.ensureAll();
    this.mirror.start();
    this.acks.start();
    await withTimeout(this.mirror.whenWhole(), START_TIMEOUT_MS, "the configuration bucket was not read");
    infrastructure.start(() => this.addObservation());
    await source.start(this.publisher.storedRecords(), () => this.queue.add("config", COALESCE_MS));
    this.sourceStarted = true;
    this.queue.add("config");
    await withTimeout(this.firstPass.promise, START_TIMEOUT_MS, "the configuration was not written");
    await this.reporter.write(true);
    this.resync = setInterval(() => this.resyncAll(), RESYNC_MS);
    log.info("operator started", { revision: this.publisher.current?.revision ?? 0 });
  }

  /** The status as it is now; written to the source with some delay. */
  document(): StatusDocument {
    return this.reporter.observe().document;
  }

  /** Whether the bus is ours and its configuration written. */
  published(): boolean {
    return this.publisher.current !== undefined && this.busOwner === undefined;
  }

  /** Routers first, so that their end is in the last status. */
  async stop(deadlineMs: number): Promise<void> {
    clearInterval(this.resync);
    await this.options.infrastructure.stop(deadlineMs);
    await this.queue.stop();
    await this.options.source.stop();
    this.mirror.stop();
    this.acks.stop();
    await this.reporter.write(true);
  }

  private async work(kind: WorkKind): Promise<void> {
    switch (kind) {
      case "streams":
        await this.keeper.ensureAll();
        break;
      case "buckets":
        await this.keeper.ensureBuckets();
        break;
      case "config":
        await this.publishConfig();
        break;
      case "consumers":
        await this.ensureConsumers();
        break;
      case "purge":
        await this.purgeRemovals();
        break;
      case "status":
        this.again("status", await this.reporter.write(false));
        break;
    }
    this.options.metrics.countWork(kind, true);
  }

  private async publishConfig(): Promise<void> {
    const { config, routerEnvironment, source, infrastructure, metrics, log } = this.options;
    if (!this.sourceStarted || !this.mirror.isWhole()) return;
    const snapshot = source.snapshot();
    const settings = routerSettings(config, routerEnvironment, snapshot);
    const standing = this.publisher.storedEntries();
    const plan = planEntries({
      router: this.router,
      allowedNamespaces: settings.allowedNamespaces,
      objects: snapshot.objects.flatMap(asDesired),
      // What was written last is known even when the bucket has been emptied since.
      stored: new Map([...standing, ...this.plan.entries]),
      wasProgrammed: servedCheck({
        target: (key) => this.publisher.target(key),
        acks: this.acks.byPodUid(),
        pods: infrastructure.pods(),
        standing,
        standingHead: this.publisher.standingHead(),
      }),
      compile: { requireTenant: config.requireTenant, expressions: this.expressions },
      parsedBefore: this.plan.parsed,
    });
    const outcome = await this.publisher.publish(plan.entries, snapshot.records);
    if (outcome.kind === "not_ready") return;
    this.plan = plan;
    this.busOwner = outcome.kind === "conflict" ? outcome.owner : undefined;
    if (outcome.kind === "published") {
      infrastructure.ensureRouters(settings.deployment);
      metrics.setRevision(outcome.revision);
      if (outcome.changed) {
        this.reporter.headWritten();
        log.info("configuration written", { revision: outcome.revision, entries: plan.entries.size });
      }
    } else {
      log.error("bus belongs to another router", { owner: outcome.owner });
    }
    this.queue.add("consumers");
    this.queue.add("status");
    this.firstPass.resolve();
  }

  private async ensureConsumers(): Promise<void> {
    if (this.busOwner !== undefined) return;
    const missing = [...providersInUse(this.plan)].filter(([id]) => !this.ensuredConsumers.has(id));
    await this.keeper.ensureProviderConsumers(missing.map(([, provider]) => provider));
    for (const [id] of missing) this.ensuredConsumers.add(id);
  }

  private async purgeRemovals(): Promise<void> {
    const acks = this.acks.byPodUid();
    const pods = this.options.infrastructure.pods();
    for (const { key, revision, epoch } of this.publisher.pendingRemovals()) {
      const seen = programmedByUid({ key, uid: "", generation: 0, epoch, revision }, acks, pods);
      if (seen.status === "True") await this.publisher.purge(key);
    }
  }

  /** Acknowledgements or routers have changed. */
  private addObservation(): void {
    this.queue.add("status", COALESCE_MS);
    if (this.publisher.pendingRemovals().length > 0) this.queue.add("purge", COALESCE_MS);
  }

  private resyncAll(): void {
    this.ensuredConsumers.clear();
    this.queue.add("streams");
    this.queue.add("config");
  }

  private again(kind: WorkKind, delayMs: number | undefined): void {
    if (delayMs !== undefined) this.queue.add(kind, delayMs);
  }

  private observation(): ObservationInput {
    const { config, routerEnvironment, source, infrastructure, names } = this.options;
    const snapshot = source.snapshot();
    const settings = routerSettings(config, routerEnvironment, snapshot);
    return {
      router: this.router,
      names,
      snapshot,
      plan: this.plan,
      head: this.publisher.current,
      target: (key) => this.publisher.target(key),
      acks: this.acks.byPodUid(),
      pods: infrastructure.pods(),
      desiredPods: settings.deployment.replicas,
      busOwner: this.busOwner,
      extraProblems: settings.problems,
    };
  }
}

function asDesired({ kind, meta, spec }: SourceObject): readonly DesiredEntry[] {
  return kind === "Router" ? [] : [{ kind, meta, spec }];
}
