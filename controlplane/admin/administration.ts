// The administrative side of a control plane put together: policies and scaling, and what they stand on.
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import type { CallFrame } from "../call-frame.ts";
import { openClusterClient } from "../cluster-client.ts";
import type { ControlPlaneConfig } from "../config.ts";
import type { OpenStreams } from "../open-streams.ts";
import { RouterPrefixes } from "../scaling/router-prefixes.ts";
import type { ServiceEntry } from "../server.ts";
import { externalScalerService } from "../services/external-scaler.ts";
import { routerAdminService } from "../services/router-admin.ts";
import { FilePolicies } from "./file-policies.ts";
import { KubernetesPolicies } from "./kubernetes-policies.ts";
import { PolicyFolder } from "./policy-folder.ts";
import type { PolicyStore } from "./policy-store.ts";
import { StatusPage } from "./status-page.ts";

export interface AdministrationOptions {
  readonly config: ControlPlaneConfig;
  readonly clock: Clock;
  readonly link: () => NatsLink | undefined;
}

export class Administration {
  private readonly options: AdministrationOptions;
  private readonly routers: RouterPrefixes;
  private client: KubernetesClient | undefined;
  private policies: PolicyStore | undefined;

  constructor(options: AdministrationOptions) {
    this.options = options;
    const { routerNamespace: namespace, routerName: name } = options.config;
    this.routers = new RouterPrefixes({ client: () => this.client, installation: { namespace, name } });
  }

  /** Throws BeamlineError CONFIG_INVALID or INPUT_MISSING when policies cannot be kept where the configuration says. */
  async start(): Promise<void> {
    const { config } = this.options;
    if (config.policies === "kubernetes") {
      this.client = await openClusterClient(config, "beamline-admin");
      this.policies = new KubernetesPolicies(this.client);
    } else if (config.policies === "files") this.policies = openFolder(config);
  }

  stop(): void {
    this.policies = undefined;
    this.client?.close();
  }

  services(frame: CallFrame, streams: OpenStreams): Readonly<Record<string, ServiceEntry["implementation"]>> {
    const { config, clock, link } = this.options;
    const { adminGrpcEnabled: enabled, callTimeoutMs } = config;
    const policies = (): PolicyStore | undefined => this.policies;
    return {
      "beamline.flow.v1.RouterAdmin": routerAdminService({ frame, enabled, policies, link, callTimeoutMs, clock }),
      "externalscaler.ExternalScaler": externalScalerService({
        frame,
        streams,
        link,
        routers: this.routers,
        callTimeoutMs,
      }),
    };
  }
}

function openFolder({ policiesDir, statusUrl }: ControlPlaneConfig): PolicyStore {
  if (policiesDir === undefined) {
    throw new BeamlineError("CONFIG_INVALID", "BEAMLINE_CONTROLPLANE_POLICIES is files, and no folder is named", {
      hint: "Set BEAMLINE_CONTROLPLANE_POLICIES_DIR to the policies folder of the operator.",
    });
  }
  if (statusUrl !== undefined && !URL.canParse(statusUrl))
    throw new BeamlineError("CONFIG_INVALID", `BEAMLINE_CONTROLPLANE_STATUS_URL is ${statusUrl}, which is no URL`);
  const status = statusUrl === undefined ? undefined : new StatusPage(statusUrl);
  return new FilePolicies({ folder: new PolicyFolder(policiesDir), status });
}
