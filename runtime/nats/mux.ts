// Requests and publishes at full speed: one inbox, callbacks in slots, one coarse timer, no promise and no Error a message.
import { createInbox, type Msg, type MsgHdrs, type NatsConnection, type PublishOptions } from "@nats-io/nats-core";
import { type Clock, systemClock } from "../clock.ts";
import { type GetResult, parseGetReply } from "./get-result.ts";
import { EncodedHeaders, encodeHeaderBlock, type HeaderPair, headerProblem } from "./headers.ts";
import { NO_TOKEN, PendingRequests, type Settle } from "./pending-requests.ts";
import { isNoResponders, type PublishResult, parsePublishReply, type UnavailableReason } from "./publish-result.ts";
import { runInReader } from "./reader.ts";

export type { GetResult } from "./get-result.ts";
export type { PublishResult, UnavailableReason } from "./publish-result.ts";

export type MuxReply =
  /** `msg.headers` is decoded when first read. */
  | { readonly kind: "reply"; readonly msg: Msg }
  | { readonly kind: "unavailable"; readonly reason: UnavailableReason }
  /** The request could not be sent: its subject, headers or size are wrong. */
  | { readonly kind: "rejected"; readonly code: 0; readonly description: string };

export interface MuxPublishOptions {
  readonly timeoutMs: number;
  /** Lines made by `formatHeaderLines`, for headers that are the same on every message. */
  readonly headerLines?: string;
  readonly headers?: readonly HeaderPair[];
  readonly msgId?: string;
  /** Stored only if the last message on the subject (on `expectSubject` if given) has this sequence; 0: there is none. */
  readonly expectLastSequence?: number;
  /** A wildcard that the subject matches; needs `expectLastSequence`. */
  readonly expectSubject?: string;
  /** The message removes itself after this; whole seconds, at least one (the server's resolution). */
  readonly ttlMs?: number;
}

export interface MuxOptions {
  readonly capacity?: number;
  readonly clock?: Clock;
}

/** Requests that may wait at once; the next one is refused as `overloaded`. */
export const MAX_IN_FLIGHT = 65_536;
/** Deadlines are looked at this often, so a timeout comes at most this late. */
const DEADLINE_TICK_MS = 20;
/** The timer stops after this many ticks with nothing to wait for. */
const MAX_IDLE_TICKS = 50;
const EMPTY = new Uint8Array(0);

type State = "connected" | "disconnected" | "closed";

/**
 * The hot path to NATS. Each callback is called exactly once and never before the method returns: with the reply, at its
 * deadline, or when the connection is lost. A reply that comes later is dropped. Payloads are not copied before the end of
 * the current microtask: do not change their bytes.
 */
export class Mux {
  private readonly nc: NatsConnection;
  private readonly clock: Clock;
  private readonly pending: PendingRequests;
  private readonly inboxPrefix: string;
  private readonly encoded = new EncodedHeaders();
  private state: State = "connected";
  private timer: NodeJS.Timeout | undefined;
  private idleTicks = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(nc: NatsConnection, options: MuxOptions = {}) {
    this.nc = nc;
    this.clock = options.clock ?? systemClock;
    this.pending = new PendingRequests(options.capacity ?? MAX_IN_FLIGHT);
    this.inboxPrefix = `${createInbox()}.`;
    nc.subscribe(`${this.inboxPrefix}*`, {
      // An error here means that the server refuses the inbox to this user: no reply can ever come.
      callback: (error, msg) => (error === null ? this.receive(msg) : this.setState("closed")),
    });
  }

  /** Requests that wait for their reply now. */
  inFlight(): number {
    return this.pending.size;
  }

  /** Whether requests are sent at all now. */
  usable(): boolean {
    return this.state === "connected";
  }

