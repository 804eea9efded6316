// Where the routers of a cluster's operator run: in pods, or as processes beside it.
import { join, resolve } from "node:path";
import type { RouterKey } from "../../core/config/entry.ts";
import type { RouterInstallation } from "../../core/reconcile/manifests/manifest.ts";
import { Applier } from "../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { EventRecorder } from "../../kubernetes/events.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import { DeploymentInfrastructure } from "../infrastructure/kubernetes/deployment-infrastructure.ts";
import { ProcessInfrastructure } from "../infrastructure/processes/process-infrastructure.ts";
import type { Infrastructure } from "../interfaces.ts";
import type { KubernetesConfig } from "./config.ts";
import { FIELD_MANAGER } from "./field-owner.ts";

export interface ChooseInfrastructureOptions {
  readonly config: KubernetesConfig;
  readonly client: KubernetesClient;
  readonly events: EventRecorder;
  readonly log: Logger;
}

const PART_OF = "beamline";
const MAX_PORT = 65_535;

/** Makes the infrastructure of one Router at a time. */
export function chooseInfrastructure(options: ChooseInfrastructureOptions): (router: RouterKey) => Infrastructure {
  const { config, client, events, log } = options;
  if (config.infrastructure === "Processes") return () => processes(options);
  const settings = readInstallation(config);
  const applier = new Applier({ client, fieldManager: FIELD_MANAGER });
  return (router) => new DeploymentInfrastructure({ client, applier, router, settings, log, events });
}

/** What every Router's pods have in common. Throws BeamlineError CONFIG_INVALID. */
export function readInstallation(config: KubernetesConfig): RouterInstallation {
  const { routerImage: image, routerImagePullPolicy, routerImagePullSecrets, instance, natsPodPorts } = config;
  if (image === undefined) {
    throw new BeamlineError("CONFIG_INVALID", "BEAMLINE_ROUTER_IMAGE is required where routers are pods", {
      hint: "Name the image that the operator itself runs from.",
    });
  }
  return {
    image,
    imagePullPolicy: routerImagePullPolicy,
    imagePullSecrets: routerImagePullSecrets,
    partOf: PART_OF,
    instance,
    natsPorts: natsPodPorts.map(readPort),
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port <= MAX_PORT) return port;
  throw new BeamlineError("CONFIG_INVALID", `BEAMLINE_NATS_POD_PORTS: "${text}" is no port from 1 to ${MAX_PORT}`);
}

function processes({ config, log }: ChooseInfrastructureOptions): Infrastructure {
  return new ProcessInfrastructure({
    routerMain: config.routerMain ?? join(import.meta.dirname, "..", "..", "router", "main.ts"),
    // Acknowledgements are kept by name, and another operator's routers may still be there.
    namePrefix: `${config.podName}-router`,
    healthHost: config.routerHealthHost,
    healthBasePort: config.routerHealthPort,
    log,
    ...(config.routerLogDir === undefined ? {} : { logDir: resolve(config.routerLogDir) }),
  });
}
