// Writes statuses: the newest of each object only, only when it says something new, and not faster than anybody reads.
import { backoffMs } from "../core/reconcile/backoff.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { KubernetesClient } from "./client.ts";
import type { ApiFailure } from "./failure.ts";
import { describeObject, isNewerVersion, type ObjectRef, objectKey, type ResourceType } from "./object.ts";
import { type StatusWrite, sendStatus } from "./send-status.ts";
import { canonicalStatus, containsStatus, isSameStatus, type Status } from "./status-diff.ts";

export interface StatusWriterOptions {
  readonly client: KubernetesClient;
  readonly fieldManager: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Between two writes of one object; the first goes at once. */
  readonly minIntervalMs?: number;
}

/** Since the start. */
export interface StatusWriterCounts {
  readonly writes: number;
  /** Statuses that were not sent because they said nothing new, or because a newer one came before. */
  readonly skipped: number;
  /** Attempts that found a newer version; each costs a read. */
  readonly conflicts: number;
  readonly failures: number;
}

export const STATUS_MIN_INTERVAL_MS = 1_000;
export const MAX_CONCURRENT_STATUS_WRITES = 8;
/** Objects whose last status is remembered; the oldest is forgotten, and costs at most one write that changes nothing. */
export const MAX_REMEMBERED_STATUSES = 100_000;
/** A refused status is sent again after this, if it is still wanted then: the CRD may have been upgraded. */
export const REFUSED_RETRY_MS = 60_000;
const RETRY_BACKOFF = { baseMs: 500, maxMs: 30_000 };

interface Entry {
  /** Waits to be written. */
  wanted: StatusWrite | undefined;
  writing: boolean;
  timer: NodeJS.Timeout | undefined;
  writtenAtMs: number;
  failures: number;
  /** What the API server last accepted, or will never accept. */
  last: Said | undefined;
}

interface Said {
  readonly uid: string;
  readonly text: string;
  readonly resourceVersion: string | undefined;
  /** On the monotonic clock; when the API server refused it for what it says. */
  readonly refusedAtMs?: number;
}

export class StatusWriter {
  private readonly options: StatusWriterOptions;
  private readonly clock: Clock;
  private readonly entries = new Map<string, Entry>();
  private readonly ready = new Set<string>();
  private readonly abort = new AbortController();
  private running = 0;
  private pending = 0;
  private whenIdle: (() => void)[] = [];
  private writes = 0;
  private skipped = 0;
  private conflicts = 0;
  private failures = 0;

