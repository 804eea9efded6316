// One registry on several replicas: the parts that share it over NATS, put together, from the first connection to the last write.
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import type { Notice } from "../../core/registry/event.ts";
import { findComponent } from "../../core/registry/state.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import { connectNats, type NatsLink, type NatsOptions } from "../../runtime/nats/connection.ts";
import type { Configurations } from "../configurations.ts";
import type { LiveRegistry } from "../live-registry.ts";
import { BeatExchange } from "./beat-exchange.ts";
import { BucketWriter } from "./bucket-writer.ts";
import { SharedConfigurations } from "./configuration-store.ts";
import { Leadership } from "./leadership.ts";
import type { SharingMetrics } from "./metrics.ts";
import { RegistrationStore } from "./registration-store.ts";
import { SharedBucket } from "./shared-bucket.ts";
import type { SharingState, SharingStatus } from "./sharing-status.ts";
import { VerdictWriter } from "./verdict-writer.ts";

export interface ReplicationOptions {
  readonly nats: NatsOptions;
  readonly registry: LiveRegistry;
  readonly configurations: Configurations;
  readonly metrics: SharingMetrics;
  readonly log: Logger;
}

/** A start waits so long for what other replicas know; without it, components would be asked to register again. */
const FIRST_READ_MS = 5_000;
const CONNECT_RETRY_MS = 1_000;
/** What changed without a notice is found, and what went wrong is put right. */
const SWEEP_EVERY_MS = 10_000;
const AGE_EVERY_MS = 500;

export class Replication {
  private readonly options: ReplicationOptions;
  private readonly stopping = new AbortController();
  private session: Session | undefined;
  private connecting: Promise<void> | undefined;
  private firstRead = Promise.withResolvers<void>();

  constructor(options: ReplicationOptions) {
    this.options = options;
  }

  /** Resolves when the shared bucket has been read, or after a while without it. Throws CONFIG_INVALID. */
  async start(): Promise<void> {
    this.options.registry.apply({ kind: "storeLost" });
    this.connecting = this.connect();
    // Unreferenced: a stop during the wait does not have to wait for it.
    const waited = delay(FIRST_READ_MS, undefined, { ref: false, signal: this.stopping.signal }).catch(() => undefined);
    await Promise.race([this.connecting.then(() => this.firstRead.promise), waited]);
    if (this.status().state !== "current")
      this.options.log.warn("serving without the shared registry", { state: this.status().state });
  }

  async stop(deadlineMs: number): Promise<void> {
    this.stopping.abort();
    await this.session?.stop(deadlineMs);
  }

  /** Undefined until the first connection, which then comes back by itself. */
  get link(): NatsLink | undefined {
    return this.session?.link;
  }

  status(): SharingStatus {
    const disconnected = { state: "disconnected", ageMs: undefined, isLeading: false, pendingWrites: 0 } as const;
    return this.session?.status() ?? { ...disconnected, failure: undefined };
  }

  /** Tries for ever; a wrong setting is told at once, but files that are wrong later may be right again. */
  private async connect(): Promise<void> {
    const { nats, log } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        const link = await connectNats(nats);
        if (this.stopping.signal.aborted) return await link.close();
        this.session = new Session(link, this.options, () => this.firstRead.resolve());
        this.session.start();
        return;
      } catch (error) {
        if (attempt === 1 && error instanceof BeamlineError && error.code === "CONFIG_INVALID") throw error;
        if (this.stopping.signal.aborted) return;
        log.warn("nats not reachable, serving from memory", { reason: reasonOf(error) });
      }
      await delay(CONNECT_RETRY_MS, undefined, { ref: false });
    }
  }
}

/** Everything that lives on one connection, which itself comes back for ever. */
class Session {
  readonly link: NatsLink;
  private readonly options: ReplicationOptions;
  private readonly onRead: () => void;
  private readonly writer: BucketWriter;
  private readonly registrations: RegistrationStore;
  private readonly verdicts: VerdictWriter;
  private readonly bucket: SharedBucket;
  private readonly beats: BeatExchange;
  private readonly leadership: Leadership;
  private readonly configurations: SharedConfigurations;
  private readonly ends: (() => void)[] = [];
  private currentAtMs: number | undefined;

