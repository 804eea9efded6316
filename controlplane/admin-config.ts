// What a control plane is told about policies, scaling and the components that it asks.
import { defineConfig } from "../runtime/config.ts";

export const adminConfig = defineConfig({
  adminGrpcEnabled: {
    kind: "boolean",
    env: "BEAMLINE_ADMIN_GRPC_ENABLED",
    default: true,
    description: "Whether beamline.flow.v1.RouterAdmin is served; when not, its calls are answered UNIMPLEMENTED",
  },
  policies: {
    kind: "choice",
    env: "BEAMLINE_CONTROLPLANE_POLICIES",
    values: ["off", "kubernetes", "files"],
    default: "off",
    description: "Where RouterAdmin keeps policies: nowhere, as RoutingPolicy objects, or as files",
  },
  policiesDir: {
    kind: "string",
    env: "BEAMLINE_CONTROLPLANE_POLICIES_DIR",
    optional: true,
    description: "With files: the policies folder of the operator",
  },
  statusUrl: {
    kind: "string",
    env: "BEAMLINE_CONTROLPLANE_STATUS_URL",
    optional: true,
    description:
      "With files: the operator's status, such as http://127.0.0.1:8080/status, to say whether it accepts a policy",
  },
  routerNamespace: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NAMESPACE",
    default: "beamline-system",
    description: "Namespace of the installation's Router, which triggers of KEDA mean when they name none",
  },
  routerName: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NAME",
    default: "default",
    description: "Name of the installation's Router",
  },
  askComponents: {
    kind: "boolean",
    env: "BEAMLINE_CONTROLPLANE_ASK_COMPONENTS",
    default: true,
    description: "Whether processors are asked at their endpoints for their capabilities and their health",
  },
  healthEveryMs: {
    kind: "duration",
    env: "BEAMLINE_CONTROLPLANE_HEALTH_INTERVAL",
    default: 10_000,
    min: 100,
    max: 600_000,
    description: "How often a processor is asked for its health, varied by a fifth",
  },
  dialAllow: {
    kind: "list",
    env: "BEAMLINE_CONTROLPLANE_DIAL_ALLOW",
    default: [],
    description:
      "Endpoints that may be dialled: CIDR blocks, host names, or *.suffix, comma-separated; when empty, all but link-local, metadata and other special addresses",
  },
});
