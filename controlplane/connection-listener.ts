// Where connections come in: how many there may be, of all and of one address, and how they end. What is over the limit is
// closed at once.
import { lookup } from "node:dns/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { ConnectionMetrics } from "./metrics.ts";

export interface ConnectionListenerOptions {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly connections?: ConnectionMetrics;
  readonly onConnection: (socket: Socket) => void;
}

/** A name stands for an IPv4 and an IPv6 address, rarely for more. */
const MAX_ADDRESSES = 8;

export class ConnectionListener {
  private readonly options: ConnectionListenerOptions;
  private readonly servers: Server[] = [];
  private readonly byAddress = new Map<string, number>();
  /** As many as `maxConnections`. */
  private readonly open = new Set<Socket>();
  private readonly whenNoneIsOpen: (() => void)[] = [];

  constructor(options: ConnectionListenerOptions) {
    this.options = options;
  }

  /** Listens on every address that the host of `address` stands for, `host:port`. Resolves to the port. */
  async listen(address: string): Promise<number> {
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    let port = Number(address.slice(colon + 1));
    // An address without a host is that of every interface.
    const found = host === "" ? [{ address: "0.0.0.0" }] : await lookup(host, { all: true });
    try {
      for (const { address: one } of found.slice(0, MAX_ADDRESSES)) port = await this.listenOn(one, port);
    } catch (error) {
      this.close();
      throw error;
    }
    return port;
  }

  /** Takes no new connections; those that are open are left. */
  close(): void {
    for (const server of this.servers.splice(0)) server.close();
  }

  /** Resolves when every connection is closed. What is open after `deadlineMs` is cut. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.open.size === 0) return;
    const cut = setTimeout(() => {
      for (const socket of this.open) socket.destroy();
    }, deadlineMs);
    await new Promise<void>((resolve) => {
      this.whenNoneIsOpen.push(resolve);
    });
    clearTimeout(cut);
  }

  private listenOn(host: string, port: number): Promise<number> {
    // Answers are small and waited for.
    const server = createServer({ noDelay: true }, (socket) => this.take(socket));
    this.servers.push(server);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.off("error", reject);
        const bound = server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : port);
      });
    });
  }

  private take(socket: Socket): void {
    const { maxConnections, maxConnectionsPerAddress, connections, onConnection } = this.options;
    // A connection that is gone already has no address.
    const address = socket.remoteAddress ?? "";
    const ofAddress = this.byAddress.get(address) ?? 0;
    if (this.open.size >= maxConnections || ofAddress >= maxConnectionsPerAddress) {
      connections?.countRefused();
      socket.destroy();
      return;
    }
    this.byAddress.set(address, ofAddress + 1);
    this.open.add(socket);
    connections?.setOpen(this.open.size);
    socket.once("close", () => {
      const left = (this.byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.byAddress.delete(address);
      else this.byAddress.set(address, left);
      this.open.delete(socket);
      connections?.setOpen(this.open.size);
      if (this.open.size === 0) for (const resolve of this.whenNoneIsOpen.splice(0)) resolve();
    });
    onConnection(socket);
  }
}
