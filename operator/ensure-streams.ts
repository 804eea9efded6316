// Makes the streams, buckets and consumers that routers and workers rely on; what differs from its specification is reported.
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { pipelineConsumer } from "../core/handover/pipeline-streams.ts";
import type { ProviderKey } from "../core/handover/record.ts";
import {
  DEFAULT_STREAM_SETTINGS,
  providerConsumer,
  type StreamSettings,
  streamSpecs,
} from "../core/handover/streams.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { UnboundSubject } from "../core/reconcile/legacy-subjects.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { ensureConsumer, listConsumerNames } from "../runtime/nats/consumers.ts";
import { ensureBucket } from "../runtime/nats/kv.ts";
import { ensureStream, type StreamDrift } from "../runtime/nats/streams.ts";
import { bindLegacySubjects } from "./bind-legacy-subjects.ts";
import type { RouterConfig } from "./config.ts";
import type { PipelineConsumerKey } from "./pipeline-consumers.ts";
import { runAll } from "./run-all.ts";

/** Consumers that are being looked at or made at once: configuration goes through the same server meanwhile. */
const MAX_CONSUMERS_IN_FLIGHT = 8;

/** Settings of the streams, as the process was told. */
export function streamSettings(config: RouterConfig): StreamSettings {
  const { handoverRetentionMs: retentionMs, ackWaitMs, streamReplicas: replicas } = config;
  return { ...DEFAULT_STREAM_SETTINGS, retentionMs, ackWaitMs, replicas };
}

export interface StreamKeeperOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly settings: StreamSettings;
  readonly log: Logger;
}

export class StreamKeeper {
  private readonly options: StreamKeeperOptions;
  private manager: JetStreamManager | undefined;
  /** Drift that was said already: a setting that stays different is not news. */
  private readonly said = new Set<string>();
  /** What the assignments stream was made to bind last, and what of it the server refused. */
  private legacy: { readonly subjects: readonly string[]; readonly refused: readonly UnboundSubject[] } | undefined;

  constructor(options: StreamKeeperOptions) {
    this.options = options;
  }

  /** Throws BeamlineError when one cannot be made. */
  async ensureAll(): Promise<void> {
    const { names, settings } = this.options;
    const jsm = await this.connect();
    const { streams, consumers, buckets } = streamSpecs(names, settings);
    for (const spec of streams) {
      const { created, drift } = await ensureStream(jsm, spec);
      // The subjects of this one follow the Router object: see `bindLegacySubjects`.
      const isFollowing = spec.name === names.streams.assignments && settings.legacySubjects === undefined;
      const said = isFollowing ? drift.filter(({ field }) => field !== "subjects") : drift;
      this.report("stream", spec.name, { created, drift: said });
    }
    for (const spec of buckets) this.report("bucket", spec.name, await ensureBucket(jsm, spec));
    for (const spec of consumers) this.report("consumer", spec.durableName, await ensureConsumer(jsm, spec));
    if (this.legacy === undefined) return;
    const { subjects } = this.legacy;
    this.legacy = undefined;
    await this.bindLegacySubjects(subjects);
  }

  /** The duplicate window of the assignments stream: all that keeps the work of legacy providers from being doubled. */
  get duplicateWindowMs(): number {
    const { names, settings } = this.options;
    const { streams } = streamSpecs(names, settings);
    return streams.find(({ name }) => name === names.streams.assignments)?.duplicateWindowMs ?? 0;
  }

  /** What the server refused of the subjects that were bound last. */
  get refusedSubjects(): readonly UnboundSubject[] {
    return this.legacy?.refused ?? [];
  }

  /** Makes the assignments stream bind these besides its own. Asks the server only when they are others than the last. */
  async bindLegacySubjects(subjects: readonly string[]): Promise<void> {
    if (this.legacy !== undefined && this.legacy.subjects.join() === subjects.join()) return;
    const refused = await bindLegacySubjects(await this.connect(), subjects, this.options);
    for (const { subject, reason } of refused) this.options.log.warn("subject not bound", { subject, reason });
    this.legacy = { subjects, refused };
  }

