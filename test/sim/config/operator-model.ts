// The operator's side in the simulation: the real publisher on a model of the bucket, each of whose writes waits for chance.
import type { ConfigEntry, RouterAck } from "../../../core/config/entry.ts";
import { type DesiredEntry, nextEntry } from "../../../core/config/last-good.ts";
import type { RouterPod } from "../../../core/config/programmed.ts";
import { LayeredMap } from "../../../core/layered-map.ts";
import { type ConfigBucket, ConfigPublisher } from "../../../operator/publish-config.ts";
import { servedCheck } from "../../../operator/served-check.ts";
import type { Logger } from "../../../runtime/log.ts";
import { isOtherBucket, type MirrorEntry } from "../../../runtime/nats/kv-mirror.ts";
import type { ModelBucket } from "./model-bucket.ts";
import { ROUTER } from "./replica.ts";
import type { Variant } from "./variants.ts";

/** How a write ends: stored and known to be, stored with the answer lost, or never stored. */
export type WriteEnd = "stored" | "answer-lost" | "lost";

interface PendingWrite {
  finish(end: WriteEnd): void;
}

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** One operator process. A crash leaves it behind with whatever it had not written. */
export class OperatorModel implements ConfigBucket {
  readonly publisher: ConfigPublisher;
  readonly acks = new Map<string, RouterAck>();
  pods: readonly RouterPod[] = [];
  /** Something is desired or has been seen that is not compared yet. */
  dirty = true;
  busy = false;
  incarnation = 0;
  readonly pending: PendingWrite[] = [];
  private readonly current: () => ModelBucket | undefined;
  private bucket: ModelBucket | undefined;
  private known = new Map<string, MirrorEntry>();
  private touched = new Set<string>();
  private entriesBefore: LayeredMap<ConfigEntry> = LayeredMap.empty();

  private readonly variant: Variant;

  constructor(current: () => ModelBucket | undefined, variant: Variant) {
    this.current = current;
    this.variant = variant;
    this.publisher = new ConfigPublisher({ mirror: this, router: ROUTER, log: silent, onWrite: () => undefined });
  }

  /** The watch has caught up with the bucket that is there now. */
  sync(): void {
    const bucket = this.current();
    if (bucket !== this.bucket && this.variant.bucket === "followed") this.incarnation++;
    this.bucket = bucket;
    const { known } = this;
    this.known = new Map([...(this.bucket?.all() ?? [])].map(({ key, value, sequence }) => [key, { value, sequence }]));
    for (const key of [...known.keys(), ...this.known.keys()]) {
      const [before, now] = [known.get(key), this.known.get(key)];
      if (before?.sequence !== now?.sequence || before?.purged !== now?.purged) this.touched.add(key);
    }
    this.dirty = true;
  }

  isSynced(): boolean {
    const bucket = this.current();
    if (bucket !== this.bucket) return false;
    return (
      bucket === undefined || [...bucket.all()].every(({ key, sequence }) => this.known.get(key)?.sequence === sequence)
    );
  }

  /** One pass, as the operator makes it. Failures are what trying again is for. */
  async publish(desired: ReadonlyMap<string, DesiredEntry>): Promise<void> {
    this.busy = true;
    this.dirty = false;
    try {
      const standing = (key: string) => this.publisher.storedEntry(key);
      const wasProgrammed = servedCheck({
        target: (key) => this.publisher.target(key),
        acks: this.acks,
        pods: this.pods,
        standing,
        standingHead: this.publisher.standingHead(),
      });
      const changes = new Map<string, ConfigEntry | undefined>();
      for (const key of this.entriesBefore.keys()) if (!desired.has(key)) changes.set(key, undefined);
      for (const [key, wish] of desired) {
        const stored = this.entriesBefore.get(key) ?? standing(key);
        changes.set(key, nextEntry(stored, wasProgrammed(key), wish));
      }
      const entries = this.entriesBefore.with(changes);
      const outcome = await this.publisher.publish(entries, new Map());
      if (outcome.kind === "published") this.entriesBefore = entries;
      else this.dirty = true;
    } catch {
      this.dirty = true;
    } finally {
      this.busy = false;
    }
  }

  isWhole(): boolean {
    return this.bucket !== undefined;
  }

  get(key: string): MirrorEntry | undefined {
    return this.known.get(key);
  }

  *entries(prefix: string): Generator<readonly [string, MirrorEntry]> {
    for (const [key, entry] of this.known) if (key.startsWith(prefix)) yield [key, entry];
  }

  takeTouched(): ReadonlySet<string> {
    const { touched } = this;
    this.touched = new Set();
    return touched;
  }

  async put(key: string, value: Uint8Array, incarnation: number): Promise<number> {
    this.require(incarnation);
    return this.write(key, value);
  }

  async remove(key: string, incarnation: number): Promise<number> {
    this.require(incarnation);
    return this.write(key, undefined);
  }

  async purge(key: string): Promise<void> {
    const sequence = await this.write(key, undefined);
    if (this.known.get(key)?.sequence === sequence) this.known.set(key, { value: undefined, sequence, purged: true });
  }

  private write(key: string, value: Uint8Array | undefined): Promise<number> {
    const expectRevision = this.known.get(key)?.sequence ?? 0;
    const { incarnation } = this;
    return new Promise((resolve, reject) => {
      const finish = (end: WriteEnd): void => {
        // The bucket of this moment: it may be another one than the write was meant for, or none.
        const bucket = this.current();
        const sequence = end === "lost" ? undefined : bucket?.write(key, value, expectRevision);
        if (end !== "stored" || bucket === undefined || !this.isSame(incarnation)) {
          this.readAfresh();
          reject(new Error("no answer"));
        } else if (sequence === undefined) {
          this.refresh(key, bucket.get(key));
          reject(new Error("another writer was faster"));
        } else {
          const before = this.known.get(key);
          if (before === undefined || before.sequence < sequence) this.known.set(key, { value, sequence });
          resolve(sequence);
        }
      };
      this.pending.push({ finish });
    });
  }

  /** As `KvMirror` looks after a conflict. */
  private refresh(key: string, standing: MirrorEntry | undefined): void {
    this.touched.add(key);
    if (this.variant.bucket === "followed" && isOtherBucket(this.known.get(key), standing)) {
      this.readAfresh();
    } else if (standing === undefined) this.known.delete(key);
    else this.known.set(key, { value: standing.value, sequence: standing.sequence });
  }

  private require(incarnation: number): void {
    if (!this.isSame(incarnation)) throw new Error("read afresh meanwhile");
  }

  private isSame(incarnation: number): boolean {
    return incarnation === this.incarnation;
  }

  private readAfresh(): void {
    if (this.variant.bucket === "assumed") return;
    this.incarnation++;
    this.bucket = undefined;
    this.known = new Map();
  }
}
