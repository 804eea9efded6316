// The configuration as this router has it: watches the bucket, swaps whole tables, acknowledges what it serves.
import { buildAck, encodeAck } from "../core/config/acknowledge.ts";
import { type AppliedEntries, applyChanges, NOTHING_APPLIED } from "../core/config/apply.ts";
import type { RouterAck, RouterKey } from "../core/config/entry.ts";
import { ackKey, headKey, routerKeyPattern } from "../core/config/keys.ts";
import {
  advanceStage,
  createStage,
  isSettled,
  type Stage,
  type StageAction,
  type StageEvent,
} from "../core/config/stage.ts";
import type { Names } from "../core/handover/subjects.ts";
import { ExpressionCache } from "../core/policy/expression.ts";
import type { RoutingTable } from "../core/policy/table.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import { systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { getKey, putKey } from "../runtime/nats/kv.ts";
import { type BucketWatch, watchBucket } from "../runtime/nats/watch-bucket.ts";

export interface TableSourceOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly router: RouterKey;
  readonly pod: { readonly name: string; readonly uid: string; readonly version: string };
  readonly log: Logger;
  /** Called with each table that comes into force. */
  onTable(table: RoutingTable, revision: number, ack: RouterAck): void;
}

/** A head that the watch did not bring is found by looking for it (architecture.md "Configuration"). */
const POLL_MS = 10_000;
/** Changes within this time are one acknowledgement. */
const ACK_COALESCE_MS = 50;
/** Acknowledgements expire after 60 s. */
const ACK_PERIOD_MS = 10_000;
/** A write that did not succeed is repeated. */
const ACK_RETRY_MS = 500;
const IO_TIMEOUT_MS = 5_000;
/** Stands for "the bucket that the watch reads": the watch itself notices when it is another one. */
const WATCHED_BUCKET = "watched";

export class TableSource {
  private readonly options: TableSourceOptions;
  private stage: Stage;
  private watch: BucketWatch | undefined;
  private readonly expressions = new ExpressionCache();
  private entries: AppliedEntries = NOTHING_APPLIED;
  private applied: { readonly revision: number; readonly epoch: string } | undefined;
  private pollTimer: NodeJS.Timeout | undefined;
  private ackTimer: NodeJS.Timeout | undefined;
  private ackDueMs = Number.POSITIVE_INFINITY;
  private stopped = false;

  constructor(options: TableSourceOptions) {
    this.options = options;
    this.stage = createStage(options.router);
  }

  /** Head in force; undefined before the first. */
  get revision(): number | undefined {
    return this.applied?.revision;
  }

  start(): void {
    const { link, names, router, log } = this.options;
    this.advance({ kind: "snapshotBegin", bucketCreated: WATCHED_BUCKET });
    this.watch = watchBucket(link, {
      bucket: names.buckets.config,
      keys: routerKeyPattern(router),
      onEntry: ({ key, value, sequence }) => this.advance({ kind: "change", key, value, sequence }),
      onReset: (reason) => {
        log.info("configuration read again", { reason });
        this.advance({ kind: "snapshotBegin", bucketCreated: WATCHED_BUCKET });
      },
      onCaughtUp: () => this.advance({ kind: "snapshotComplete" }),
      log,
    });
    this.pollTimer = setInterval(() => void this.poll(), POLL_MS);
  }

  /** Withdraws nothing: the acknowledgement expires by itself when it is no longer renewed. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.pollTimer);
    clearTimeout(this.ackTimer);
    this.watch?.stop();
  }

  private advance(event: StageEvent): void {
    const step = advanceStage(this.stage, event, nodeCodec);
    this.stage = step.state;
    for (const action of step.actions) this.act(action);
  }

  private act(action: StageAction): void {
    if (action.kind === "swap") {
      this.swap(action);
      return;
    }
    this.options.log.info("configuration reread", { reason: action.reason });
    this.watch?.reset();
  }

  private swap(action: Extract<StageAction, { kind: "swap" }>): void {
    const { router, onTable, log } = this.options;
    const startMs = performance.now();
    const compile = { expressions: this.expressions };
    this.entries = applyChanges(this.entries, action, { codec: nodeCodec, router, compile });
    const { table, rejected } = this.entries;
    this.applied = { revision: action.revision, epoch: action.epoch };
    onTable(table, action.revision, this.ack());
    this.scheduleAck(ACK_COALESCE_MS);
    log.info("configuration in force", {
      revision: action.revision,
      policies: table.policyCount,
      rejected: rejected.length,
      duration_ms: Math.round(performance.now() - startMs),
    });
  }

  private async poll(): Promise<void> {
    const { link, names, router } = this.options;
    if (this.stopped || !link.connected() || this.watch?.state() !== "current") return;
    const head = await getKey(link.mux, names.buckets.config, headKey(router), IO_TIMEOUT_MS);
    if (this.stopped || this.watch?.state() !== "current") return;
    if (head.kind !== "found" && head.kind !== "missing") return;
    const headSequence = head.kind === "found" ? head.sequence : undefined;
    // The watch brings a head that was written a moment ago: only what it has had time to bring is missing.
    if (headSequence !== undefined && headSequence > this.stage.lastSequence && isSettled(this.stage)) {
      setTimeout(() => this.confirm(headSequence), IO_TIMEOUT_MS).unref();
      return;
    }
    this.advance({ kind: "poll", headSequence, bucketCreated: WATCHED_BUCKET });
  }

  private confirm(headSequence: number): void {
    if (this.stopped || this.stage.lastSequence >= headSequence) return;
    this.advance({ kind: "poll", headSequence, bucketCreated: WATCHED_BUCKET });
  }

  /** Writes at the latest after `delayMs`; an earlier appointment stands. */
  private scheduleAck(delayMs: number): void {
    if (this.stopped) return;
    const dueMs = systemClock.monotonicMs() + delayMs;
    if (dueMs >= this.ackDueMs) return;
    clearTimeout(this.ackTimer);
    this.ackDueMs = dueMs;
    this.ackTimer = setTimeout(() => void this.acknowledge(), delayMs);
  }

  private async acknowledge(): Promise<void> {
    this.ackDueMs = Number.POSITIVE_INFINITY;
    const { link, names, router, pod } = this.options;
    const key = ackKey(router, pod.name);
    const result = await putKey(link.mux, names.buckets.acks, key, encodeAck(nodeCodec, this.ack()), {
      timeoutMs: IO_TIMEOUT_MS,
    });
    if (result.kind !== "stored") this.options.log.warn("acknowledgement not written", { result: result.kind });
    this.scheduleAck(result.kind === "stored" ? ACK_PERIOD_MS : ACK_RETRY_MS);
  }

  private ack(): RouterAck {
    const { pod } = this.options;
    return buildAck({
      podUid: pod.uid,
      version: pod.version,
      applied: this.applied,
      rejected: this.entries.rejected,
    });
  }
}
