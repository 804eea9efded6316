// Makes the configuration bucket hold exactly what is desired, then writes the head that says so (architecture.md "Configuration").
import { randomBytes } from "node:crypto";
import type { ConfigEntry, ConfigHead, RouterKey } from "../core/config/entry.ts";
import { parseEntry } from "../core/config/entry-value.ts";
import { encodeHead, headOf, parseHead, parseJsonRecord } from "../core/config/head.ts";
import { BUCKET_EPOCH_KEY, BUS_OWNER_KEY, FILE_OBJECT_PREFIX, headKey, parseConfigKey } from "../core/config/keys.ts";
import type { ProgrammedTarget } from "../core/config/programmed.ts";
import type { LayeredMap } from "../core/layered-map.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import type { Logger } from "../runtime/log.ts";
import type { KvMirror } from "../runtime/nats/kv-mirror.ts";
import { type DesiredSet, desiredSet, NOTHING_DESIRED } from "./desired-set.ts";
import { ProgrammedTargets, type Removal, type WrittenHead } from "./programmed-targets.ts";
import { runAll } from "./run-all.ts";

/** What publishing needs of the bucket; a simulation has a model of it. */
export type ConfigBucket = Pick<
  KvMirror,
  "isWhole" | "incarnation" | "get" | "entries" | "takeTouched" | "put" | "remove" | "purge"
>;

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

const EPOCH_BYTES = 12;
/** Writes that wait for their acknowledgement at once. */
const MAX_WRITES_IN_FLIGHT = 64;

export class ConfigPublisher {
  private readonly options: ConfigPublisherOptions;
  private readonly targets = new ProgrammedTargets();
  private head: WrittenHead | undefined;
  private desired: DesiredSet = NOTHING_DESIRED;
  private records: ReadonlyMap<string, Uint8Array> = new Map();
  /** Keys that may stand otherwise than desired, or after the head. */
  private readonly dirty = new Set<string>();
  /** Bucket and epoch in which all other keys have been compared. */
  private compared: { readonly incarnation: number; readonly epoch: string } | undefined;
  /** Highest sequence of this router's keys, the head aside. */
  private lastChange = 0;

  constructor(options: ConfigPublisherOptions) {
    this.options = options;
  }

  /** Head in force as far as this operator knows; undefined before the first. */
  get current(): WrittenHead | undefined {
    return this.head;
  }

  /** Head that stands in the bucket, whoever wrote it. */
  standingHead(): WrittenHead | undefined {
    const entry = this.options.mirror.get(headKey(this.options.router));
    const head = entry?.value === undefined ? undefined : parseHead(nodeCodec, entry.value);
    return head === undefined || entry === undefined ? undefined : { revision: entry.sequence, epoch: head.epoch };
  }

  target(key: string): ProgrammedTarget | undefined {
    return this.targets.get(key);
  }

  /** By key; another map after each change. */
  get allTargets(): LayeredMap<ProgrammedTarget> {
    return this.targets.all;
  }

  /** Removed keys whose marks still stand. */
  pendingRemovals(): readonly Removal[] {
    return this.targets.pendingRemovals();
  }