  constructor(link: NatsLink, options: ReplicationOptions, onRead: () => void) {
    this.link = link;
    this.options = options;
    this.onRead = onRead;
    const { registry, log, metrics } = options;
    const isLeading = (): boolean => this.isLeading();
    const write = (key: string): void => this.writer.write(key);
    this.registrations = new RegistrationStore({ registry, write, isLeading });
    this.verdicts = new VerdictWriter({ registry, write, isLeading });
    this.writer = new BucketWriter({
      link,
      bucket: REGISTRY_BUCKET,
      log,
      want: (key) => (this.bucket.state() === "current" ? this.partOf(key).want(key) : undefined),
      stored: (key, wanted) => this.partOf(key).stored(key, wanted),
      count: metrics.write,
    });
    this.bucket = new SharedBucket({
      link,
      readers: { registration: this.registrations, verdict: this.verdicts },
      onReset: () => this.writer.clear(),
      onCaughtUp: () => this.caughtUp(),
      countIgnored: metrics.ignored,
      log,
    });
    this.beats = new BeatExchange({
      link,
      registry,
      find: (name) => this.registrations.find(name),
      count: metrics,
      log,
    });
    const { configurations } = options;
    this.configurations = new SharedConfigurations({
      link,
      configurations,
      countIgnored: metrics.ignored,
      onRead: () => this.sweep(),
      log,
    });
    this.leadership = new Leadership({
      link,
      holder: { instance: registry.state.self, host: hostname(), pid: process.pid },
      canLead: () => this.bucket.state() === "current",
      onLead: () => this.sweep(),
      log,
    });
  }

  start(): void {
    const { registry, configurations } = this.options;
    this.ends.push(
      this.link.onStatus(({ kind }) => {
        if (kind === "connected") this.connected();
        else if (kind !== "error") this.disconnected();
      }),
      registry.onHappening((happening) => this.beats.note(happening)),
      registry.onNotices((notices) => this.changed(notices)),
    );
    for (const [run, everyMs] of [
      [() => this.sweep(), SWEEP_EVERY_MS],
      [() => this.noteAge(), AGE_EVERY_MS],
    ] as const) {
      const timer = setInterval(run, everyMs);
      this.ends.push(() => clearInterval(timer));
    }
    configurations.shareThrough(this.configurations);
    this.bucket.start();
    this.beats.start();
    this.configurations.start();
    this.leadership.start();
    this.connected();
  }

  /** Writes what waits, gives the lease up, and closes, all within the time. */
  async stop(deadlineMs: number): Promise<void> {
    const abort = new AbortController();
    const expired = delay(deadlineMs, undefined, { ref: false, signal: abort.signal }).catch(() => undefined);
    const finished = (async (): Promise<void> => {
      if (this.link.connected()) await this.writer.idle();
      await this.leadership.stop();
    })();
    await Promise.race([finished, expired]);
    abort.abort();
    for (const end of this.ends.splice(0)) end();
    this.beats.stop();
    this.bucket.stop();
    this.configurations.stop();
    this.writer.clear();
    await this.link.close();
  }

  status(): SharingStatus {
    const { currentAtMs } = this;
    const { registry } = this.options;
    // Registrations come from the bucket and heartbeats from the other replicas: the older of the two counts.
    const sharedAtMs = currentAtMs === undefined ? undefined : Math.min(currentAtMs, registry.state.busProvenAtMs);
    return {
      state: this.state(),
      ageMs: sharedAtMs === undefined ? undefined : Math.max(0, registry.nowMs() - sharedAtMs),
      isLeading: this.isLeading(),
      pendingWrites: this.writer.pending,
      failure: this.writer.failure,
    };
  }

  private state(): SharingState {
    if (!this.link.connected()) return "disconnected";
    const state = this.bucket.state();
    return state === "loading" ? "reading" : state;
  }

  private isLeading(): boolean {
    return this.bucket.state() === "current" && this.leadership.isLeading();
  }

  private partOf(key: string): RegistrationStore | VerdictWriter {
    return key.startsWith("verdict.") ? this.verdicts : this.registrations;
  }

  private changed(notices: readonly Notice[]): void {
    this.beats.changed(notices);
    // Whoever has not read the bucket compares everything when it has.
    if (this.bucket.state() !== "current") return;
    this.registrations.changed(notices);
    this.verdicts.changed(notices);
  }

  private connected(): void {
    this.options.registry.apply({ kind: "storeBack" });
    this.beats.tellAll();
  }

  private disconnected(): void {
    this.writer.clear();
    this.options.registry.apply({ kind: "storeLost" });
  }

  private caughtUp(): void {
    this.noteAge();
    this.registrations.compareAll();
    this.verdicts.compareAll();
    this.leadership.stand();
    this.onRead();
  }

  private noteAge(): void {
    if (this.state() === "current") this.currentAtMs = this.options.registry.nowMs();
  }

  private sweep(): void {
    if (!this.isLeading()) return;
    this.verdicts.compareAll();
    this.registrations.tidy();
    const { registry } = this.options;
    void this.configurations.tidy((name) => findComponent(registry.state, name) !== undefined);
  }
}
