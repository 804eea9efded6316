// Pulls from one durable consumer with a bounded window, and hands back on stop what it was sent too late.

import { setTimeout as delay } from "node:timers/promises";
import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { runInReader } from "../runtime/nats/reader.ts";

export interface PullerOptions {
  readonly nc: NatsConnection;
  /** Whether a request would reach a server now. */
  connected(): boolean;
  readonly stream: string;
  readonly consumer: string;
  /** Messages handled at once: asked for and not yet released. */
  readonly window: number;
  /** A delivery; the owner calls `release()` once when it is settled. */
  onMessage(msg: Msg): void;
  /** The consumer or its stream is gone, or nothing answers: the owner looks what is there and starts another puller. */
  onGone(reason: string): void;
}

/** A pull request is open this long at the server before it is renewed. */
const EXPIRES_MS = 15_000;
const IDLE_HEARTBEAT_MS = 2_000;
/** Two heartbeats missed: the request is gone (server restart, leader change) and is made again. */
const SILENCE_MS = 2 * IDLE_HEARTBEAT_MS + 500;
const CHECK_MS = 500;
/** Silences in a row without any sign from the server before the consumer counts as gone. */
const MAX_SILENCES = 2;
/** After a refusal the next request waits this long, so that a server in trouble is not hammered. */
const RETRY_MS = 250;
/**
 * What was asked for keeps coming after a stop: unsubscribed at once, messages that the server has under way would be lost
 * to the ack wait (measured: up to 3 % of a window). So it is taken until no more is due, or nothing comes for a while.
 */
const QUIET_MS = 100;
const QUIET_CHECK_MS = 10;
/** Bounds that, should another router's hand-backs keep it busy. */
const MAX_STOP_MS = 2_000;
const NANOS_PER_MS = 1_000_000;
/** Status codes of a pull consumer (ADR-13 of nats-architecture-and-design). */
const IDLE_HEARTBEAT = 100;
const NO_MESSAGES = 404;
const REQUEST_EXPIRED = 408;
const CONFLICT = 409;
const NO_RESPONDERS = 503;

const encoder = new TextEncoder();

/**
 * A pull loop by callback. The window is the back-pressure: requests are made for what fits, renewed when half of it is
 * free. Messages that arrive after `stop()` still reach `onMessage`, whose owner hands them back.
 */
export class Puller {
  private readonly options: PullerOptions;
  private readonly inbox = createInbox();
  private readonly requestSubject: string;
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private requested = 0;
  private held = 0;
  private lastSignMs = 0;
  private lastMessageMs = 0;
  private silences = 0;
  private retryAtMs = 0;
  private stopping = false;

  constructor(options: PullerOptions) {
    this.options = options;
    this.requestSubject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
  }

  /** Deliveries that are not released yet. */
  get inFlight(): number {
    return this.held;
  }

  start(): void {
    this.subscription = this.options.nc.subscribe(this.inbox, {
      callback: (error, msg) => runInReader(() => this.receive(error, msg)),
    });
    this.lastSignMs = performance.now();
    this.timer = setInterval(() => this.check(), CHECK_MS);
    this.request();
  }

  /** A delivery is settled: its place is free. */
  release(): void {
    this.held--;
    if (!this.stopping && this.requested + this.held <= this.options.window / 2) this.request();
  }

  /** After a reconnect the server knows nothing of the requests made before. */
  renew(): void {
    this.requested = 0;
    this.lastSignMs = performance.now();
    this.request();
  }

  /** Asks for nothing more and resolves when all that was under way has been given to `onMessage`. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    clearInterval(this.timer);
    const { subscription } = this;
    if (subscription === undefined || subscription.isClosed() || this.options.nc.isClosed()) return;
    await this.untilQuiet();
    // Without a connection nothing is under way, and the drain would wait for the next one.
    if (this.options.connected()) await subscription.drain();
    else subscription.unsubscribe();
  }

  private async untilQuiet(): Promise<void> {
    const startMs = performance.now();
    while (this.requested > 0 && this.options.connected()) {
      const nowMs = performance.now();
      if (nowMs - Math.max(startMs, this.lastMessageMs) >= QUIET_MS || nowMs - startMs >= MAX_STOP_MS) return;
      await delay(QUIET_CHECK_MS);
    }
  }

  private request(): void {
    if (this.stopping || performance.now() < this.retryAtMs) return;
    const batch = this.options.window - this.requested - this.held;
    if (batch <= 0 || !this.options.connected()) return;
    this.requested += batch;
    const body = {
      batch,
      expires: EXPIRES_MS * NANOS_PER_MS,
      idle_heartbeat: IDLE_HEARTBEAT_MS * NANOS_PER_MS,
    };
    this.options.nc.publish(this.requestSubject, encoder.encode(JSON.stringify(body)), { reply: this.inbox });
  }

  private receive(error: Error | null, msg: Msg): void {
    if (error !== null) {
      this.options.onGone(error.message);
      return;
    }
    this.lastSignMs = performance.now();
    if (msg.subject === this.inbox) {
      this.receiveStatus(msg);
      return;
    }
    this.silences = 0;
    this.lastMessageMs = this.lastSignMs;
    this.requested = Math.max(0, this.requested - 1);
    this.held++;
    this.options.onMessage(msg);
  }

  private receiveStatus(msg: Msg): void {
    const code = msg.headers?.code ?? NO_RESPONDERS;
    if (code !== NO_RESPONDERS) this.silences = 0;
    if (code === IDLE_HEARTBEAT) return;
    const left = Number(msg.headers?.get("Nats-Pending-Messages") ?? "");
    this.requested = Number.isFinite(left) && left > 0 ? Math.max(0, this.requested - left) : 0;
    const description = msg.headers?.description ?? "no responders";
    if (code === CONFLICT && /deleted/i.test(description)) {
      this.options.onGone(description);
      return;
    }
    if (code === NO_MESSAGES || code === REQUEST_EXPIRED) {
      this.request();
      return;
    }
    this.retryAtMs = performance.now() + RETRY_MS;
    if (code === NO_RESPONDERS) this.silences++;
    if (this.silences > MAX_SILENCES) this.options.onGone(description);
  }

  private check(): void {
    const nowMs = performance.now();
    // Heartbeats come only while a request is open: with a full window, or no connection, the server has nothing to say.
    if (this.requested === 0 || !this.options.connected()) this.lastSignMs = nowMs;
    if (nowMs - this.lastSignMs > SILENCE_MS) {
      this.silences++;
      this.requested = 0;
      this.lastSignMs = nowMs;
      if (this.silences > MAX_SILENCES) {
        this.options.onGone("the server sends no heartbeats");
        return;
      }
    }
    if (this.requested === 0 && nowMs >= this.retryAtMs) this.request();
  }
}