  /** Only the buckets: what must come back at once when someone deleted them. */
  async ensureBuckets(): Promise<void> {
    const { names, settings } = this.options;
    const jsm = await this.connect();
    for (const spec of streamSpecs(names, settings).buckets) {
      this.report("bucket", spec.name, await ensureBucket(jsm, spec));
    }
  }

  /**
   * The durable of each provider, so that workers never make consumers. One of a provider that is gone stays: made again
   * later it would deliver everything a second time that the stream still holds. A few at once, until one fails; throws that
   * failure, and `onEnsured` has been told of those that worked.
   */
  async ensureProviderConsumers(
    providers: Iterable<ProviderKey>,
    onEnsured: (provider: ProviderKey) => void,
  ): Promise<void> {
    const { names, settings, log } = this.options;
    const jsm = await this.connect();
    let created = 0;
    let failed = false;
    const ensure = async (provider: ProviderKey): Promise<void> => {
      if (failed) return;
      const spec = providerConsumer(names, provider, settings);
      const state = await ensureConsumer(jsm, spec).catch((error: unknown) => {
        // A server that refuses one, or does not answer, is not asked for thousands more.
        failed = true;
        throw error;
      });
      if (state.created) created++;
      this.report("consumer", spec.durableName, { ...state, created: false });
      onEnsured(provider);
    };
    const tasks = Array.from(providers, (provider) => () => ensure(provider));
    await runAll(tasks, MAX_CONSUMERS_IN_FLIGHT);
    if (created > 0) log.info("provider consumers created", { created, stream: names.streams.assignments });
  }

  /** Which of these have no durable. Costs a request for each thousand consumers of the stream. */
  async findMissingConsumers(providers: Iterable<ProviderKey>): Promise<readonly ProviderKey[]> {
    const { link, names } = this.options;
    const standing = await listConsumerNames(link.nc, names.streams.assignments);
    return [...providers].filter((provider) => !standing.has(names.consumers.provider(provider)));
  }

  /** As of providers: so that consumers of pipelines never make any, and one that is not named any more stays. */
  async ensurePipelineConsumers(
    keys: readonly PipelineConsumerKey[],
    onEnsured: (key: PipelineConsumerKey) => void,
  ): Promise<void> {
    const { names, settings } = this.options;
    const jsm = await this.connect();
    const tasks = keys.map((key) => async () => {
      const spec = pipelineConsumer(names, key.pipeline, key.consumer, settings);
      this.report("consumer", spec.durableName, await ensureConsumer(jsm, spec));
      onEnsured(key);
    });
    await runAll(tasks, MAX_CONSUMERS_IN_FLIGHT);
  }

  /** Which of these have no durable. */
  async findMissingPipelineConsumers(keys: readonly PipelineConsumerKey[]): Promise<readonly PipelineConsumerKey[]> {
    const { link, names } = this.options;
    const standing = await listConsumerNames(link.nc, names.streams.pipelineOutputs);
    return keys.filter(({ pipeline, consumer }) => !standing.has(names.consumers.pipeline(pipeline, consumer)));
  }

  private async connect(): Promise<JetStreamManager> {
    this.manager ??= await jetstreamManager(this.options.link.nc, { checkAPI: false });
    return this.manager;
  }

  private report(
    what: "stream" | "bucket" | "consumer",
    name: string,
    state: { readonly created: boolean; readonly drift: readonly StreamDrift[] },
  ): void {
    const { log } = this.options;
    if (state.created) log.info("created", { what, name });
    for (const { field, have, want } of state.drift) {
      const id = `${name} ${field} ${String(have)}`;
      if (this.said.has(id)) continue;
      this.said.add(id);
      log.warn("setting differs from its specification and is left as it is", { what, name, field, have, want });
    }
  }
}
