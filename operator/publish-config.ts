// Makes the configuration bucket hold exactly what is desired, then writes the head that says so (architecture.md "Configuration").
import { randomBytes } from "node:crypto";
import type { ConfigEntry, ConfigHead, RouterKey, StagedEntry } from "../core/config/entry.ts";
import { encodeEntry, parseEntry } from "../core/config/entry-value.ts";
import { configHead, encodeHead, parseHead, parseJsonRecord } from "../core/config/head.ts";
import { BUCKET_EPOCH_KEY, BUS_OWNER_KEY, FILE_OBJECT_PREFIX, headKey, parseConfigKey } from "../core/config/keys.ts";
import type { ProgrammedTarget } from "../core/config/programmed.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import type { Logger } from "../runtime/log.ts";
import type { KvMirror, MirrorEntry } from "./kv-mirror.ts";

/** What publishing needs of the bucket; a simulation has a model of it. */
export type ConfigBucket = Pick<KvMirror, "isWhole" | "incarnation" | "get" | "entries" | "put" | "remove" | "purge">;

export interface ConfigPublisherOptions {
  readonly mirror: ConfigBucket;
  readonly router: RouterKey;
  readonly log: Logger;
  /** Told of each write: for metrics. */
  onWrite(kind: "put" | "delete" | "purge" | "head"): void;
}

export type PublishOutcome =
  | { readonly kind: "published"; readonly revision: number; readonly epoch: string; readonly changed: boolean }
  /** The bus belongs to another Router: nothing was written. */
  | { readonly kind: "conflict"; readonly owner: string }
  /** The bucket is not known whole: it will be told when it is. */
  | { readonly kind: "not_ready" };

/** A removed key: it stays as a mark until every router has acknowledged the head without it. */
export interface Removal {
  readonly key: string;
  readonly revision: number;
  readonly epoch: string;
}

const EPOCH_BYTES = 12;
/** Writes that wait for their acknowledgement at once. */
const MAX_WRITES_IN_FLIGHT = 64;

export class ConfigPublisher {
  private readonly options: ConfigPublisherOptions;
  private readonly targets = new Map<string, ProgrammedTarget>();
  private readonly removals = new Map<string, Removal>();
  private head: { readonly revision: number; readonly epoch: string } | undefined;
  /** Values whose entries were made last, so that thousands of unchanged ones are not encoded and digested again. */
  private encoded = new Map<string, { readonly entry: ConfigEntry; readonly staged: StagedEntry }>();

  constructor(options: ConfigPublisherOptions) {
    this.options = options;
  }

  /** Head in force as far as this operator knows; undefined before the first. */
  get current(): { readonly revision: number; readonly epoch: string } | undefined {
    return this.head;
  }

  /** Head that stands in the bucket, whoever wrote it. */
  standingHead(): { readonly revision: number; readonly epoch: string } | undefined {
    const entry = this.options.mirror.get(headKey(this.options.router));
    const head = entry?.value === undefined ? undefined : parseHead(nodeCodec, entry.value);
    return head === undefined || entry === undefined ? undefined : { revision: entry.sequence, epoch: head.epoch };
  }

  target(key: string): ProgrammedTarget | undefined {
    return this.targets.get(key);
  }

  /** Removed keys whose marks still stand. */
  pendingRemovals(): readonly Removal[] {
    return [...this.removals.values()];
  }

  /** Entries of this router that stand in the bucket. */
  storedEntries(): ReadonlyMap<string, ConfigEntry> {
    const stored = new Map<string, ConfigEntry>();
    for (const [key, { value }] of this.routerKeys()) {
      const parsed = parseConfigKey(this.options.router, key);
      const entry = parsed === undefined || value === undefined ? undefined : parseEntry(nodeCodec, parsed, value);
      if (entry !== undefined) stored.set(key, entry);
    }
    return stored;
  }

  /** Records of `_files.` that stand in the bucket. */
  storedRecords(): ReadonlyMap<string, Uint8Array> {
    const records = new Map<string, Uint8Array>();
    for (const [key, { value }] of this.options.mirror.entries(`${FILE_OBJECT_PREFIX}.`)) {
      if (value !== undefined) records.set(key, value);
    }
    return records;
  }

