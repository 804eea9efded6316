// What every process answers over HTTP to supervisors and scrapers: /livez, /readyz, /metrics.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BeamlineError, reasonOf } from "./errors.ts";
import type { Metrics } from "./metrics.ts";

/** One thing that must hold; `detail` says what is missing, for a person. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface HealthReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HealthServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Failing: the process cannot heal by itself and should be restarted. */
  live(): readonly Check[];
  /** Failing: send no work here now. */
  ready(): readonly Check[];
  /** More pages, by path. */
  readonly extra?: Readonly<Record<string, () => HealthReply | Promise<HealthReply>>>;
}

export interface HealthServer {
  readonly port: number;
  stop(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 5_000;
const JSON_TYPE = "application/json; charset=utf-8";

/** Listens; throws BeamlineError PORT_IN_USE, PERMISSION_DENIED or CONFIG_INVALID when the address cannot be had. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const pages = new Map<string, () => HealthReply | Promise<HealthReply>>([
    ["/livez", () => formatChecks(options.live())],
    ["/readyz", () => formatChecks(options.ready())],
    ["/metrics", async () => ok(options.metrics.contentType, await options.metrics.text())],
    ...Object.entries(options.extra ?? {}),
  ]);
  const server = createServer((request, response) => void answer(pages, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  pages: ReadonlyMap<string, () => HealthReply | Promise<HealthReply>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = await pageReply(pages, request);
  response.writeHead(reply.status, { "content-type": reply.contentType, "cache-control": "no-store" });
  response.end(request.method === "HEAD" ? undefined : reply.body);
}

async function pageReply(
  pages: ReadonlyMap<string, () => HealthReply | Promise<HealthReply>>,
  request: IncomingMessage,
): Promise<HealthReply> {
  if (request.method !== "GET" && request.method !== "HEAD") return failed(405, "only GET is answered");
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const page = pages.get(path);
  if (page === undefined) return failed(404, `no such page; there are ${[...pages.keys()].join(", ")}`);
  try {
    return await page();
  } catch (error) {
    return failed(500, reasonOf(error));
  }
}

function formatChecks(checks: readonly Check[]): HealthReply {
  const failing = checks.filter((check) => !check.ok);
  const status = failing.length === 0 ? "ok" : "failing";
  const body = `${JSON.stringify({ status, failing: failing.map((check) => check.name), checks })}\n`;
  return { status: failing.length === 0 ? 200 : 503, contentType: JSON_TYPE, body };
}

function ok(contentType: string, body: string): HealthReply {
  return { status: 200, contentType, body };
}

function failed(status: number, error: string): HealthReply {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify({ error })}\n` };
}

function listen(server: Server, options: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, options)));
    server.listen(options.port, options.host, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

function listenError(error: NodeJS.ErrnoException, options: HealthServerOptions): BeamlineError {
  const address = `${options.host}:${options.port}`;
  if (error.code === "EADDRINUSE") {
    return new BeamlineError("PORT_IN_USE", `health address ${address} is in use by another process`, {
      hint: "Stop that process or set another port: BEAMLINE_HEALTH_PORT, of an operator BEAMLINE_HTTP_PORT.",
      cause: error,
    });
  }
  if (error.code === "EACCES") {
    return new BeamlineError("PERMISSION_DENIED", `health address ${address} is not allowed to this user`, {
      cause: error,
    });
  }
  return new BeamlineError("CONFIG_INVALID", `cannot listen on health address ${address}: ${reasonOf(error)}`, {
    cause: error,
  });
}
