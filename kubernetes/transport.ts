// One HTTP exchange with the API server over kept connections, with a deadline, and streamed when the caller wants it so.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ClusterAccess, Credentials } from "./access/cluster-access.ts";

export interface Exchange {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Until the answer's headers are here. */
  readonly headersTimeoutMs: number;
  /** Until the answer is complete. */
  readonly timeoutMs: number;
  /** Gets the body of an answer 200 as it arrives; else it is collected. */
  readonly onChunk?: (text: string) => void;
  /** Called when the headers of an answer 200 are here. */
  readonly onOpen?: () => void;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Empty when it was streamed. */
  readonly text: string;
}

/** No answer, or not all of it. `unsent`: the connection was closed before this request could be read, so it was not run. */
export class TransportError extends Error {
  readonly unsent: boolean;
  /** The server's certificate was refused: ours may be out of date. */
  readonly tls: boolean;

  constructor(
    message: string,
    options: { readonly unsent?: boolean; readonly tls?: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = "TransportError";
    this.unsent = options.unsent ?? false;
    this.tls = options.tls ?? false;
  }
}

/** A page of 500 objects as large as etcd allows (1.5 MB) would be 750 MB; real ones have some KB. */
export const MAX_BODY_LENGTH = 134_217_728;
/**
 * TCP probes an idle connection after this, then each second; ten unanswered ones end it (libuv's settings): a machine that
 * went away is noticed within 20 s.
 */
const TCP_KEEP_ALIVE_MS = 10_000;
/** Connections for watches and calls together; each watch holds one. */
const MAX_SOCKETS = 512;
const MAX_IDLE_SOCKETS = 16;
const OK = 200;
const TLS_FAILURE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;

export class Transport {
  private readonly access: ClusterAccess;
  private agent: HttpAgent | HttpsAgent | undefined;
  private agentFor: Credentials | undefined;

  constructor(access: ClusterAccess) {
    this.access = access;
  }

  /** Rejects with TransportError, or with the signal's reason. */
  send(exchange: Exchange, credentials: Credentials): Promise<Answer> {
    const { server, tlsServerName } = this.access;
    const token = credentials.token === undefined ? {} : { authorization: `Bearer ${credentials.token}` };
    const options: RequestOptions & { servername?: string } = {
      method: exchange.method,
      agent: this.agentWith(credentials),
      headers: { ...exchange.headers, ...token, ...lengthOf(exchange.body) },
      ...(exchange.signal === undefined ? {} : { signal: exchange.signal }),
      ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
    };
    const url = new URL(server.pathname.replace(/\/$/, "") + exchange.path, server);
    return runExchange(exchange, (onAnswer) =>
      server.protocol === "https:" ? httpsRequest(url, options, onAnswer) : httpRequest(url, options, onAnswer),
    );
  }

  /** Closes idle connections; those in use end with their exchanges. */
  close(): void {
    this.agent?.destroy();
    this.agent = undefined;
  }

  /** One agent as long as the TLS material stays the same. The one before is left to finish what it carries. */
  private agentWith(credentials: Credentials): HttpAgent | HttpsAgent {
    const held = this.agentFor;
    const { caPem, certPem, keyPem } = credentials;
    if (this.agent !== undefined && held?.caPem === caPem && held?.certPem === certPem && held?.keyPem === keyPem) {
      return this.agent;
    }
    const settings = {
      keepAlive: true,
      keepAliveMsecs: TCP_KEEP_ALIVE_MS,
      maxSockets: MAX_SOCKETS,
      maxFreeSockets: MAX_IDLE_SOCKETS,
    };
    this.agentFor = credentials;
    this.agent =
      this.access.server.protocol === "https:"
        ? new HttpsAgent({
            ...settings,
            rejectUnauthorized: !this.access.insecureSkipTlsVerify,
            ...(caPem === undefined ? {} : { ca: caPem }),
            ...(certPem === undefined ? {} : { cert: certPem }),
            ...(keyPem === undefined ? {} : { key: keyPem }),
          })
        : new HttpAgent(settings);
    return this.agent;
  }
}

/** Node frames the body of a DELETE only when it is told to; unframed, it would be read as the next request. */
function lengthOf(body: string | undefined): { readonly "content-length"?: string } {
  return body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
}

type OpenRequest = (onAnswer: (incoming: IncomingMessage) => void) => ReturnType<typeof httpRequest>;

function runExchange(exchange: Exchange, open: OpenRequest): Promise<Answer> {
  const { headersTimeoutMs, timeoutMs } = exchange;
  return new Promise((resolve, reject) => {
    let answered = false;
    const outgoing = open((incoming) => {
      answered = true;
      clearTimeout(headersTimer);
      if (incoming.statusCode === OK) exchange.onOpen?.();
      readAnswer(incoming, exchange.onChunk).then(succeed, fail);
    });
    const expire = (ms: number): void => {
      outgoing.destroy(new TransportError(`no answer within ${ms} ms`, {}));
    };
    const headersTimer = setTimeout(expire, headersTimeoutMs, headersTimeoutMs);
    const timer = setTimeout(expire, timeoutMs, timeoutMs);
    const settle = (): void => {
      clearTimeout(headersTimer);
      clearTimeout(timer);
    };
    const succeed = (answer: Answer): void => {
      settle();
      resolve(answer);
    };
    const fail = (error: Error): void => {
      settle();
      outgoing.destroy();
      if (exchange.signal?.aborted === true) reject(exchange.signal.reason);
      else reject(asTransportError(error, outgoing.reusedSocket && !answered));
    };
    // Not `once`: a destroyed request may report twice, and an error that nobody hears ends the process.
    outgoing.on("error", fail);
    outgoing.end(exchange.body);
  });
}

function readAnswer(incoming: IncomingMessage, onChunk: Exchange["onChunk"]): Promise<Answer> {
  const status = incoming.statusCode ?? 0;
  const streamed = onChunk !== undefined && status === OK;
  const pieces: string[] = [];
  let length = 0;
  incoming.setEncoding("utf8");
  return new Promise((resolve, reject) => {
    incoming.on("data", (chunk: string) => {
      length += streamed ? 0 : chunk.length;
      if (length > MAX_BODY_LENGTH) reject(new TransportError(`the answer is longer than ${MAX_BODY_LENGTH}`, {}));
      else if (streamed) runCallback(() => onChunk(chunk), reject);
      else pieces.push(chunk);
    });
    incoming.on("error", (error) =>
      reject(new TransportError(`the answer was cut: ${error.message}`, { cause: error })),
    );
    incoming.once("end", () => {
      resolve({ status, retryAfter: incoming.headers["retry-after"], text: pieces.join("") });
    });
  });
}

/** What a callback throws ends its exchange instead of the process. */
function runCallback(callback: () => void, reject: (error: unknown) => void): void {
  try {
    callback();
  } catch (error) {
    reject(error);
  }
}

/** A server may close a kept connection in the moment in which it is used again: then it has not read the request. */
function asTransportError(error: Error & { readonly code?: string }, maybeUnread: boolean): Error {
  if (error instanceof TransportError || error.code === undefined) return error;
  const unsent = maybeUnread && (error.code === "ECONNRESET" || error.code === "EPIPE");
  return new TransportError(error.message || error.code, { unsent, tls: TLS_FAILURE.test(error.code), cause: error });
}
