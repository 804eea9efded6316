// The client of the API server: JSON in and out, credentials that rotate, overload respected, failures as values.
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../core/reconcile/backoff.ts";
import { err, ok } from "../core/result.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import type { ClusterAccess, Credentials } from "./access/cluster-access.ts";
import { CredentialCache } from "./access/credential-cache.ts";
import { ConcurrencyGate, MAX_WAITING_REQUESTS } from "./concurrency.ts";
import { type ApiFailure, type ApiResult, failureOf } from "./failure.ts";
import { type Answer, type Exchange, Transport, TransportError } from "./transport.ts";

export interface ApiRequest {
  readonly method: Exchange["method"];
  readonly path: string;
  /** Those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Of one try, in milliseconds; 30 s when absent. */
  readonly timeoutMs?: number;
  /** Tries after the first when the server is overloaded; 4 when absent. */
  readonly retries?: number;
  /** Waits for no other request: for what must not stand behind a thousand status writes. */
  readonly urgent?: boolean;
}

export interface StreamRequest extends Pick<ApiRequest, "path" | "query" | "accept" | "signal"> {
  /** When it has not ended by itself after this, it is cut and counts as a failure. */
  readonly lifetimeMs: number;
  onChunk(text: string): void;
  /** Called when the server has accepted it. */
  onOpen?(): void;
}

export interface ClientOptions {
  readonly access: ClusterAccess;
  /** Begins the field manager names too, so that audit logs and managedFields tell the same story. */
  readonly userAgent: string;
  readonly clock?: Clock;
}

export const REQUEST_TIMEOUT_MS = 30_000;
/** A watch that is refused or accepted at all is so within this. */
const HEADERS_TIMEOUT_MS = 10_000;
const DEFAULT_RETRIES = 4;
const THROTTLE_BACKOFF = { baseMs: 500, maxMs: 15_000 };
/** Share of the server's Retry-After that chance adds, so that those who were refused together do not return together. */
const RETRY_AFTER_JITTER = 0.2;
const SUCCESS_FROM = 200;
const SUCCESS_UNTIL = 300;

interface Shared {
  readonly options: ClientOptions;
  readonly transport: Transport;
  readonly credentials: CredentialCache;
  readonly gate: ConcurrencyGate;
}

/** Never throws for what a server or network does; see ApiFailure. */
export class KubernetesClient {
  private readonly shared: Shared;
  private readonly mayWrite: () => boolean;

  private constructor(shared: Shared, mayWrite: () => boolean) {
    this.shared = shared;
    this.mayWrite = mayWrite;
  }

  static create(options: ClientOptions): KubernetesClient {
    const clock = options.clock ?? systemClock;
    const transport = new Transport(options.access);
    const credentials = new CredentialCache(options.access, clock);
    const gate = new ConcurrencyGate(() => clock.monotonicMs());
    return new KubernetesClient({ options, transport, credentials, gate }, () => true);
  }

  get access(): ClusterAccess {
    return this.shared.options.access;
  }

  /** The same client for work that only a leader may do: while `mayWrite` says no, every request but GET is `Stopped`. */
  guardedBy(mayWrite: () => boolean): KubernetesClient {
    return new KubernetesClient(this.shared, () => this.mayWrite() && mayWrite());
  }

  /** One request and the JSON that answers it. Waits its turn, and again when the server says 429. */
  async request<T>(request: ApiRequest): Promise<ApiResult<T>> {
    const retries = request.retries ?? DEFAULT_RETRIES;
    for (let attempt = 1; ; attempt++) {
      const result = await this.attempt<T>(request);
      if (result.ok || attempt > retries || !isOverload(result.error)) return result;
      if (!(await pause(throttleDelayMs(result.error, attempt, Math.random()), request.signal))) return STOPPED;
    }
  }

  /** A GET whose body goes to `onChunk`. Resolves when the server has ended it (ok) or it was refused, cut or silent. */
  async stream(request: StreamRequest): Promise<ApiResult<undefined>> {
    const result = await this.exchange({
      ...this.exchangeOf({ ...request, method: "GET" }),
      headersTimeoutMs: HEADERS_TIMEOUT_MS,
      timeoutMs: request.lifetimeMs,
      onChunk: (text) => request.onChunk(text),
      onOpen: () => request.onOpen?.(),
    });
    return result.ok ? ok(undefined) : result;
  }

  /** Closes what is idle. Requests that are under way end by their signals. */
  close(): void {
    this.shared.transport.close();
  }

