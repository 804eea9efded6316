// Where a processor listens. The connections are its own, so that a stop can end them: what grpc-js cuts waits for its client.
import { lookup } from "node:dns/promises";
import { createServer, type Server, type Socket } from "node:net";

/** On one address; what is over it is closed at once. */
const MAX_CONNECTIONS = 10_000;
/** A name stands for an IPv4 and an IPv6 address, rarely for more. */
const MAX_ADDRESSES = 8;

export class Listener {
  private readonly onConnection: (socket: Socket) => void;
  private readonly servers: Server[] = [];
  private readonly open = new Set<Socket>();

  constructor(onConnection: (socket: Socket) => void) {
    this.onConnection = onConnection;
  }

  /** Listens on every address that the host of `address` stands for, `host:port`. Resolves to the port. */
  async listen(address: string): Promise<number> {
    const colon = address.lastIndexOf(":");
    const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    let port = Number(address.slice(colon + 1));
    const found = host === "" ? [{ address: "0.0.0.0" }] : await lookup(host, { all: true });
    try {
      for (const one of found.slice(0, MAX_ADDRESSES)) port = await this.listenOn(one.address, port);
    } catch (error) {
      await this.close(0);
      throw error;
    }
    return port;
  }

  /** Takes no new connections and resolves when the last one is closed. What is open after `deadlineMs` is cut. */
  async close(deadlineMs: number): Promise<void> {
    const cut = setTimeout(() => {
      for (const socket of this.open) socket.destroy();
    }, deadlineMs);
    await Promise.all(this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    clearTimeout(cut);
  }

  private listenOn(host: string, port: number): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.open.add(socket);
      socket.once("close", () => this.open.delete(socket));
      this.onConnection(socket);
    });
    server.maxConnections = MAX_CONNECTIONS;
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.off("error", reject);
        this.servers.push(server);
        const bound = server.address();
        resolve(typeof bound === "object" && bound !== null ? bound.port : port);
      });
    });
  }
}