  /** Entry of this router that stands in the bucket. */
  storedEntry(key: string): ConfigEntry | undefined {
    const { mirror, router } = this.options;
    const value = mirror.get(key)?.value;
    const parsed = value === undefined ? undefined : parseConfigKey(router, key);
    return parsed === undefined || value === undefined ? undefined : parseEntry(nodeCodec, parsed, value);
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
  async publish(entries: LayeredMap<ConfigEntry>, records: ReadonlyMap<string, Uint8Array>): Promise<PublishOutcome> {
    const { mirror } = this.options;
    if (!mirror.isWhole()) return { kind: "not_ready" };
    // Every write of this call belongs to the bucket that was compared: a head must not take its epoch into another one.
    const { incarnation } = mirror;
    const owner = await this.claimBus(incarnation);
    if (owner !== undefined) return { kind: "conflict", owner };
    const epoch = await this.ensureEpoch(incarnation);
    this.desire(entries, records, { incarnation, epoch });
    // What is touched from here on is compared the next time.
    const keys = [...this.dirty];
    await this.writeDifferences(keys.filter(isRecord), incarnation);
    await this.writeDifferences(keys.filter(this.isEntry), incarnation);
    this.noteLastChange(keys);
    const changed = await this.writeHead(headOf(epoch, this.desired.set), incarnation);
    if (!mirror.isWhole() || mirror.incarnation !== incarnation) return { kind: "not_ready" };
    const revision = mirror.get(headKey(this.options.router))?.sequence ?? 0;
    this.settle(keys, { revision, epoch });
    return { kind: "published", revision, epoch, changed };
  }

  /** Drops the mark of a removed key. */
  async purge(key: string): Promise<void> {
    // Written again meanwhile: there is no mark any more.
    if (this.options.mirror.get(key)?.value === undefined) {
      await this.options.mirror.purge(key);
      this.options.onWrite("purge");
    }
    this.targets.markIsGone(key);
  }

  private readonly isEntry = (key: string): boolean => {
    const { router } = this.options;
    return key.startsWith(`${router.namespace}.${router.name}.`) && key !== headKey(router);
  };

  /** Name of the Router that owns the bus when it is another one; otherwise it is this one from now on. */
  private async claimBus(incarnation: number): Promise<string | undefined> {
    const { mirror, router } = this.options;
    if (mirror.get(BUS_OWNER_KEY)?.value !== undefined) return this.otherOwner();
    const value = nodeCodec.encodeUtf8(JSON.stringify({ ...router, uid: randomId() }));
    await mirror.put(BUS_OWNER_KEY, value, incarnation);
    return undefined;
  }

  /** The Router is gone: another one may have the bus. Its entries stay, because routers that drain still decide by them. */
  async releaseBus(): Promise<void> {
    const { mirror } = this.options;
    if (mirror.get(BUS_OWNER_KEY)?.value !== undefined && this.otherOwner() === undefined)
      await mirror.purge(BUS_OWNER_KEY);
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

  /** Takes over what is desired, and marks as dirty what that or the bucket makes differ. */
  private desire(
    entries: LayeredMap<ConfigEntry>,
    records: ReadonlyMap<string, Uint8Array>,
    compared: { readonly incarnation: number; readonly epoch: string },
  ): void {
    const { mirror, router } = this.options;
    const { desired, dirty } = this;
    this.desired = desiredSet(desired, entries);
    for (const key of this.desired.encoded.changedSince(desired.encoded)) dirty.add(key);
    if (records !== this.records) for (const key of [...this.records.keys(), ...records.keys()]) dirty.add(key);
    this.records = records;
    for (const key of mirror.takeTouched()) dirty.add(key);
    if (this.compared?.incarnation === compared.incarnation && this.compared.epoch === compared.epoch) return;
    this.compared = compared;
    this.lastChange = 0;
    for (const key of [...this.desired.encoded.keys(), ...records.keys()]) dirty.add(key);
    for (const prefix of [`${router.namespace}.${router.name}.`, `${FILE_OBJECT_PREFIX}.`]) {
      for (const [key] of mirror.entries(prefix)) dirty.add(key);
    }
  }

  private async writeDifferences(keys: readonly string[], incarnation: number): Promise<void> {
    const { mirror, onWrite } = this.options;
    const writes: (() => Promise<void>)[] = [];
    for (const key of keys) {
      const value = this.desired.encoded.get(key)?.value ?? this.records.get(key);
      const current = mirror.get(key)?.value;
      if (value !== undefined && (current === undefined || Buffer.compare(current, value) !== 0)) {
        writes.push(async () => {
          await mirror.put(key, value, incarnation);
          onWrite("put");
        });
      } else if (value === undefined && current !== undefined) {
        writes.push(async () => {
          await mirror.remove(key, incarnation);
          onWrite("delete");
        });
      }
    }
    await runAll(writes, MAX_WRITES_IN_FLIGHT);
  }

  private noteLastChange(keys: readonly string[]): void {
    for (const key of keys.filter(this.isEntry)) {
      const standing = this.options.mirror.get(key);
      if (standing !== undefined && !standing.purged) this.lastChange = Math.max(this.lastChange, standing.sequence);
    }
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
    if (same && this.lastChange < sequence) return false;
    await mirror.put(key, encodeHead(nodeCodec, head), incarnation);
    onWrite("head");
    return true;
  }

  /** All of `keys` stands as desired, and the head after it. */
  private settle(keys: readonly string[], head: WrittenHead): void {
    this.head = head;
    this.targets.headWritten(this.desired.entries, head);
    for (const key of keys) {
      this.dirty.delete(key);
      if (!this.isEntry(key)) continue;
      const standing = this.options.mirror.get(key);
      if (standing !== undefined && standing.value === undefined && !standing.purged)
        this.targets.markStands(key, head);
      else this.targets.markIsGone(key);
    }
  }
}

function isRecord(key: string): boolean {
  return key.startsWith(`${FILE_OBJECT_PREFIX}.`);
}

function randomId(): string {
  return randomBytes(EPOCH_BYTES).toString("hex");
}