  /**
   * Writes what differs, then the head if the set or the epoch is another. One call at a time. Throws UNAVAILABLE when a
   * write did not succeed; calling again is then right, since only differences are written.
   */
  async publish(
    entries: ReadonlyMap<string, ConfigEntry>,
    records: ReadonlyMap<string, Uint8Array>,
  ): Promise<PublishOutcome> {
    const { mirror } = this.options;
    if (!mirror.isWhole()) return { kind: "not_ready" };
    // Every write of this call belongs to the bucket that was compared: a head must not take its epoch into another one.
    const { incarnation } = mirror;
    const owner = await this.claimBus(incarnation);
    if (owner !== undefined) return { kind: "conflict", owner };
    const epoch = await this.ensureEpoch(incarnation);
    await this.writeDifferences(records, mirror.entries(`${FILE_OBJECT_PREFIX}.`), incarnation);
    const staged = this.encode(entries);
    const values = new Map([...staged].map(([key, { value }]) => [key, value]));
    await this.writeDifferences(values, this.routerKeys(), incarnation);
    const changed = await this.writeHead(configHead(nodeCodec, epoch, staged.values()), incarnation);
    if (!mirror.isWhole() || mirror.incarnation !== incarnation) return { kind: "not_ready" };
    const revision = mirror.get(headKey(this.options.router))?.sequence ?? 0;
    this.head = { revision, epoch };
    this.updateTargets(entries, revision, epoch);
    return { kind: "published", revision, epoch, changed };
  }

  /** Drops the mark of a removed key. */
  async purge(key: string): Promise<void> {
    // Written again meanwhile: there is no mark any more.
    if (this.options.mirror.get(key)?.value === undefined) {
      await this.options.mirror.purge(key);
      this.options.onWrite("purge");
    }
    this.removals.delete(key);
  }

  private *routerKeys(): Generator<readonly [string, MirrorEntry]> {
    const { mirror, router } = this.options;
    const head = headKey(router);
    for (const [key, entry] of mirror.entries(`${router.namespace}.${router.name}.`))
      if (key !== head) yield [key, entry];
  }

  /** Name of the Router that owns the bus when it is another one; otherwise it is this one from now on. */
  private async claimBus(incarnation: number): Promise<string | undefined> {
    const { mirror, router } = this.options;
    if (mirror.get(BUS_OWNER_KEY)?.value !== undefined) return this.otherOwner();
    const value = nodeCodec.encodeUtf8(JSON.stringify({ ...router, uid: randomId() }));
    await mirror.put(BUS_OWNER_KEY, value, incarnation);
    return undefined;
  }

  /** Name of the Router that owns the bus, when it is known to be another one. */
  otherOwner(): string | undefined {
    const { mirror, router } = this.options;
    const value = mirror.get(BUS_OWNER_KEY)?.value;
    if (value === undefined) return undefined;
    const owner = parseJsonRecord(nodeCodec, value);
    if (owner?.namespace === router.namespace && owner?.name === router.name) return undefined;
    return `${String(owner?.namespace ?? "unknown")}/${String(owner?.name ?? "unknown")}`;
  }

  /** A bucket without an epoch is a new one. One whose head went back was restored from a copy: that is a new one too. */
  private async ensureEpoch(incarnation: number): Promise<string> {
    const { mirror, router, log } = this.options;
    const value = mirror.get(BUCKET_EPOCH_KEY)?.value;
    const standing = value === undefined ? undefined : nodeCodec.decodeUtf8(value);
    const sequence = mirror.get(headKey(router))?.sequence ?? 0;
    const wentBack = this.head !== undefined && this.head.epoch === standing && sequence < this.head.revision;
    if (standing !== undefined && standing !== "" && !wentBack) return standing;
    const epoch = randomId();
    await mirror.put(BUCKET_EPOCH_KEY, nodeCodec.encodeUtf8(epoch), incarnation);
    log.info("configuration epoch begun", { epoch, cause: wentBack ? "head went back" : "new bucket" });
    return epoch;
  }