  constructor(options: StatusWriterOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  /** Takes it and returns; a status of the same object that still waits is forgotten. */
  set(write: StatusWrite): void {
    if (this.abort.signal.aborted) return;
    const key = keyOf(write);
    const entry = this.entries.get(key) ?? this.remember(key);
    if (entry.wanted !== undefined) this.skipped++;
    const said = this.isSaid(entry, write);
    if (said && entry.wanted === undefined) this.skipped++;
    this.want(entry, said ? undefined : write);
    if (!said) this.schedule(key, entry);
  }

  /** The object is gone. */
  forget(type: ResourceType, ref: ObjectRef): void {
    const key = keyOf({ type, ref });
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    clearTimeout(entry.timer);
    this.ready.delete(key);
    this.entries.delete(key);
    this.want(entry, undefined);
  }

  counts(): StatusWriterCounts {
    const { writes, skipped, conflicts, failures } = this;
    return { writes, skipped, conflicts, failures };
  }

  /** Resolves when nothing waits and nothing is under way, or after `stop`. */
  idle(): Promise<void> {
    if (this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.whenIdle.push(resolve));
  }

  /** Ends what is under way and forgets what waits: the next leader says it. */
  async stop(): Promise<void> {
    this.abort.abort();
    for (const entry of this.entries.values()) {
      clearTimeout(entry.timer);
      this.want(entry, undefined);
    }
    this.ready.clear();
    await this.idle();
  }

  /** A status under way counts as said: if it fails it comes back, unless a newer one was set. */
  private isSaid(entry: Entry, { uid, status, observed }: StatusWrite): boolean {
    const last = entry.last?.uid === uid ? entry.last : undefined;
    if (last === undefined)
      return !entry.writing && observed !== undefined && isSameStatus(asStatus(observed.status), status);
    if (last.text !== canonicalStatus(status)) return false;
    if (last.refusedAtMs !== undefined) return this.clock.monotonicMs() - last.refusedAtMs < REFUSED_RETRY_MS;
    const changedSince = !entry.writing && isNewerVersion(observed?.resourceVersion, last.resourceVersion);
    return !changedSince || containsStatus(observed?.status, status);
  }

  private schedule(key: string, entry: Entry): void {
    if (entry.writing || this.ready.has(key) || entry.timer !== undefined) return;
    const { minIntervalMs = STATUS_MIN_INTERVAL_MS } = this.options;
    const retryMs = entry.failures === 0 ? 0 : backoffMs(RETRY_BACKOFF, entry.failures, Math.random());
    const waitMs = Math.max(entry.writtenAtMs + minIntervalMs - this.clock.monotonicMs(), retryMs);
    if (waitMs <= 0) {
      this.makeReady(key);
      return;
    }
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      this.makeReady(key);
    }, waitMs);
  }

  private makeReady(key: string): void {
    this.ready.add(key);
    this.pump();
  }

  private pump(): void {
    for (const key of this.ready) {
      if (this.running >= MAX_CONCURRENT_STATUS_WRITES) return;
      this.ready.delete(key);
      const entry = this.entries.get(key);
      const write = entry?.wanted;
      if (entry === undefined || write === undefined) continue;
      this.running++;
      entry.writing = true;
      const written = this.write(key, entry, write).catch((error: unknown) => {
        this.options.log.error("writing a status failed", { error, object: describeObject(write.type, write.ref) });
      });
      void written.finally(() => {
        this.running--;
        entry.writing = false;
        if (entry.wanted !== undefined) this.schedule(key, entry);
        this.pump();
        this.settle();
      });
    }
  }

  private async write(key: string, entry: Entry, write: StatusWrite): Promise<void> {
    const { type, ref, uid, status } = write;
    const before = entry.last;
    entry.last = { uid, text: canonicalStatus(status), resourceVersion: undefined };
    entry.writtenAtMs = this.clock.monotonicMs();
    this.want(entry, undefined);
    const known = before?.uid === uid ? before.resourceVersion : undefined;
    const seen = write.observed?.resourceVersion;
    const version = isNewerVersion(known, seen) ? known : (seen ?? known);
    const { client, fieldManager } = this.options;
    const { result, conflicts } = await sendStatus(client, write, { fieldManager, version, signal: this.abort.signal });
    this.conflicts += conflicts;
    if (result.ok) {
      this.writes++;
      entry.failures = 0;
      entry.last = { ...entry.last, resourceVersion: result.value.metadata.resourceVersion };
    } else if (result.error.kind === "NotFound") {
      if (entry.wanted === undefined || entry.wanted.uid === uid) this.forget(type, ref);
    } else {
      this.fail(key, entry, write, before, result.error);
    }
  }

  private fail(key: string, entry: Entry, write: StatusWrite, before: Entry["last"], failure: ApiFailure): void {
    if (failure.kind === "Stopped") {
      entry.last = before;
      return;
    }
    this.failures++;
    const { type, ref } = write;
    const fields = { object: describeObject(type, ref), reason: failure.kind, detail: failure.message };
    if (failure.kind === "Invalid") {
      // For what it says, so it would be again, until the CRD is another one.
      if (entry.last !== undefined) entry.last = { ...entry.last, refusedAtMs: this.clock.monotonicMs() };
      this.options.log.error("a status was refused", fields);
      return;
    }
    this.options.log.warn("a status could not be written", fields);
    entry.failures++;
    entry.last = before;
    if (entry.wanted === undefined && this.entries.get(key) === entry && !this.abort.signal.aborted)
      this.want(entry, write);
  }

  private want(entry: Entry, write: StatusWrite | undefined): void {
    this.pending += Number(write !== undefined) - Number(entry.wanted !== undefined);
    entry.wanted = write;
    this.settle();
  }

  private isIdle(): boolean {
    return this.pending === 0 && this.running === 0;
  }

  private settle(): void {
    if (!this.isIdle()) return;
    const waiting = this.whenIdle;
    this.whenIdle = [];
    for (const resolve of waiting) resolve();
  }

  private remember(key: string): Entry {
    const entry: Entry = {
      wanted: undefined,
      writing: false,
      timer: undefined,
      writtenAtMs: Number.NEGATIVE_INFINITY,
      failures: 0,
      last: undefined,
    };
    this.entries.set(key, entry);
    if (this.entries.size > MAX_REMEMBERED_STATUSES) this.forgetOldest();
    return entry;
  }

  private forgetOldest(): void {
    for (const [key, entry] of this.entries) {
      if (entry.wanted !== undefined || entry.writing) continue;
      this.entries.delete(key);
      return;
    }
  }
}

function keyOf({ type, ref }: Pick<StatusWrite, "type" | "ref">): string {
  return `${type.plural}.${type.group}/${objectKey(ref)}`;
}

function asStatus(value: unknown): Status {
  return typeof value === "object" && value !== null ? (value as Status) : {};
}
