// The services that a control plane serves, by their full names: for metrics, health and reflection.
import type { ServiceDefinition } from "@grpc/grpc-js";
import { RegistryService } from "../proto/gen/grpc/beamline/control/v1/registry.ts";
import { RouterAdminService } from "../proto/gen/grpc/beamline/flow/v1/admin.ts";
import { ControlPlaneService } from "../proto/gen/grpc/controlplane/controlplane.ts";
import { ExternalScalerService } from "../proto/gen/grpc/externalscaler/externalscaler.ts";
import { ControlPlaneServiceService } from "../proto/gen/grpc/flowctl/v1/control_plane.ts";
import { HealthService } from "../proto/gen/grpc/grpc/health/v1/health.ts";

export interface ServedService {
  readonly name: string;
  readonly definition: ServiceDefinition;
}

export const SERVED: readonly ServedService[] = [
  { name: "obsrvr.flow.controlplane.ControlPlane", definition: ControlPlaneService },
  { name: "beamline.control.v1.Registry", definition: RegistryService },
  { name: "flowctl.v1.ControlPlaneService", definition: ControlPlaneServiceService },
  { name: "beamline.flow.v1.RouterAdmin", definition: RouterAdminService },
  { name: "externalscaler.ExternalScaler", definition: ExternalScalerService },
  { name: "grpc.health.v1.Health", definition: HealthService },
];
