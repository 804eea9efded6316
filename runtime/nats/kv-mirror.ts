// A bucket as one process knows it: followed by a watch, written by compare-and-set against what is known.
import { BeamlineError } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { NatsLink } from "./connection.ts";
import { deleteKey, getKey, isRemoval, purgeKey, putKey } from "./kv.ts";
import type { PublishResult } from "./mux.ts";
import { type BucketEntry, type BucketWatch, watchBucket } from "./watch-bucket.ts";

export interface KvMirrorOptions {
  readonly link: NatsLink;
  readonly bucket: string;
  /** Which keys, as a subject pattern; all when absent. */
  readonly keys?: string;
  readonly log: Logger;
  /** The bucket holds something that the mirror did not know of, or has been read whole. */
  onChange(): void;
  /** There is no such bucket (any more). */
  onMissing(): void;
}

/** A key's last message: its value, or undefined for the mark of its removal. */
export interface MirrorEntry {
  readonly value: Uint8Array | undefined;
  readonly sequence: number;
  /** The mark is on its way out. */
  readonly purged?: true;
}

/**
 * Whether what stands at a key shows that this is not the bucket that is known: only the mark of a removal goes by itself, and
 * no sequence goes back. Writing on would carry the old bucket's epoch into the new one.
 */
export function isOtherBucket(
  known: MirrorEntry | undefined,
  standing: Pick<MirrorEntry, "sequence"> | undefined,
): boolean {
  if (known === undefined) return false;
  return standing === undefined ? known.value !== undefined : standing.sequence < known.sequence;
}

const WRITE_TIMEOUT_MS = 5_000;
/** How often a bucket that is not there is looked for; also the time in which one that was deleted is noticed at best. */
const MISSING_CHECK_MS = 250;
/** A removal's mark must outlive every watch that is behind; those read everything afresh after 10 s at the latest. */
const PURGE_MARK_TTL_MS = 60_000;
/** The server takes its time with what has expired. */
const PURGE_MARK_GRACE_MS = 5_000;

export class KvMirror {
  private readonly options: KvMirrorOptions;
  private readonly known = new Map<string, MirrorEntry>();
  /** Keys that stand otherwise than they were last known by the one who asks (`takeTouched`). */
  private touched = new Set<string>();
  /** Values on their way, undefined for a removal: their echo is no news. */
  private readonly writing = new Map<string, { readonly value: Uint8Array | undefined }>();
  /** When the marks of purged keys are gone for good, earliest first. */
  private readonly expiring = new Map<string, number>();
  private watch: BucketWatch | undefined;
  private timer: NodeJS.Timeout | undefined;
  private whole = false;
  private count = 0;
  private waiters: (() => void)[] = [];

  constructor(options: KvMirrorOptions) {
    this.options = options;
  }

