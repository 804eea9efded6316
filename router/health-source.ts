// What decisions know of providers' health: follows the registry's verdicts and makes an immutable snapshot of each change.
import type { HealthSnapshot } from "../core/decide/decision.ts";
import type { LayeredMap } from "../core/layered-map.ts";
import type { PublishedVerdict } from "../core/registry/entries.ts";
import { applyVerdicts, livenessVersion, NOTHING_REGISTERED } from "../core/registry/provider-liveness.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { VerdictMirror, type VerdictState } from "../runtime/nats/verdict-mirror.ts";
import type { ProcessorDirectory } from "./step-caller.ts";

export interface HealthSourceOptions {
  readonly link: NatsLink;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called after each change of `snapshot`. */
  onChange(snapshot: HealthSnapshot): void;
}

const MS_PER_SECOND = 1000;

export class HealthSource {
  private readonly options: HealthSourceOptions;
  private readonly mirror: VerdictMirror;
  private verdicts: LayeredMap<PublishedVerdict>;
  private known = NOTHING_REGISTERED;
  private current: HealthSnapshot = {
    version: livenessVersion(NOTHING_REGISTERED),
    timeMs: 0,
    followsRegistry: true,
    providers: NOTHING_REGISTERED.owners,
  };
  private lastState: VerdictState = "reading";
  private readonly read = Promise.withResolvers<void>();

  constructor(options: HealthSourceOptions) {
    this.options = options;
    const { link, log, clock } = options;
    this.mirror = new VerdictMirror({ link, log, clock });
    this.verdicts = this.mirror.verdicts;
    this.mirror.onChange(() => this.take());
  }

  start(): void {
    this.mirror.start();
  }

  stop(): void {
    this.mirror.stop();
  }

  /** Before the registry was read, nothing is registered. */
  get snapshot(): HealthSnapshot {
    return this.current;
  }

  /** Every registered component as it is known now, for whoever calls one. */
  get directory(): ProcessorDirectory {
    return this.mirror;
  }

  /** Verdicts that the snapshot is made of. */
  get size(): number {
    return this.verdicts.size;
  }

  /** Seconds since what is known was all that there is; NaN before the registry was first read. */
  ageSeconds(): number {
    const { readAtMs } = this.mirror;
    return readAtMs === 0 ? Number.NaN : Math.max(0, this.options.clock.nowMs() - readAtMs) / MS_PER_SECOND;
  }

  /** For people. */
  describe(): string {
    const { state } = this.mirror;
    const age = this.ageSeconds();
    if (Number.isNaN(age)) return `registry ${state}: no component is known`;
    const since = state === "current" ? "" : `, ${Math.round(age)} s old`;
    return `registry ${state}: ${this.size} verdicts${since}`;
  }

  /** Resolves when it is known what is registered, or that there is no registry; at the latest after `timeoutMs`. */
  async whenRead(timeoutMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, timeoutMs);
    await Promise.race([this.read.promise, late.promise]);
    clearTimeout(timer);
  }

  private take(): void {
    const { verdicts, state, readAtMs } = this.mirror;
    this.noteState(state);
    const changed = verdicts.changedSince(this.verdicts);
    this.verdicts = verdicts;
    this.known = applyVerdicts(
      this.known,
      changed.map((key) => [key, verdicts.get(key)] as const),
    );
    const { owners } = this.known;
    if (owners === this.current.providers) return;
    const version = livenessVersion(this.known);
    this.current = { version, timeMs: readAtMs, followsRegistry: true, providers: owners };
    this.options.onChange(this.current);
  }

  private noteState(state: VerdictState): void {
    if (state !== "reading") this.read.resolve();
    if (state === this.lastState) return;
    this.options.log.info("registry", { state, verdicts: this.mirror.verdicts.size });
    this.lastState = state;
  }
}