  /** Resolves when nothing is in flight. */
  idle(): Promise<void> {
    if (this.pending.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  request(
    subject: string,
    payload: Uint8Array,
    headers: Uint8Array | MsgHdrs | undefined,
    timeoutMs: number,
    callback: (result: MuxReply) => void,
  ): void {
    const problem = this.ask(subject, payload, headers, timeoutMs, (msg, reason) => {
      if (msg === undefined) callback({ kind: "unavailable", reason: reason ?? "closed" });
      else callback(isNoResponders(msg) ? { kind: "unavailable", reason: "no_responders" } : { kind: "reply", msg });
    });
    if (problem !== undefined) queueMicrotask(() => callback({ kind: "rejected", code: 0, description: problem }));
  }

  /** Publishes into a stream and reads its PubAck. */
  publish(
    subject: string,
    payload: Uint8Array,
    options: MuxPublishOptions,
    callback: (result: PublishResult) => void,
  ): void {
    const lines = publishHeaderLines(options);
    const problem =
      lines.problem ??
      this.ask(
        subject,
        payload,
        lines.text === "" ? undefined : encodeHeaderBlock(lines.text),
        options.timeoutMs,
        (msg, reason) =>
          callback(msg === undefined ? { kind: "unavailable", reason: reason ?? "closed" } : parsePublishReply(msg)),
      );
    if (problem !== undefined) queueMicrotask(() => callback({ kind: "rejected", code: 0, description: problem }));
  }

  /** The last message of a stream whose subject is, or matches, `subject`; the stream must allow direct access. */
  directGetLast(stream: string, subject: string, timeoutMs: number, callback: (result: GetResult) => void): void {
    const body = Buffer.from(JSON.stringify({ last_by_subj: subject }), "utf8");
    const problem = this.ask(`$JS.API.DIRECT.GET.${stream}`, body, undefined, timeoutMs, (msg, reason) =>
      callback(msg === undefined ? { kind: "unavailable", reason: reason ?? "closed" } : parseGetReply(msg)),
    );
    if (problem !== undefined) queueMicrotask(() => callback({ kind: "rejected", code: 0, description: problem }));
  }

  /**
   * Sends without waiting for anything, as replies are. `headerBlock` comes from `encodeHeaderBlock`. Returns why nothing
   * was sent (no connection, wrong subject, too large), else undefined.
   */
  send(subject: string, payload: Uint8Array, headerBlock?: Uint8Array): string | undefined {
    if (this.state !== "connected") return `the connection is ${this.state}`;
    return this.transmit(subject, payload, headerBlock, undefined);
  }

  /** For the owner of the connection: everything in flight ends now when it is lost, since no reply can come. */
  setState(state: State): void {
    if (this.state === "closed") return;
    this.state = state;
    if (state === "connected") return;
    for (const settle of this.pending.takeAll()) invoke(settle, undefined, state);
    if (state === "closed" && this.timer !== undefined) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    this.noticeIdle();
  }

  /** Returns why the request cannot be sent; every other end goes to `settle`. */
  private ask(
    subject: string,
    payload: Uint8Array,
    headers: Uint8Array | MsgHdrs | undefined,
    timeoutMs: number,
    settle: Settle,
  ): string | undefined {
    if (this.state !== "connected") {
      const reason = this.state;
      queueMicrotask(() => settle(undefined, reason));
      return undefined;
    }
    const token = this.pending.add(settle, this.clock.monotonicMs() + timeoutMs);
    if (token === NO_TOKEN) {
      queueMicrotask(() => settle(undefined, "overloaded"));
      return undefined;
    }
    const problem = this.transmit(subject, payload, headers, this.inboxPrefix + token);
    if (problem !== undefined) this.pending.take(token);
    else if (this.timer === undefined) this.startTimer();
    return problem;
  }

  private transmit(
    subject: string,
    payload: Uint8Array,
    headers: Uint8Array | MsgHdrs | undefined,
    reply: string | undefined,
  ): string | undefined {
    const options: PublishOptions = {};
    if (reply !== undefined) options.reply = reply;
    if (headers instanceof Uint8Array) {
      this.encoded.block = headers;
      options.headers = this.encoded;
    } else if (headers !== undefined) {
      options.headers = headers;
    }
    try {
      this.nc.publish(subject, payload, options);
      return undefined;
    } catch (error) {
      // The client refuses before anything is written: a closed connection, a wrong subject, a payload over the limit.
      return error instanceof Error ? error.message : String(error);
    } finally {
      this.encoded.block = EMPTY;
    }
  }

  private receive(msg: Msg): void {
    const token = Number(msg.subject.slice(this.inboxPrefix.length));
    const settle = this.pending.take(token);
    if (settle === undefined) return;
    invoke(settle, msg, undefined);
    this.noticeIdle();
  }

  private startTimer(): void {
    this.idleTicks = 0;
    this.timer = setInterval(() => this.tick(), DEADLINE_TICK_MS).unref();
  }

  private tick(): void {
    for (const settle of this.pending.takeExpired(this.clock.monotonicMs())) invoke(settle, undefined, "timeout");
    this.noticeIdle();
    this.idleTicks = this.pending.size === 0 ? this.idleTicks + 1 : 0;
    if (this.idleTicks < MAX_IDLE_TICKS) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private noticeIdle(): void {
    if (this.idleWaiters.length === 0 || this.pending.size > 0) return;
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function invoke(settle: Settle, msg: Msg | undefined, reason: UnavailableReason | undefined): void {
  runInReader(() => settle(msg, reason));
}

function publishHeaderLines(options: MuxPublishOptions): { readonly text: string; readonly problem?: string } {
  let text = options.headerLines ?? "";
  for (const [name, value] of options.headers ?? []) {
    const problem = headerProblem(name, value);
    if (problem !== undefined) return { text: "", problem };
    text += `${name}: ${value}\r\n`;
  }
  const { msgId, expectLastSequence, expectSubject, ttlMs } = options;
  if (msgId !== undefined) {
    const problem = headerProblem("Nats-Msg-Id", msgId);
    if (problem !== undefined) return { text: "", problem };
    text += `Nats-Msg-Id: ${msgId}\r\n`;
  }
  if (expectLastSequence !== undefined) text += `Nats-Expected-Last-Subject-Sequence: ${expectLastSequence}\r\n`;
  if (expectSubject !== undefined) {
    const problem = headerProblem("Nats-Expected-Last-Subject-Sequence-Subject", expectSubject);
    if (problem !== undefined) return { text: "", problem };
    text += `Nats-Expected-Last-Subject-Sequence-Subject: ${expectSubject}\r\n`;
  }
  if (ttlMs !== undefined) text += `Nats-TTL: ${Math.max(1, Math.ceil(ttlMs / 1000))}s\r\n`;
  return { text };
}
