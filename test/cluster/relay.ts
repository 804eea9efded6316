// A way into a cluster's network namespace: a Unix socket is no network's, so it reaches both sides. The relay listens on one
// inside; a connection to it says in its first line where in the namespace it wants to go.
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export interface Forward extends AsyncDisposable {
  /** On 127.0.0.1 of this machine; what connects to it comes out at the address that it forwards to. */
  readonly port: number;
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";
/** `address port` and a line feed. */
const TARGET = /^(\S{1,64}) (\d{1,5})\n/;
const MAX_TARGET_BYTES = 72;
const MAX_CONNECTIONS = 4_096;

/** Runs inside the namespace and never ends by itself. */
export async function serveRelay(socketPath: string): Promise<void> {
  // Left by a relay that was killed; nobody listens on it.
  if (existsSync(socketPath)) rmSync(socketPath);
  const server = createServer({ pauseOnConnect: false }, acceptRelayed);
  server.maxConnections = MAX_CONNECTIONS;
  server.listen({ path: socketPath });
  await once(server, "listening");
}

function acceptRelayed(incoming: Socket): void {
  let received = Buffer.alloc(0);
  incoming.on("error", () => incoming.destroy());
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    const target = TARGET.exec(received.toString("latin1", 0, MAX_TARGET_BYTES));
    if (target === null) {
      if (received.length > MAX_TARGET_BYTES) incoming.destroy();
      return;
    }
    incoming.off("data", onData);
    incoming.pause();
    const outgoing = connect({ host: target[1] ?? "", port: Number(target[2]) });
    outgoing.write(received.subarray(target[0].length));
    join(incoming, outgoing);
  };
  incoming.on("data", onData);
}

/** Both directions, until one side ends; what breaks one breaks the other. */
function join(left: Socket, right: Socket): void {
  for (const [from, to] of [
    [left, right],
    [right, left],
  ] as const) {
    from.setNoDelay(true);
    from.pipe(to);
    from.once("error", () => to.destroy());
    from.once("close", () => to.destroy());
  }
}

/** A connection to `host:port` as the namespace sees them. */
export function connectInside(socketPath: string, host: string, port: number): Socket {
  const socket = connect({ path: socketPath });
  socket.write(`${host} ${port}\n`);
  return socket;
}

/** Listens on a loopback port of this machine (0: a free one) and forwards each connection into the namespace. */
export async function forwardInto(
  socketPath: string,
  target: { readonly host: string; readonly port: number },
  port = 0,
): Promise<Forward> {
  const open = new Set<Socket>();
  const server = createServer((incoming) => {
    const inside = connectInside(socketPath, target.host, target.port);
    open.add(incoming);
    incoming.once("close", () => open.delete(incoming));
    join(incoming, inside);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, LOOPBACK);
  await once(server, "listening");
  const close = (): Promise<void> => closeServer(server, open);
  return { port: (server.address() as AddressInfo).port, close, [Symbol.asyncDispose]: close };
}

async function closeServer(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const closed = once(server, "close");
  server.close();
  for (const socket of open) socket.destroy();
  await closed;
}
