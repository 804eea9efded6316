// How a process is told of its NATS: the settings that all of them share, and the connection that they ask for.
import { type Config, defineConfig } from "../config.ts";
import type { NatsOptions } from "./client-options.ts";

export const natsSettings = defineConfig({
  natsUrl: {
    kind: "url",
    env: "BEAMLINE_NATS_URL",
    default: "nats://127.0.0.1:4222",
    description: "NATS servers of one cluster, comma-separated; an operator gives its routers the same",
  },
  natsCredentialsFile: {
    kind: "string",
    env: "BEAMLINE_NATS_CREDENTIALS_FILE",
    optional: true,
    description: "NATS .creds file, read again at each reconnect; an operator gives its routers the same",
  },
  natsTlsCaFile: {
    kind: "string",
    env: "BEAMLINE_NATS_TLS_CA_FILE",
    optional: true,
    description: "CA certificates of the NATS servers (PEM)",
  },
  natsTlsCertFile: {
    kind: "string",
    env: "BEAMLINE_NATS_TLS_CERT_FILE",
    optional: true,
    description: "Client certificate (PEM)",
  },
  natsTlsKeyFile: {
    kind: "string",
    env: "BEAMLINE_NATS_TLS_KEY_FILE",
    optional: true,
    description: "Key of the client certificate (PEM)",
  },
  natsTimeoutMs: {
    kind: "duration",
    env: "BEAMLINE_NATS_TIMEOUT",
    default: 10_000,
    min: 100,
    max: 600_000,
    description: "How long the first connection is tried",
  },
});

/** What `connectNats` needs of a configuration; name and log are the caller's. */
export function natsOptions(
  config: Config<typeof natsSettings>,
): Pick<NatsOptions, "url" | "timeoutMs" | "credentialsFile" | "tls"> {
  const { natsTlsCaFile: caFile, natsTlsCertFile: certFile, natsTlsKeyFile: keyFile } = config;
  const tls = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  return {
    url: config.natsUrl,
    timeoutMs: config.natsTimeoutMs,
    ...(config.natsCredentialsFile === undefined ? {} : { credentialsFile: config.natsCredentialsFile }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}
