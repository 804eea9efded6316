// Follows a bucket for ever. The client library's own recovery is not trusted: it stays silent when a bucket is made anew.
import { createInbox, type Msg, type Subscription } from "@nats-io/nats-core";
import { type Clock, systemClock } from "../clock.ts";
import type { Logger } from "../log.ts";
import {
  type BucketEntry,
  createBucketConsumer,
  deleteBucketConsumer,
  flowControlReply,
  heartbeatSequence,
  isControlMessage,
  requestStreamInfo,
  toBucketEntry,
} from "./bucket-consumer.ts";
import type { NatsLink } from "./connection.ts";
import { parseDeliveryInfo } from "./delivery-info.ts";
import { runInReader } from "./reader.ts";

export type { BucketEntry } from "./bucket-consumer.ts";

/** Why everything is read again. */
export type WatchBreak =
  | "disconnected"
  | "heartbeats_missed"
  | "delivery_gap"
  | "bucket_deleted"
  | "bucket_recreated"
  | "interrupted"
  | "requested";

export type WatchState =
  /** Everything that the bucket held has been told. */
  | "current"
  /** Entries are coming, or the server does not answer. */
  | "loading"
  | "missing";

export interface WatchOptions {
  readonly bucket: string;
  /** Which keys, as a subject pattern; `>` when absent. */
  readonly keys?: string;
  readonly onEntry: (entry: BucketEntry) => void;
  /** What was told before is void: every entry comes again. Not called before the first entries. */
  readonly onReset: (reason: WatchBreak) => void;
  /** Called once after the first entries and once after each reset, when the bucket has been told whole. */
  readonly onCaughtUp: () => void;
  readonly log: Logger;
  readonly heartbeatMs?: number;
  readonly pollMs?: number;
  readonly clock?: Clock;
}

export interface BucketWatch {
  state(): WatchState;
  /** Reads everything again. */
  reset(): void;
  stop(): void;
}

const HEARTBEAT_MS = 500;
const MISSED_HEARTBEATS = 3;
/** A bucket made anew while heartbeats go on cannot be, but costs one small request in ten seconds to rule out. */
const POLL_MS = 10_000;
const REQUEST_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;

/** Starts to follow; entries begin as soon as the bucket exists. */
export function watchBucket(link: NatsLink, options: WatchOptions): BucketWatch {
  return new Watcher(link, options);
}

class Watcher implements BucketWatch {
  private readonly link: NatsLink;
  private readonly options: WatchOptions;
  private readonly clock: Clock;
  private readonly heartbeatMs: number;
  private readonly unlisten: () => void;
  private readonly timers: NodeJS.Timeout[] = [];
  private subscription: Subscription | undefined;
  private consumer: string | undefined;
  private createdAt: string | undefined;
  private current: WatchState = "loading";
  /** Counts the attempts: what belongs to an older one is dropped. */
  private attempt = 0;
  private consumerSequence = 0;
  private heardMs = 0;
  private checkedMs = 0;
  private opening = false;
  private stopped = false;
  /** Set while there is something to void at the next start. */
  private broken: WatchBreak | undefined;
  private told = false;

  constructor(link: NatsLink, options: WatchOptions) {
    this.link = link;
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.unlisten = link.onStatus((status) => {
      if (status.kind === "disconnected") this.break("disconnected");
      if (status.kind === "connected") this.openSoon();
    });
    this.timers.push(setInterval(() => this.checkHeartbeat(), this.heartbeatMs).unref());
    this.timers.push(setInterval(() => this.openSoon(), RETRY_MS).unref());
    this.timers.push(setInterval(() => void this.poll(), options.pollMs ?? POLL_MS).unref());
    this.openSoon();
  }

  state(): WatchState {
    return this.current;
  }

  reset(): void {
    this.break("requested");
    this.openSoon();
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    this.unlisten();
    this.release();
  }

  /** Does nothing while a subscription stands or is being made: it may be called at any time. */
  private openSoon(): void {
    if (this.stopped || this.opening || this.subscription !== undefined || !this.link.connected()) return;
    this.opening = true;
    void this.open().finally(() => {
      this.opening = false;
    });
  }

