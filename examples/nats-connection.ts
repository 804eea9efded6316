// The connection to NATS of every example: it comes back by itself, and says in one line when there is none to begin with.
import { readFileSync } from "node:fs";
import { connect, credsAuthenticator, type NatsConnection } from "nats";

export interface NatsValues {
  readonly "nats-url": string;
  /** A .creds file; empty where NATS asks for none. */
  readonly creds: string;
}

export async function connectNats(program: string, { "nats-url": url, creds }: NatsValues): Promise<NatsConnection> {
  try {
    return await connect({
      servers: url,
      name: `example-${program}`,
      maxReconnectAttempts: -1,
      // Read again at each reconnect, so that the file may be replaced.
      ...(creds === "" ? {} : { authenticator: credsAuthenticator(() => readFileSync(creds)) }),
    });
  } catch (error) {
    console.error(`${program}: cannot connect to ${url}: ${error instanceof Error ? error.message : String(error)}`);
    if (creds === "") console.error("  Is it running? Where it asks for credentials, name their file with --creds.");
    process.exit(1);
  }
}
