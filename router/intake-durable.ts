// Durable messages: pulled from one stream by one durable consumer, settled when their effect is stored.
import { jetstreamManager } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { HEADER } from "../core/handover/header.ts";
import type { Names } from "../core/handover/subjects.ts";
import { reasonOf } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { parseDeliveryInfo } from "../runtime/nats/delivery-info.ts";
import type { Delivery, Handled } from "./delivery.ts";
import { settleDelivery } from "./delivery-ack.ts";
import { ErrorCounts } from "./error-counts.ts";
import { headerReader } from "./header-reader.ts";
import { Puller } from "./puller.ts";

/** What becomes of a delivery, and whether that is the fault of its message. */
export type Settlement = Pick<Handled, "disposition" | "countsAsError">;

export interface DurableIntakeOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly stream: string;
  readonly consumer: string;
  /** Messages handled at once. */
  readonly window: number;
  /** The server is told this often that a message is still handled; absent: never. */
  readonly progressMs?: number;
  readonly log: Logger;
  /** `settle` is called once; with undefined when handling threw. */
  handle(delivery: Delivery, settle: (settlement: Settlement | undefined) => void): void;
}

/** Between two looks for a stream or consumer that is missing. */
const REOPEN_MS = 500;
/** Back-off after a handling that threw: first retry soon, never hot. */
const BUG_NAK_MS = 5_000;
/** Gives a delivery the whole of its ack wait again. */
const IN_PROGRESS = new TextEncoder().encode("+WPI");
const NANOS_PER_MS = 1_000_000;
/** Of a consumer that was made without one. */
const DEFAULT_ACK_WAIT_NANOS = 30_000 * NANOS_PER_MS;
/** A stop hands a message back at once, so that another router has it before the ack wait is over. */
const HAND_BACK: { readonly kind: "nak"; readonly delayMs: number } = { kind: "nak", delayMs: 0 };

export class DurableIntake {
  private readonly options: DurableIntakeOptions;
  private errors = new ErrorCounts();
  private puller: Puller | undefined;
  private reopenTimer: NodeJS.Timeout | undefined;
  private streamCreated = "";
  private ackWaitMs = 0;
  private stopping = false;
  private held = 0;
  private idleWaiters: (() => void)[] = [];
  private problem: string | undefined = "not opened yet";

  constructor(options: DurableIntakeOptions) {
    this.options = options;
    options.link.onStatus((status) => {
      if (status.kind === "connected") this.puller?.renew();
    });
  }

  /** Why no messages are pulled now; undefined when they are. */
  get unavailable(): string | undefined {
    return this.problem;
  }

  start(): void {
    void this.open();
  }

  /** Pulls no more, lets what is in flight finish, hands back what comes too late. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.reopenTimer);
    await this.puller?.stop();
    if (this.held > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    if (this.options.link.connected()) await this.options.link.nc.flush();
  }

  /** The creation time of the stream is half of each effect id: it is read before the first message is taken. */
  private async open(): Promise<void> {
    const { link, stream, consumer, window, log } = this.options;
    try {
      const manager = await jetstreamManager(link.nc, { checkAPI: false });
      const info = await manager.streams.info(stream);
      const { config } = await manager.consumers.info(stream, consumer);
      if (this.stopping) return;
      // In another stream the same sequence is another message.
      if (info.created !== this.streamCreated) this.errors = new ErrorCounts();
      this.streamCreated = info.created;
      this.ackWaitMs = (config.ack_wait ?? DEFAULT_ACK_WAIT_NANOS) / NANOS_PER_MS;
      const puller: Puller = new Puller({
        nc: link.nc,
        connected: () => link.connected(),
        stream,
        consumer,
        window,
        onMessage: (msg) => this.receive(msg, puller),
        onGone: (reason) => this.reopen(reason, puller),
      });
      this.puller = puller;
      this.problem = undefined;
      puller.start();
      log.info("durable intake opened", { stream, consumer });
    } catch (error) {
      this.reopen(reasonOf(error), undefined);
    }
  }

  private reopen(reason: string, from: Puller | undefined): void {
    if (this.stopping || from !== this.puller) return;
    this.puller = undefined;
    this.problem = reason;
    this.options.log.warn("durable intake not available", { reason });
    void from
      ?.stop()
      .catch((error: unknown) => this.options.log.warn("puller stop failed", { reason: reasonOf(error) }));
    this.reopenTimer = setTimeout(() => void this.open(), REOPEN_MS);
  }

  private receive(msg: Msg, puller: Puller): void {
    const { link, names, handle, progressMs } = this.options;
    const reply = msg.reply ?? "";
    const info = parseDeliveryInfo(reply);
    const subject = names.fromWire(msg.subject);
    if (info === undefined || subject === undefined) {
      this.options.log.error("delivery cannot be read", { subject: msg.subject, reply });
      puller.release();
      return;
    }
    if (this.stopping || puller !== this.puller) {
      settleDelivery(link.nc, reply, HAND_BACK);
      puller.release();
      return;
    }
    this.held++;
    const headers = headerReader(msg);
    const sequence = info.streamSequence;
    const delivery: Delivery = {
      subject,
      headers,
      body: msg.data,
      replyTo: headers.get(HEADER.replyTo) || undefined,
      position: {
        stream: info.stream,
        streamCreated: this.streamCreated,
        sequence,
        deliveryCount: info.deliveryCount,
        timestampMs: info.timestampMs,
        ackWaitMs: this.ackWaitMs,
      },
      nowMs: Date.now(),
      errorCount: this.errors.get(sequence),
    };
    const progress = progressMs === undefined ? undefined : setInterval(() => this.tellProgress(reply), progressMs);
    handle(delivery, (settlement) => {
      clearInterval(progress);
      this.settle(reply, sequence, puller, settlement);
    });
  }

  private tellProgress(reply: string): void {
    const { link } = this.options;
    if (link.connected()) link.nc.publish(reply, IN_PROGRESS);
  }

  private settle(reply: string, sequence: number, puller: Puller, handled: Settlement | undefined): void {
    const disposition = handled?.disposition ?? { kind: "nak", delayMs: BUG_NAK_MS };
    if (handled === undefined || handled.countsAsError) this.errors.add(sequence);
    else if (disposition.kind !== "nak") this.errors.clear(sequence);
    if (!this.options.link.nc.isClosed()) settleDelivery(this.options.link.nc, reply, disposition);
    puller.release();
    this.held--;
    if (this.held > 0) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}