  private async open(): Promise<void> {
    const attempt = ++this.attempt;
    const { bucket } = this.options;
    const info = await requestStreamInfo(this.link.mux, bucket, REQUEST_TIMEOUT_MS);
    if (attempt !== this.attempt || this.stopped) return;
    if (info.kind !== "ok") return this.notOpened(info);
    this.createdAt = String(info.body.created);
    this.current = "loading";
    this.consumerSequence = 0;
    this.heardMs = this.clock.monotonicMs();
    if (this.broken !== undefined && this.told) this.options.onReset(this.broken);
    this.broken = undefined;
    const deliverSubject = createInbox();
    this.subscription = this.link.nc.subscribe(deliverSubject, {
      callback: (_error, msg) => runInReader(() => this.receive(attempt, msg)),
    });
    const created = await createBucketConsumer(this.link.mux, {
      bucket,
      keys: this.options.keys ?? ">",
      deliverSubject,
      heartbeatMs: this.heartbeatMs,
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
    if (attempt !== this.attempt || this.stopped) return;
    if (created.kind !== "ok") {
      // Some entries may have come all the same, when only the answer was lost.
      this.break("interrupted");
      return this.notOpened(created);
    }
    this.consumer = String(created.body.name);
    this.heardMs = this.clock.monotonicMs();
    // Nothing to come and nothing under way: an empty bucket is told whole by silence.
    const delivered = created.body.delivered as { consumer_seq?: number } | undefined;
    if (created.body.num_pending === 0 && (delivered?.consumer_seq ?? 0) === 0) this.caughtUp();
  }

  private notOpened(answer: { readonly kind: "missing" } | { readonly kind: "failed"; readonly reason: string }): void {
    const { bucket, log } = this.options;
    if (answer.kind === "missing") {
      if (this.current !== "missing") log.warn("bucket missing", { bucket });
      this.current = "missing";
    } else {
      log.warn("bucket not readable", { bucket, reason: answer.reason });
    }
  }

  private receive(attempt: number, msg: Msg): void {
    if (attempt !== this.attempt || this.stopped) return;
    this.heardMs = this.clock.monotonicMs();
    if (isControlMessage(msg)) {
      this.receiveControl(msg);
      return;
    }
    const delivery = parseDeliveryInfo(msg.reply ?? "");
    if (delivery === undefined) return;
    if (delivery.consumerSequence !== this.consumerSequence + 1) {
      this.break("delivery_gap");
      return;
    }
    this.consumerSequence = delivery.consumerSequence;
    this.told = true;
    this.options.onEntry(toBucketEntry(this.options.bucket, msg, delivery));
    if (delivery.pending === 0) this.caughtUp();
  }

  private receiveControl(msg: Msg): void {
    const reply = flowControlReply(msg);
    if (reply !== undefined) this.link.mux.send(reply, new Uint8Array(0));
    const sent = heartbeatSequence(msg);
    if (sent !== undefined && sent > this.consumerSequence) this.break("delivery_gap");
  }

  private caughtUp(): void {
    if (this.current === "current") return;
    this.current = "current";
    this.told = true;
    this.options.onCaughtUp();
  }

  private checkHeartbeat(): void {
    const nowMs = this.clock.monotonicMs();
    const stalled = nowMs - this.checkedMs > 2 * this.heartbeatMs;
    this.checkedMs = nowMs;
    // When this process itself was stopped or busy, heartbeats lie unread in the socket: they get a window of their own.
    if (stalled) this.heardMs = nowMs;
    if (this.consumer === undefined) return;
    const silentMs = nowMs - this.heardMs;
    if (silentMs > MISSED_HEARTBEATS * this.heartbeatMs) {
      this.break("heartbeats_missed");
      this.openSoon();
    }
  }

  private async poll(): Promise<void> {
    if (this.consumer === undefined || !this.link.connected()) return;
    const { attempt } = this;
    const info = await requestStreamInfo(this.link.mux, this.options.bucket, REQUEST_TIMEOUT_MS);
    if (attempt !== this.attempt || this.stopped) return;
    if (info.kind === "missing") this.break("bucket_deleted");
    else if (info.kind === "ok" && String(info.body.created) !== this.createdAt) this.break("bucket_recreated");
    this.openSoon();
  }

  private break(reason: WatchBreak): void {
    if (this.subscription === undefined || this.stopped) return;
    this.options.log.warn("bucket watch broken", { bucket: this.options.bucket, reason });
    this.release();
    this.attempt++;
    this.broken = reason;
    this.current = "loading";
  }

  private release(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    if (this.consumer !== undefined) deleteBucketConsumer(this.link.mux, this.options.bucket, this.consumer);
    this.consumer = undefined;
  }
}