  start(): void {
    const { link, bucket, keys, log, onMissing } = this.options;
    this.watch = watchBucket(link, {
      bucket,
      ...(keys === undefined ? {} : { keys }),
      log,
      onEntry: (entry) => this.take(entry),
      onReset: () => this.forget(),
      onCaughtUp: () => {
        this.whole = true;
        for (const waiter of this.waiters.splice(0)) waiter();
        this.options.onChange();
      },
    });
    this.timer = setInterval(() => {
      if (this.watch?.state() === "missing") onMissing();
      this.dropExpired();
    }, MISSING_CHECK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.watch?.stop();
  }

  /** Whether everything that the bucket holds is known. */
  isWhole(): boolean {
    return this.whole && this.watch?.state() === "current";
  }

  /** Another number when the bucket has been read afresh, for it may be another one since. */
  get incarnation(): number {
    return this.count;
  }

  /** Resolves when everything is known; never when the bucket does not come. */
  whenWhole(): Promise<void> {
    if (this.isWhole()) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  get(key: string): MirrorEntry | undefined {
    return this.known.get(key);
  }

  /** Keys that begin with `prefix`, removed ones included. */
  *entries(prefix: string): Generator<readonly [key: string, entry: MirrorEntry]> {
    for (const [key, entry] of this.known) if (key.startsWith(prefix)) yield [key, entry];
  }

  /** Keys that were changed by others, or found changed, since the last call; none of those that were told by a reset. */
  takeTouched(): ReadonlySet<string> {
    const { touched } = this;
    this.touched = new Set();
    return touched;
  }

  /**
   * Writes a key that nobody else has written since it was last seen; returns the sequence. Throws UNAVAILABLE otherwise,
   * after looking what stands there, and when the bucket has been read afresh since `incarnation`: trying again is then right.
   * With `ttlMs` (whole seconds) the key goes by itself.
   */
  async put(key: string, value: Uint8Array, incarnation: number, ttlMs?: number): Promise<number> {
    const { link, bucket } = this.options;
    this.require(incarnation);
    const expectRevision = this.known.get(key)?.sequence ?? 0;
    const options = { timeoutMs: WRITE_TIMEOUT_MS, expectRevision, ...(ttlMs === undefined ? {} : { ttlMs }) };
    const result = await this.announced(key, value, () => putKey(link.mux, bucket, key, value, options));
    return this.settle(key, value, result, incarnation);
  }

  /** Leaves a mark, so that every watch sees the key go. */
  async remove(key: string, incarnation: number): Promise<number> {
    const { link, bucket } = this.options;
    this.require(incarnation);
    const expectRevision = this.known.get(key)?.sequence ?? 0;
    const options = { timeoutMs: WRITE_TIMEOUT_MS, expectRevision };
    const result = await this.announced(key, undefined, () => deleteKey(link.mux, bucket, key, options));
    return this.settle(key, undefined, result, incarnation);
  }

  /** Takes the mark away too, in a while: for keys whose removal everyone has seen. */
  async purge(key: string): Promise<void> {
    const { link, bucket } = this.options;
    const expectRevision = this.known.get(key)?.sequence ?? 0;
    const options = { timeoutMs: WRITE_TIMEOUT_MS, expectRevision, ttlMs: PURGE_MARK_TTL_MS };
    const { incarnation } = this;
    const result = await this.announced(key, undefined, () => purgeKey(link.mux, bucket, key, options));
    const sequence = await this.settle(key, undefined, result, incarnation);
    if (this.known.get(key)?.sequence !== sequence) return;
    this.known.set(key, { value: undefined, sequence, purged: true });
    this.expiring.delete(key);
    this.expiring.set(key, performance.now() + PURGE_MARK_TTL_MS + PURGE_MARK_GRACE_MS);
  }

  private async announced(
    key: string,
    value: Uint8Array | undefined,
    write: () => Promise<PublishResult>,
  ): Promise<PublishResult> {
    const own = { value };
    this.writing.set(key, own);
    try {
      return await write();
    } finally {
      if (this.writing.get(key) === own) this.writing.delete(key);
    }
  }

  /** Of a mark that has expired nothing is told. Believed gone too early, a write of its key fails once and looks. */
  private dropExpired(): void {
    const nowMs = performance.now();
    for (const [key, dueMs] of this.expiring) {
      if (dueMs > nowMs) return;
      this.expiring.delete(key);
      if (this.known.get(key)?.purged) this.known.delete(key);
    }
  }

  private take({ key, value, sequence }: BucketEntry): void {
    const before = this.known.get(key);
    if (before !== undefined && before.sequence >= sequence) return;
    // A copy: the watch's bytes are a view of a socket buffer.
    this.known.set(key, { value: value === undefined ? undefined : new Uint8Array(value), sequence });
    const own = this.writing.get(key);
    if (own !== undefined && sameValue(own.value, value)) return;
    this.touched.add(key);
    if (this.whole) this.options.onChange();
  }

  private async settle(
    key: string,
    value: Uint8Array | undefined,
    result: PublishResult,
    incarnation: number,
  ): Promise<number> {
    // The answer may speak of the bucket before: its sequence means nothing in this one.
    this.require(incarnation);
    if (result.kind === "stored") {
      const before = this.known.get(key);
      if (before === undefined || before.sequence < result.sequence) {
        this.known.set(key, { value, sequence: result.sequence });
      }
      return result.sequence;
    }
    if (result.kind === "conflict") await this.look(key);
    // It may have been stored, and the bucket may be replaced before anyone looks: only reading all of it tells.
    if (result.kind === "unavailable") this.readAfresh();
    throw new BeamlineError("UNAVAILABLE", `key ${key} of bucket ${this.options.bucket}: ${describeResult(result)}`);
  }

  /** Takes over what stands at a key now. A mark of a removal expires without a word, so only looking tells. */
  async look(key: string): Promise<void> {
    const { link, bucket, log } = this.options;
    const found = await getKey(link.mux, bucket, key, WRITE_TIMEOUT_MS);
    if (found.kind !== "found" && found.kind !== "missing") return;
    const standing = found.kind === "found" ? found : undefined;
    this.touched.add(key);
    if (isOtherBucket(this.known.get(key), standing)) {
      log.warn("bucket was replaced", { bucket, key });
      this.readAfresh();
    } else if (standing === undefined) {
      this.known.delete(key);
    } else {
      const value = isRemoval(standing.headers) ? undefined : new Uint8Array(standing.data);
      this.known.set(key, { value, sequence: standing.sequence });
    }
  }

  private require(incarnation: number): void {
    if (incarnation === this.count) return;
    throw new BeamlineError("UNAVAILABLE", `bucket ${this.options.bucket} has been read afresh meanwhile`);
  }

  private readAfresh(): void {
    this.forget();
    this.watch?.reset();
  }

  private forget(): void {
    this.count++;
    this.whole = false;
    this.known.clear();
    this.touched.clear();
    this.expiring.clear();
  }
}

function sameValue(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}

function describeResult(result: Exclude<PublishResult, { readonly kind: "stored" }>): string {
  switch (result.kind) {
    case "conflict":
    case "inFlight":
      return "another writer was faster";
    case "full":
    case "rejected":
      return result.description;
    case "unavailable":
      return `not written (${result.reason})`;
  }
}
