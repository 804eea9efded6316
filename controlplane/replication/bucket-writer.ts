// Writes keys of the shared bucket: many changes of one key in a short time are one write, and few writes are under way at once.
import type { Logger } from "../../runtime/log.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { purgeKey, putKey } from "../../runtime/nats/kv.ts";
import type { PublishResult } from "../../runtime/nats/mux.ts";

/** What is to stand at a key: a value, for a while or for good, or nothing. */
export type Wanted =
  | { readonly kind: "value"; readonly value: Uint8Array; readonly ttlMs?: number }
  /** The mark of the removal stays, for watches that are behind, and goes by itself. */
  | { readonly kind: "nothing" };

export interface BucketWriterOptions {
  readonly link: NatsLink;
  readonly bucket: string;
  readonly log: Logger;
  /** Asked when the write goes out, so that it tells of the latest; undefined: nothing has to be written after all. */
  want(key: string): Wanted | undefined;
  stored(key: string, wanted: Wanted): void;
  count(outcome: WriteOutcome): void;
}

export const WRITE_OUTCOMES = ["stored", "full", "refused", "unavailable"] as const;
export type WriteOutcome = (typeof WRITE_OUTCOMES)[number];

/** Changes of one component within this time are one write. */
const COALESCE_MS = 20;
const MAX_IN_FLIGHT = 128;
const WRITE_TIMEOUT_MS = 5_000;
/** What could not be written is tried again after this. */
const RETRY_MS = 1_000;
const MARK_TTL_MS = 60_000;

export class BucketWriter {
  private readonly options: BucketWriterOptions;
  /** Keys, at most one of each component: `clear` empties it whenever nobody can be written to. */
  private readonly dirty = new Set<string>();
  private readonly inFlight = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  private lastFailure: string | undefined;
  private idleWaiters: (() => void)[] = [];

  constructor(options: BucketWriterOptions) {
    this.options = options;
  }

  /** Keys that wait, and those on their way. */
  get pending(): number {
    return this.dirty.size + this.inFlight.size;
  }

  /** Why the last write was not stored; undefined when it was. */
  get failure(): string | undefined {
    return this.lastFailure;
  }

  write(key: string): void {
    this.dirty.add(key);
    this.flushIn(COALESCE_MS);
  }

  /** Forgets what waits: whoever calls it compares everything when the bucket has been read again. */
  clear(): void {
    this.dirty.clear();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Resolves when nothing waits and nothing is on its way. */
  idle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  private flushIn(delayMs: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.flush();
    }, delayMs).unref();
  }

  private flush(): void {
    for (const key of this.dirty) {
      if (this.inFlight.size >= MAX_IN_FLIGHT) break;
      // Two writes of one key under way could arrive in either order.
      if (this.inFlight.has(key)) continue;
      this.dirty.delete(key);
      const wanted = this.options.want(key);
      if (wanted === undefined) continue;
      this.inFlight.add(key);
      void this.send(key, wanted).then((result) => this.settle(key, wanted, result));
    }
    this.tellIdle();
  }

  private send(key: string, wanted: Wanted): Promise<PublishResult> {
    const { link, bucket } = this.options;
    const timeoutMs = WRITE_TIMEOUT_MS;
    if (wanted.kind === "nothing") return purgeKey(link.mux, bucket, key, { timeoutMs, ttlMs: MARK_TTL_MS });
    const { value, ttlMs } = wanted;
    return putKey(link.mux, bucket, key, value, { timeoutMs, ...(ttlMs === undefined ? {} : { ttlMs }) });
  }

  private settle(key: string, wanted: Wanted, result: PublishResult): void {
    this.inFlight.delete(key);
    const failure = result.kind === "stored" ? undefined : describe(result);
    this.options.count(outcomeOf(result));
    if (failure !== this.lastFailure) this.tell(failure);
    if (result.kind === "stored") {
      this.options.stored(key, wanted);
    } else if (result.kind !== "rejected") {
      this.dirty.add(key);
    }
    if (this.dirty.size > 0) this.flushIn(failure === undefined ? 0 : RETRY_MS);
    this.tellIdle();
  }

  private tell(failure: string | undefined): void {
    this.lastFailure = failure;
    const { log, bucket } = this.options;
    if (failure === undefined) log.info("bucket written again", { bucket });
    else log.warn("bucket not written", { bucket, reason: failure });
  }

  private tellIdle(): void {
    if (this.pending > 0) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}

function outcomeOf(result: PublishResult): WriteOutcome {
  if (result.kind === "stored" || result.kind === "full") return result.kind;
  return result.kind === "rejected" ? "refused" : "unavailable";
}

function describe(result: Exclude<PublishResult, { readonly kind: "stored" }>): string {
  switch (result.kind) {
    case "full":
    case "rejected":
      return result.description;
    case "unavailable":
      return result.reason;
    case "conflict":
    case "inFlight":
      return "another writer was faster";
  }
}
