// Processors as statuses tell of them: the registry's verdicts, of each provider and each step's processor one change in ten seconds.
import { LayeredMap } from "../core/layered-map.ts";
import type { PublishedVerdict } from "../core/registry/entries.ts";
import { applyVerdicts, NOTHING_REGISTERED, type ProviderLiveness } from "../core/registry/provider-liveness.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { VerdictMirror } from "../runtime/nats/verdict-mirror.ts";
import type { KnownProcessors } from "./observe-processors.ts";
import { PacedChanges } from "./paced-changes.ts";

export interface ProcessorViewOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  /** STATUS_PERIOD_MS when absent. */
  readonly periodMs?: number;
}

/** Of one provider, or one processor of steps, a status changes at most this often; the first change after a pause at once. */
const STATUS_PERIOD_MS = 10_000;
/** Statuses wait so long for the first reading, and say after it that there was none. */
const READ_PATIENCE_MS = 2_000;

export class ProcessorView {
  private readonly options: ProcessorViewOptions;
  private readonly clock: Clock;
  /** Owners of processors, and component keys of processors. One may read as the other: then the two take turns together. */
  private readonly pace: PacedChanges<string>;
  private readonly listeners = new Set<() => void>();
  private mirror: VerdictMirror | undefined;
  private verdicts: LayeredMap<PublishedVerdict> = LayeredMap.empty();
  private live: ProviderLiveness = NOTHING_REGISTERED;
  private shown: KnownProcessors = {
    isRead: false,
    owners: NOTHING_REGISTERED.owners,
    processors: LayeredMap.empty(),
    components: LayeredMap.empty(),
  };
  private patience: NodeJS.Timeout | undefined;
  private isPatient = true;
  private due: NodeJS.Timeout | undefined;

  constructor(options: ProcessorViewOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.pace = new PacedChanges(options.periodMs ?? STATUS_PERIOD_MS);
  }

  /** Begins to wait for the first reading, for which there may be no connection yet. */
  start(): void {
    this.patience ??= setTimeout(() => {
      this.isPatient = false;
      this.tell();
    }, READ_PATIENCE_MS);
  }

  follow(link: NatsLink): void {
    this.start();
    this.mirror = new VerdictMirror({ link, log: this.options.log, clock: this.clock });
    this.mirror.onChange(() => this.take());
    this.mirror.start();
  }

  stop(): void {
    clearTimeout(this.patience);
    clearTimeout(this.due);
    this.mirror?.stop();
    this.listeners.clear();
  }

  /** What statuses tell now. The same value as long as it is the same. */
  known(): KnownProcessors {
    return this.shown;
  }

  /** Whether it is known, or has been waited for long enough. */
  isSettled(): boolean {
    return this.shown.isRead || !this.isPatient;
  }

  /** Called after each change of `known` or `isSettled`, until the signal. */
  onChange(listener: () => void, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener), { once: true });
  }

  private take(): void {
    const { mirror } = this;
    if (mirror === undefined) return;
    const { verdicts } = mirror;
    const changed = verdicts.changedSince(this.verdicts);
    const before = this.live;
    this.live = applyVerdicts(
      before,
      changed.map((key) => [key, verdicts.get(key)] as const),
    );
    const isProcessor = (key: string): boolean => (verdicts.get(key) ?? this.verdicts.get(key))?.kind === "processor";
    this.pace.add([...this.live.owners.changedSince(before.owners), ...changed.filter(isProcessor)]);
    this.verdicts = verdicts;
    this.show(this.shown.isRead || mirror.state !== "reading");
  }

  private show(isRead: boolean): void {
    const { ready, nextMs } = this.pace.take(this.clock.monotonicMs());
    const owners = this.shown.owners.with(ready.map((owner) => [owner, this.live.owners.get(owner)] as const));
    const processors = this.shown.processors.with(ready.map((key) => [key, this.verdicts.get(key)] as const));
    clearTimeout(this.due);
    if (nextMs !== undefined) this.due = setTimeout(() => this.show(isRead), nextMs);
    const components = this.verdicts;
    const { shown } = this;
    const isSame = owners === shown.owners && processors === shown.processors && components === shown.components;
    if (isSame && isRead === shown.isRead) return;
    this.shown = { isRead, owners, processors, components };
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}
