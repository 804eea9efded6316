// Asking a port who is there.
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

const PROBE_TIMEOUT_MS = 2_000;
/** INFO is one line of about a kilobyte. */
const MAX_INFO_BYTES = 64 * 1024;

/** The name in the INFO line that a NATS server sends to whoever connects; undefined when none is there. */
export function readServerName(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = "";
    const finish = (name: string | undefined): void => {
      socket.destroy();
      resolve(name);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => finish(undefined));
    socket.once("error", () => finish(undefined));
    socket.once("close", () => finish(undefined));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      if (received.includes("\r\n") || received.length > MAX_INFO_BYTES) finish(serverName(received));
    });
  });
}

function serverName(text: string): string | undefined {
  const line = /^INFO (\{.*\})/.exec(text)?.[1];
  if (line === undefined) return undefined;
  try {
    const info: { readonly server_name?: unknown } = JSON.parse(line);
    return typeof info.server_name === "string" ? info.server_name : undefined;
  } catch {
    // Something else that begins with INFO: not a NATS server.
    return undefined;
  }
}

/** A port that was free a moment ago. */
export async function findFreePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
