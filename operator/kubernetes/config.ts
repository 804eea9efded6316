// What an operator in a cluster is told by its environment.
import { type Config, defineConfig } from "../../runtime/config.ts";
import { natsSettings } from "../../runtime/nats/settings.ts";
import { operatorConfig } from "../config.ts";

export const kubernetesConfig = defineConfig({
  ...natsSettings,
  httpHost: operatorConfig.httpHost,
  httpPort: operatorConfig.httpPort,
  routerName: operatorConfig.routerName,
  routerMain: operatorConfig.routerMain,
  routerHealthHost: operatorConfig.routerHealthHost,
  routerHealthPort: operatorConfig.routerHealthPort,
  routerLogDir: operatorConfig.routerLogDir,
  requireTenant: operatorConfig.requireTenant,
  ackWaitMs: operatorConfig.ackWaitMs,
  streamReplicas: operatorConfig.streamReplicas,
  logLevel: operatorConfig.logLevel,
  parentPipe: operatorConfig.parentPipe,
  namespace: {
    kind: "string",
    env: "BEAMLINE_NAMESPACE",
    default: "beamline-system",
    description:
      "Namespace of the operator: of its Lease, of the installation's Router, and of the Secrets that this Router may use",
  },
  podName: {
    kind: "string",
    env: "BEAMLINE_POD_NAME",
    default: "operator",
    description: "Name of this operator in the Lease and in events",
  },
  kubeconfig: {
    kind: "string",
    env: "BEAMLINE_KUBECONFIG",
    optional: true,
    description: "Kubeconfig file; when absent, KUBECONFIG, the pod's service account, or the user's own file",
  },
  leaseName: {
    kind: "string",
    env: "BEAMLINE_LEASE_NAME",
    default: "beamline-operator",
    description: "Lease by which one operator of several leads",
  },
  watchNamespaces: {
    kind: "list",
    env: "BEAMLINE_WATCH_NAMESPACES",
    default: [],
    description: "Namespaces whose objects are served; all when absent",
  },
  watchNamespaceSelector: {
    kind: "string",
    env: "BEAMLINE_WATCH_NAMESPACE_SELECTOR",
    optional: true,
    description: "Label selector of the namespaces whose objects are served",
  },
  infrastructure: {
    kind: "choice",
    env: "BEAMLINE_INFRASTRUCTURE",
    values: ["Deployments", "Processes"],
    default: "Deployments",
    description: "Whether routers are pods, or processes beside the operator: for trying an operator without an image",
  },
  routerImage: {
    kind: "string",
    env: "BEAMLINE_ROUTER_IMAGE",
    optional: true,
    description: "Container image of routers whose Router names none; needed when routers are pods",
  },
  routerImagePullPolicy: {
    kind: "choice",
    env: "BEAMLINE_ROUTER_IMAGE_PULL_POLICY",
    values: ["IfNotPresent", "Always", "Never"],
    default: "IfNotPresent",
    description: "imagePullPolicy of router pods",
  },
  routerImagePullSecrets: {
    kind: "list",
    env: "BEAMLINE_ROUTER_IMAGE_PULL_SECRETS",
    default: [],
    description: "Secrets, in the Router's namespace, with which the images of routers are pulled",
  },
  instance: {
    kind: "string",
    env: "BEAMLINE_INSTANCE",
    default: "beamline",
    description: "Value of the label app.kubernetes.io/instance of what the operator makes: the release",
  },
  natsPodPorts: {
    kind: "list",
    env: "BEAMLINE_NATS_POD_PORTS",
    default: [],
    description: "Ports of NATS pods that routers may reach, where a Service maps the port of the URL to another one",
  },
  routerNatsCredentialsSecret: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NATS_CREDENTIALS_SECRET",
    optional: true,
    description: "Secret of the operator's namespace with nats.creds for the routers of that namespace",
  },
  routerNatsTlsSecret: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NATS_TLS_SECRET",
    optional: true,
    description:
      "Secret of the operator's namespace with ca.crt, tls.crt and tls.key for the routers of that namespace",
  },
  natsUrlAllowed: {
    kind: "list",
    env: "BEAMLINE_NATS_URL_ALLOWED",
    default: [],
    description: "NATS servers that Router objects may name besides the installation's",
  },
});

export type KubernetesConfig = Config<typeof kubernetesConfig>;