  private encode(entries: ReadonlyMap<string, ConfigEntry>): ReadonlyMap<string, StagedEntry> {
    const encoded = new Map<string, { readonly entry: ConfigEntry; readonly staged: StagedEntry }>();
    const staged = new Map<string, StagedEntry>();
    for (const [key, entry] of entries) {
      const known = this.encoded.get(key);
      const reuse = known !== undefined && isSameVersion(known.entry, entry) ? known.staged : undefined;
      const made = reuse ?? stage(key, encodeEntry(nodeCodec, entry));
      encoded.set(key, { entry, staged: made });
      staged.set(key, made);
    }
    this.encoded = encoded;
    return staged;
  }

  private async writeDifferences(
    desired: ReadonlyMap<string, Uint8Array>,
    standing: Iterable<readonly [string, MirrorEntry]>,
    incarnation: number,
  ): Promise<void> {
    const { mirror, onWrite } = this.options;
    const have = new Map(standing);
    const writes: (() => Promise<void>)[] = [];
    for (const [key, value] of desired) {
      const current = have.get(key)?.value;
      if (current !== undefined && Buffer.compare(current, value) === 0) continue;
      writes.push(async () => {
        await mirror.put(key, value, incarnation);
        onWrite("put");
      });
    }
    for (const [key, { value }] of have) {
      if (value === undefined || desired.has(key)) continue;
      writes.push(async () => {
        await mirror.remove(key, incarnation);
        onWrite("delete");
      });
    }
    await runAll(writes);
  }

  /**
   * Whether it had to be written. A head that says the same is written again when a change stands after it: routers compare
   * at the head, with what has come before it.
   */
  private async writeHead(head: ConfigHead, incarnation: number): Promise<boolean> {
    const { mirror, router, onWrite } = this.options;
    const key = headKey(router);
    const { value, sequence } = mirror.get(key) ?? { value: undefined, sequence: 0 };
    const standing = value === undefined ? undefined : parseHead(nodeCodec, value);
    const same = standing?.epoch === head.epoch && standing.count === head.count && standing.digest === head.digest;
    const isLast = [...this.routerKeys()].every(([, entry]) => entry.sequence < sequence || entry.purged);
    if (same && isLast) return false;
    await mirror.put(key, encodeHead(nodeCodec, head), incarnation);
    onWrite("head");
    return true;
  }

  /**
   * The target of what this head is the first to include is this head. Of what stood there when this process began, the
   * first head is not known: this one includes it, so nothing is called programmed too early.
   */
  private updateTargets(entries: ReadonlyMap<string, ConfigEntry>, revision: number, epoch: string): void {
    for (const [key, { uid, generation }] of entries) {
      const target = this.targets.get(key);
      const same = target?.uid === uid && target.generation === generation && target.epoch === epoch;
      if (!same) this.targets.set(key, { key, uid, generation, epoch, revision });
    }
    for (const key of [...this.targets.keys()]) if (!entries.has(key)) this.targets.delete(key);
    const marks = new Set<string>();
    for (const [key, { value, purged }] of this.routerKeys()) {
      if (value !== undefined || purged) continue;
      marks.add(key);
      const removal = this.removals.get(key);
      if (removal?.epoch !== epoch) this.removals.set(key, { key, revision, epoch });
    }
    for (const key of [...this.removals.keys()]) if (!marks.has(key)) this.removals.delete(key);
  }
}

function isSameVersion(left: ConfigEntry, right: ConfigEntry): boolean {
  return (
    left.uid === right.uid &&
    left.generation === right.generation &&
    left.current === right.current &&
    left.lastGood?.generation === right.lastGood?.generation
  );
}

function stage(key: string, value: Uint8Array): StagedEntry {
  return { key, value, sequence: 0, valueDigest: nodeCodec.sha256(value) };
}

function randomId(): string {
  return randomBytes(EPOCH_BYTES).toString("hex");
}

/** Runs all, a bounded number at once, to the end; then throws the first failure, if there was one. */
async function runAll(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) {
      await task().catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_WRITES_IN_FLIGHT, tasks.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
