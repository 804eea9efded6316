// What control planes say of components, as routers and operators know it: followed in the shared bucket, kept when that is away.

import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import { LayeredMap } from "../../core/layered-map.ts";
import { componentKey } from "../../core/registry/component.ts";
import { decodeVerdict, type PublishedVerdict, parseEntryKey, VERDICT_KEYS } from "../../core/registry/entries.ts";
import { nodeCodec } from "../bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { NatsLink } from "./connection.ts";
import { type BucketEntry, type BucketWatch, watchBucket } from "./watch-bucket.ts";

/**
 * `missing`: there is no bucket. `reading`: it has not been read whole yet. `current`: what is known is what stands there.
 * `stale`: it was current, and what changed since is not known.
 */
export type VerdictState = "missing" | "reading" | "current" | "stale";

export interface VerdictMirrorOptions {
  readonly link: NatsLink;
  readonly log: Logger;
  readonly clock?: Clock;
  /** KEEP_MS when absent. */
  readonly keepMs?: number;
}

/**
 * A bucket that was read again and no longer has a verdict, without the mark of a removal, is a new one: control planes fill it
 * again, and what was known before stands for so long.
 */
const KEEP_MS = 10_000;

export class VerdictMirror {
  private readonly options: VerdictMirrorOptions;
  private readonly clock: Clock;
  private readonly listeners = new Set<() => void>();
  private known: LayeredMap<PublishedVerdict> = LayeredMap.empty();
  /** What has come and is not in `known` yet; undefined = removed. */
  private readonly pending = new Map<string, PublishedVerdict | undefined>();
  /** Known before the bucket was read again, and not seen since. */
  private unseen = new Set<string>();
  private watch: BucketWatch | undefined;
  private telling: NodeJS.Immediate | undefined;
  private keeping: NodeJS.Timeout | undefined;
  private poll: NodeJS.Timeout | undefined;
  private told: VerdictState = "reading";
  private wasWhole = false;
  private currentUntilMs = 0;
  private reads = 0;
  private sequence = 0;
  private ignored = 0;

  constructor(options: VerdictMirrorOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  start(): void {
    const { link, log } = this.options;
    this.watch ??= watchBucket(link, {
      bucket: REGISTRY_BUCKET,
      keys: VERDICT_KEYS,
      log,
      onEntry: (entry) => this.take(entry),
      onReset: () => this.readAgain(),
      onCaughtUp: () => this.caughtUp(),
    });
    this.poll ??= setInterval(() => this.noteState(), STATE_POLL_MS).unref();
  }

  stop(): void {
    clearImmediate(this.telling);
    clearTimeout(this.keeping);
    clearInterval(this.poll);
    this.watch?.stop();
    this.listeners.clear();
  }

  /** By `componentKey`. Immutable: another map after each change, which tells what it changed (`changedSince`). */
  get verdicts(): LayeredMap<PublishedVerdict> {
    return this.known;
  }

  /** Another text whenever `verdicts` may be others. */
  get version(): string {
    return `${this.reads}.${this.sequence}`;
  }

  /** Up to when what is known was all that there is, by the clock of this machine; 0 = it never was. */
  get readAtMs(): number {
    return this.state === "current" ? this.clock.nowMs() : this.currentUntilMs;
  }

  get state(): VerdictState {
    const state = this.watch?.state() ?? "loading";
    if (state === "loading") return this.wasWhole ? "stale" : "reading";
    return state;
  }

  /** Entries that are no verdicts, since the start. */
  get ignoredEntries(): number {
    return this.ignored;
  }

  /** Called soon after each change of `verdicts` or `state`, once for many; gives back what ends it. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private take({ key, value, sequence }: BucketEntry): void {
    const parsed = parseEntryKey(nodeCodec, key);
    if (parsed?.entry !== "verdict") {
      this.ignore(key);
      return;
    }
    const verdict = value === undefined ? undefined : decodeVerdict(nodeCodec, parsed.name, value);
    if (value !== undefined && verdict === undefined) {
      this.ignore(key);
      return;
    }
    const name = componentKey(parsed.name);
    this.sequence = sequence;
    this.unseen.delete(name);
    this.pending.set(name, verdict);
    if (this.watch?.state() === "current") this.tellSoon();
  }

  private ignore(key: string): void {
    this.ignored += 1;
    this.options.log.warn("verdict not readable, ignored", { bucket: REGISTRY_BUCKET, key });
  }

  private readAgain(): void {
    this.pending.clear();
    this.reads += 1;
    this.unseen = new Set(this.known.keys());
    clearTimeout(this.keeping);
    this.tellSoon();
  }

  private caughtUp(): void {
    this.wasWhole = true;
    if (this.unseen.size > 0)
      this.keeping = setTimeout(() => this.dropUnseen(), this.options.keepMs ?? KEEP_MS).unref();
    this.tellSoon();
  }

  private dropUnseen(): void {
    for (const name of this.unseen) this.pending.set(name, undefined);
    this.unseen.clear();
    this.reads += 1;
    this.tellSoon();
  }

  private noteState(): void {
    if (this.state === "current") this.currentUntilMs = this.clock.nowMs();
    if (this.state !== this.told) this.tellSoon();
  }

  private tellSoon(): void {
    this.telling ??= setImmediate(() => {
      this.telling = undefined;
      this.told = this.state;
      if (this.told === "current") {
        this.currentUntilMs = this.clock.nowMs();
        this.known = this.known.with(this.pending);
        this.pending.clear();
      }
      for (const listener of this.listeners) listener();
    });
  }
}

/** The watch says nothing when its bucket goes or its connection is lost. */
const STATE_POLL_MS = 250;
