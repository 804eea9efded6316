// What the operator of one Router is told: the installation's settings, with the Router's own connection.
import type { RouterKey } from "../../core/config/entry.ts";
import { isInstallationAccount, type NatsAccess } from "../../core/reconcile/nats-access.ts";
import type { RouterConfig } from "../config.ts";
import type { KubernetesConfig } from "./config.ts";
import type { NatsFiles } from "./secret-files.ts";

/** What an operator was started with; another value means another operator. */
export interface Connection {
  readonly access: Extract<NatsAccess, { readonly kind: "Granted" }>;
  readonly files: NatsFiles;
  readonly prefix: string | undefined;
  readonly retentionMs: number;
  readonly uid: string;
}

export function routerConfigFor(
  config: KubernetesConfig,
  router: RouterKey,
  { access, files, prefix, retentionMs }: Connection,
): RouterConfig {
  return {
    routerNamespace: router.namespace,
    routerName: router.name,
    subjectsPrefix: prefix,
    routers: undefined,
    natsUrl: access.url,
    natsTimeoutMs: config.natsTimeoutMs,
    natsCredentialsFile: undefined,
    // Pods read their own, from the Secrets.
    routerCredentialsFile: config.infrastructure === "Processes" ? files.credentialsFile : undefined,
    handoverRetentionMs: retentionMs,
    ackWaitMs: config.ackWaitMs,
    streamReplicas: config.streamReplicas,
    requireTenant: config.requireTenant,
    logLevel: config.logLevel,
    hasRegistry: isInstallationAccount(access, { url: config.natsUrl }),
  };
}
