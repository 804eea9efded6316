// Whether a port is free, asked before anything is started, so that one clear error comes first and nothing is left behind.
import { createServer } from "node:net";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";

/** A port that `up` needs, and the flag that chooses it. */
export interface NeededPort {
  readonly what: string;
  readonly port: number;
  readonly flag: string;
}

/** Throws PORT_IN_USE or PERMISSION_DENIED for the first one that cannot be had on `host`. */
export async function requireFreePorts(host: string, ports: readonly NeededPort[]): Promise<void> {
  for (const needed of ports) await requireFreePort(host, needed);
}

async function requireFreePort(host: string, { what, port, flag }: NeededPort): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const taken = code === "EADDRINUSE";
    throw new BeamlineError(
      taken ? "PORT_IN_USE" : "PERMISSION_DENIED",
      `${what} needs ${host}:${port}, which ${taken ? "another process uses" : `cannot be had: ${reasonOf(error)}`}`,
      { hint: `Stop that process, or choose another port with ${flag}.`, cause: error },
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
