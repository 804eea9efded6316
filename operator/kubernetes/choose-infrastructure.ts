// Where the routers of a cluster's operator run: in pods, or as processes beside it.
import { join, resolve } from "node:path";
import type { RouterKey } from "../../core/config/entry.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { EventRecorder } from "../../kubernetes/events.ts";
import type { Logger } from "../../runtime/log.ts";
import { ProcessInfrastructure } from "../infrastructure/processes/process-infrastructure.ts";
import type { Infrastructure } from "../interfaces.ts";
import type { KubernetesConfig } from "./config.ts";

export interface ChooseInfrastructureOptions {
  readonly config: KubernetesConfig;
  readonly client: KubernetesClient;
  readonly events: EventRecorder;
  readonly log: Logger;
}

/** Makes the infrastructure of one Router at a time. */
export function chooseInfrastructure(options: ChooseInfrastructureOptions): (router: RouterKey) => Infrastructure {
  return () => processes(options);
}

function processes({ config, log }: ChooseInfrastructureOptions): Infrastructure {
  return new ProcessInfrastructure({
    routerMain: config.routerMain ?? join(import.meta.dirname, "..", "..", "router", "main.ts"),
    healthHost: config.routerHealthHost,
    healthBasePort: config.routerHealthPort,
    log,
    ...(config.routerLogDir === undefined ? {} : { logDir: resolve(config.routerLogDir) }),
  });
}