  private async attempt<T>(request: ApiRequest): Promise<ApiResult<T>> {
    const { gate } = this.shared;
    if (request.urgent !== true && !(await gate.enter(request.signal))) {
      if (request.signal?.aborted === true) return STOPPED;
      return err({ kind: "Throttled", message: `more than ${MAX_WAITING_REQUESTS} requests wait in this process` });
    }
    const result = await this.exchange(this.exchangeOf(request));
    if (request.urgent !== true) gate.leave(!result.ok && result.error.kind === "Throttled");
    return result.ok ? parseBody<T>(result.value) : result;
  }

  private exchangeOf(request: ApiRequest): Exchange {
    const { method, path, query, body, contentType, accept, signal, timeoutMs = REQUEST_TIMEOUT_MS } = request;
    return {
      method,
      path: path + formatQuery(query),
      headers: {
        accept: accept ?? "application/json",
        "user-agent": this.shared.options.userAgent,
        ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
      headersTimeoutMs: timeoutMs,
      timeoutMs,
    };
  }

  /** Sends it, and once more when our credentials were out of date or a kept connection was just being closed. */
  private async exchange(exchange: Exchange): Promise<ApiResult<Answer>> {
    const { credentials } = this.shared;
    let repeated = false;
    for (;;) {
      const sent = await this.sendOnce(exchange);
      if ("failure" in sent) {
        const again = !repeated && sent.again && exchange.method !== "POST";
        if (!again) return err(sent.failure);
      } else {
        if (sent.answer.status >= SUCCESS_FROM && sent.answer.status < SUCCESS_UNTIL) return ok(sent.answer);
        const failure = failureOf(sent.answer.status, parseText(sent.answer.text), sent.answer.retryAfter);
        if (failure.kind !== "Unauthorized" || repeated) return err(failure);
        if (!(await credentials.refresh(sent.used).catch(() => false))) return err(failure);
      }
      repeated = true;
    }
  }

  private async sendOnce(exchange: Exchange): Promise<Sent> {
    const { credentials, transport } = this.shared;
    try {
      const used = await credentials.current();
      if (exchange.signal?.aborted === true) return { failure: STOPPED.error, again: false };
      // Checked last, with nothing awaited before the request is on its way.
      if (exchange.method !== "GET" && !this.mayWrite()) return { failure: DEMOTED, again: false };
      return { answer: await transport.send(exchange, used), used };
    } catch (error) {
      if (exchange.signal?.aborted === true) return { failure: STOPPED.error, again: false };
      const tls = error instanceof TransportError && error.tls;
      if (tls) await credentials.reload().catch(() => undefined);
      const again = tls || (error instanceof TransportError && error.unsent);
      return { failure: unreachable(error), again };
    }
  }
}

type Sent =
  | { readonly answer: Answer; readonly used: Credentials }
  | { readonly failure: ApiFailure; readonly again: boolean };

const STOPPED = err<ApiFailure>({ kind: "Stopped", message: "the request was ended by its caller" });
const DEMOTED: ApiFailure = { kind: "Stopped", message: "this process does not lead and may not write" };

function unreachable(error: unknown): ApiFailure {
  if (error instanceof BeamlineError) return { kind: "Unauthorized", message: error.message };
  if (error instanceof TransportError) return { kind: "Unreachable", message: reasonOf(error) };
  throw error;
}

/** 429, and 5xx with which the server names a time (as client-go does). */
function isOverload(failure: ApiFailure): boolean {
  return failure.kind === "Throttled" || (failure.kind === "ServerError" && failure.retryAfterMs !== undefined);
}

/** Never earlier than the server asks. `chance` is 0..1. */
export function throttleDelayMs(failure: ApiFailure, attempt: number, chance: number): number {
  const backoff = backoffMs(THROTTLE_BACKOFF, attempt, chance);
  return Math.max(backoff, (failure.retryAfterMs ?? 0) * (1 + RETRY_AFTER_JITTER * chance));
}

/** Resolves to false as soon as the signal ends the waiting. */
export async function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  if (signal?.aborted === true) return false;
  return delay(ms, true, signal === undefined ? {} : { signal }).catch(() => false);
}

function formatQuery(query: ApiRequest["query"]): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) pairs.set(name, String(value));
  return pairs.size === 0 ? "" : `?${pairs}`;
}

function parseBody<T>(answer: Answer): ApiResult<T> {
  try {
    return ok(JSON.parse(answer.text) as T);
  } catch {
    return err({ kind: "ServerError", status: answer.status, message: "the API server's answer is no JSON" });
  }
}

/** For failures, whose body a proxy may have written. */
function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
