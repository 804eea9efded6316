// One connection to NATS for a process: opened with a clear error, kept for ever, closed in order.
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection, Status } from "@nats-io/nats-core";
import { connect, type NodeConnectionOptions } from "@nats-io/transport-node";
import { BeamlineError, reasonOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { clientOptions, type NatsOptions, withoutLogin } from "./client-options.ts";
import { isAuthorizationError, notAuthorized, notConnected } from "./connect-failure.ts";
import { Mux } from "./mux.ts";
import { formatVersion, isSupportedVersion, MINIMUM_NATS_VERSION } from "./version.ts";

export type { NatsOptions } from "./client-options.ts";

export type LinkStatus =
  | { readonly kind: "connected"; readonly serverVersion: string }
  | { readonly kind: "disconnected" }
  /** After a reconnect: this server cannot be used, the link counts as not connected until a newer one answers. */
  | { readonly kind: "too_old"; readonly serverVersion: string }
  | { readonly kind: "error"; readonly reason: string }
  | { readonly kind: "closed" };

const RETRY_DELAY_MS = 200;
/**
 * Of one attempt, the first or a later one. A server that was replaced can leave an address at which nobody answers: only
 * another attempt is led to the next one.
 */
const DIAL_TIMEOUT_MS = 3_000;

/**
 * Connects, or throws a BeamlineError: NATS_UNREACHABLE, NATS_TOO_OLD, PERMISSION_DENIED, CONFIG_INVALID (the URL, the
 * credentials file, certificates). The returned link reconnects for ever by itself.
 */
export async function connectNats(options: NatsOptions): Promise<NatsLink> {
  const nc = await dialUntil(clientOptions(options), options);
  const serverVersion = nc.info?.version ?? "unknown";
  const requireVersion = options.requireVersion ?? true;
  if (requireVersion && !isSupportedVersion(serverVersion)) {
    await nc.close();
    throw tooOld(options.url, serverVersion);
  }
  return new NatsLink(nc, { serverVersion, requireVersion, log: options.log });
}

/** An open connection, its mux, and what is known about the server behind it. */
export class NatsLink {
  readonly nc: NatsConnection;
  readonly mux: Mux;
  private readonly log: Logger;
  private readonly requireVersion: boolean;
  private readonly listeners = new Set<(status: LinkStatus) => void>();
  private version: string;

  constructor(nc: NatsConnection, settings: { serverVersion: string; requireVersion: boolean; log: Logger }) {
    this.nc = nc;
    this.mux = new Mux(nc);
    this.log = settings.log;
    this.requireVersion = settings.requireVersion;
    this.version = settings.serverVersion;
    void this.follow();
  }

  /** Version of the server connected to now, or last. */
  get serverVersion(): string {
    return this.version;
  }

  /** Whether requests can be sent: connected, and to a server that is new enough. */
  connected(): boolean {
    return this.mux.usable();
  }

  /** Called at each change; returns the function that ends it. */
  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Waits for what is in flight, then lets the subscriptions run empty, then closes. At the deadline it closes as it is.
   * Returns whether all was finished in time; without a connection there is nothing to wait for, and it was not.
   */
  async drain(deadlineMs: number): Promise<boolean> {
    if (!this.mux.usable()) {
      await this.close();
      return false;
    }
    const abort = new AbortController();
    const expired = delay(deadlineMs, false, { signal: abort.signal, ref: false }).catch(() => false);
    const finished = this.mux.idle().then(async () => {
      if (this.nc.isClosed()) return true;
      await this.nc.drain();
      return true;
    });
    try {
      return await Promise.race([finished, expired]);
    } catch (error) {
      this.log.warn("nats drain failed", { reason: reasonOf(error) });
      return false;
    } finally {
      abort.abort();
      await this.close();
    }
  }

  async close(): Promise<void> {
    if (!this.nc.isClosed()) await this.nc.close();
    this.mux.setState("closed");
  }

  private async follow(): Promise<void> {
    for await (const status of this.nc.status()) this.handleStatus(status);
    const cause = await this.nc.closed();
    this.mux.setState("closed");
    if (cause) this.log.error("nats connection closed", { reason: reasonOf(cause) });
    this.notify({ kind: "closed" });
  }

  private handleStatus(status: Status): void {
    if (status.type === "disconnect") {
      this.mux.setState("disconnected");
      this.log.warn("nats disconnected", { server: status.server });
      this.notify({ kind: "disconnected" });
    } else if (status.type === "reconnect") {
      this.handleReconnect(status.server);
    } else if (status.type === "error") {
      this.log.warn("nats server error", { reason: reasonOf(status.error) });
      this.notify({ kind: "error", reason: reasonOf(status.error) });
    }
  }

  private handleReconnect(server: string): void {
    this.version = this.nc.info?.version ?? "unknown";
    if (this.requireVersion && !isSupportedVersion(this.version)) {
      this.log.error("nats server too old", { server, version: this.version, minimum: minimum() });
      this.notify({ kind: "too_old", serverVersion: this.version });
      return;
    }
    this.mux.setState("connected");
    this.log.info("nats reconnected", { server, version: this.version });
    this.notify({ kind: "connected", serverVersion: this.version });
  }

  private notify(status: LinkStatus): void {
    for (const listener of this.listeners) listener(status);
  }
}

async function dialUntil(client: NodeConnectionOptions, options: NatsOptions): Promise<NatsConnection> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    try {
      return await connect({ ...client, timeout: Math.min(leftMs, DIAL_TIMEOUT_MS) });
    } catch (error) {
      if (isAuthorizationError(error)) throw notAuthorized(options, error);
      if (performance.now() + RETRY_DELAY_MS >= deadlineMs) throw notConnected(options, error);
      options.log.debug("nats not reachable yet", { reason: reasonOf(error) });
    }
    await delay(RETRY_DELAY_MS);
  }
}

function tooOld(url: string, version: string): BeamlineError {
  const message = `nats-server at ${withoutLogin(url)} has version ${version}; ${minimum()} or newer is required`;
  return new BeamlineError("NATS_TOO_OLD", message, { hint: "Upgrade nats-server: https://nats.io/download/" });
}

function minimum(): string {
  return formatVersion(MINIMUM_NATS_VERSION);
}
