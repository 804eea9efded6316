// The connection that a router's configuration asks for.
import type { NatsOptions } from "../runtime/nats/connection.ts";
import type { RouterConfig } from "./config.ts";

export function natsOptions(config: RouterConfig): Pick<NatsOptions, "url" | "timeoutMs" | "credentialsFile" | "tls"> {
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
