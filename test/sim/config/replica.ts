// One router's side in the simulation: the real staging, a table that is only what it serves, and a watch that misbehaves.
import { buildAck } from "../../../core/config/acknowledge.ts";
import type { ConfigEntry, RejectedEntry, RouterAck, RouterKey, StagedEntry } from "../../../core/config/entry.ts";
import { parseEntry } from "../../../core/config/entry-value.ts";
import { headKey, parseConfigKey } from "../../../core/config/keys.ts";
import {
  advanceStage,
  createStage,
  isSettled,
  type Stage,
  type StagedChanges,
  type StageEvent,
} from "../../../core/config/stage.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import type { ModelBucket, StoredEntry } from "./model-bucket.ts";
import type { Variant } from "./variants.ts";

export const ROUTER: RouterKey = { namespace: "beamline-system", name: "default" };
export const PREFIX = `${ROUTER.namespace}.${ROUTER.name}.`;

/** What a spec is in the simulation: its value, and which replicas cannot compile it. */
export interface SimSpec {
  readonly text: string;
  readonly rejectedBy: readonly string[];
}

export interface ServedEntry {
  readonly uid: string;
  readonly generation: number;
  readonly text: string;
  readonly sequence: number;
}

/** A running process; a crash makes another one with the same name. */
export class Replica {
  readonly name: string;
  readonly uid: string;
  readonly table = new Map<string, ServedEntry>();
  rejected: RejectedEntry[] = [];
  applied: { readonly revision: number; readonly epoch: string } | undefined;
  ackDue = true;
  /** A watch was asked for and has not begun. */
  watchDue = true;
  private readonly variant: Variant;
  private stage: Stage = createStage(ROUTER);
  private bucket: ModelBucket | undefined;
  private cursor = 0;
  private snapshotEnd = 0;
  private complete = false;
  private held: StoredEntry | undefined;
  private delivered: StoredEntry | undefined;

  constructor(name: string, uid: string, variant: Variant) {
    this.name = name;
    this.uid = uid;
    this.variant = variant;
  }

  get ready(): boolean {
    return this.applied !== undefined;
  }

  settled(): boolean {
    return isSettled(this.stage);
  }

  /** Whether the watch has something to say. A watch of a bucket that is gone is silent. */
  hasNext(bucket: ModelBucket | undefined): boolean {
    if (this.watchDue || this.bucket === undefined || this.bucket !== bucket) return false;
    return !this.complete || this.held !== undefined || this.bucket.next(PREFIX, this.cursor) !== undefined;
  }

  beginWatch(bucket: ModelBucket | undefined): void {
    if (bucket === undefined) {
      this.advance({ kind: "readFailed" });
      return;
    }
    this.watchDue = false;
    this.bucket = bucket;
    this.cursor = 0;
    this.snapshotEnd = bucket.lastSequence;
    this.complete = false;
    this.held = undefined;
    this.advance({ kind: "snapshotBegin", bucketCreated: bucket.id });
  }

  /** The next message of the watch: delivered, lost, held back behind the one after it, or delivered twice. */
  deliver(fault: "none" | "lose" | "hold" | "repeat"): void {
    const message = this.bucket?.next(PREFIX, this.cursor);
    if (message !== undefined) {
      this.cursor = message.sequence;
      if (fault === "hold" && this.held === undefined) this.held = message;
      else if (fault !== "lose") this.take(message);
      if (fault === "repeat") this.take(this.delivered ?? message);
    }
    if (this.held !== undefined && (fault !== "hold" || message === undefined)) {
      const { held } = this;
      this.held = undefined;
      this.take(held);
    }
    const after = this.bucket?.next(PREFIX, this.cursor);
    if (!this.complete && this.held === undefined && (after === undefined || after.sequence > this.snapshotEnd)) {
      this.complete = true;
      this.advance({ kind: "snapshotComplete" });
    }
  }

  missHeartbeats(): void {
    this.advance({ kind: "heartbeatsMissed" });
  }

  poll(bucket: ModelBucket | undefined): void {
    const headSequence = bucket?.get(headKey(ROUTER))?.sequence;
    this.advance({ kind: "poll", headSequence, ...(bucket === undefined ? {} : { bucketCreated: bucket.id }) });
  }

  acknowledgement(): RouterAck {
    const { applied, variant, stage } = this;
    const revision = variant.acknowledge === "applied" ? applied?.revision : stage.lastSequence;
    const shown = applied === undefined ? undefined : { epoch: applied.epoch, revision: revision ?? 0 };
    return buildAck({ podUid: this.uid, version: "sim", applied: shown, rejected: this.rejected });
  }

  private take(message: StoredEntry): void {
    this.delivered = message;
    if (this.variant.acknowledge === "highest-seen" && this.applied !== undefined) this.ackDue = true;
    this.advance({ kind: "change", key: message.key, value: message.value, sequence: message.sequence });
    // Whoever skips the comparison serves whatever has come by the time of the head.
    const { seen, staged } = this.stage;
    if (this.variant.swap === "unverified" && message.key === headKey(ROUTER) && seen?.head !== undefined) {
      this.swap(seen.sequence, seen.head.epoch, { changes: new Map(staged), isWhole: true });
    }
  }

  private advance(event: StageEvent): void {
    const step = advanceStage(this.stage, event, nodeCodec);
    this.stage = step.state;
    for (const action of step.actions) {
      if (action.kind === "swap") this.swap(action.revision, action.epoch, action);
      else if (this.variant.swap === "verified" || event.kind !== "change") this.watchDue = true;
    }
  }

  private swap(revision: number, epoch: string, { changes, isWhole }: StagedChanges): void {
    if (isWhole) {
      this.table.clear();
      this.rejected = [];
    }
    for (const [key, staged] of changes) {
      this.table.delete(key);
      this.rejected = this.rejected.filter((rejection) => rejection.key !== key);
      if (staged !== undefined) this.serve(staged);
    }
    this.applied = { revision, epoch };
    this.ackDue = true;
  }

  /** As `applyChanges` does it: `current`, or `lastGood` when that cannot be compiled, or nothing. */
  private serve({ key, value, sequence }: StagedEntry): void {
    const parsed = parseConfigKey(ROUTER, key);
    const entry = parsed === undefined ? undefined : parseEntry(nodeCodec, parsed, value);
    if (entry === undefined) throw new Error(`entry ${key} cannot be read`);
    const served = choose(entry, this.name);
    if (served?.generation !== entry.generation) {
      this.rejected.push({ key, uid: entry.uid, generation: entry.generation, reason: "not compiled here" });
    }
    if (served === undefined) return;
    this.table.set(key, { uid: entry.uid, generation: served.generation, text: served.spec.text, sequence });
  }
}

/** What a replica of this name serves for an entry. */
export function choose(
  entry: Pick<ConfigEntry, "generation" | "current" | "lastGood">,
  replica: string,
): { readonly generation: number; readonly spec: SimSpec } | undefined {
  const current = entry.current as SimSpec;
  if (!current.rejectedBy.includes(replica)) return { generation: entry.generation, spec: current };
  const lastGood = entry.lastGood?.spec as SimSpec | undefined;
  if (entry.lastGood === undefined || lastGood === undefined || lastGood.rejectedBy.includes(replica)) return undefined;
  return { generation: entry.lastGood.generation, spec: lastGood };
}
