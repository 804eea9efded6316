// The one container of a router's pod: command, environment, probes, rights.
import type { PodOverlay, ResourceAmounts } from "../../policy/spec.ts";
import type { RouterWorkload } from "./manifest.ts";
import { secretEnvironment, secretMounts } from "./nats-secrets.ts";

/** What the image's entrypoint, `node`, is given. */
export const ROUTER_COMMAND: readonly string[] = ["/app/router/main.js"];
export const CONTAINER_NAME = "router";
export const METRICS_PORT = 9100;
export const METRICS_PORT_NAME = "metrics";

/** A router answers /livez before it has reached NATS, and ends by itself when it cannot; this is for a slow node. */
const STARTUP_PROBE = { periodSeconds: 1, failureThreshold: 60, timeoutSeconds: 2 };
const READINESS_PROBE = { periodSeconds: 2, failureThreshold: 2, timeoutSeconds: 2 };
/** Slow to judge: to end a router that is only busy would make the others busier. */
const LIVENESS_PROBE = { periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 };
/**
 * Autoscaling is a share of the request, so there must be one. The memory is what a router with much traffic holds
 * (docs/benchmarks.md, "Memory") and a quarter more.
 */
const DEFAULT_REQUESTS: ResourceAmounts = { cpu: "250m", memory: "480Mi" };

interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly apiVersion: string; readonly fieldPath: string } };
}

export function routerContainer(workload: RouterWorkload): Readonly<Record<string, unknown>> {
  const { installation, secrets, spec } = workload;
  return {
    name: CONTAINER_NAME,
    image: spec.image ?? installation.image,
    imagePullPolicy: installation.imagePullPolicy,
    args: ROUTER_COMMAND,
    env: environmentOf(workload),
    ports: [{ name: METRICS_PORT_NAME, containerPort: METRICS_PORT, protocol: "TCP" }],
    resources: resourcesOf(spec.pod),
    startupProbe: probe("/livez", STARTUP_PROBE),
    readinessProbe: probe("/readyz", READINESS_PROBE),
    livenessProbe: probe("/livez", LIVENESS_PROBE),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
    },
    // The last lines of a router that ended: why it does not come up is then a field of its pod.
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: secretMounts(secrets),
  };
}

/** By name, so that equal settings are equal pods. What the pod itself decides cannot be set from outside. */
function environmentOf({ environment, secrets, spec }: RouterWorkload): readonly EnvironmentVariable[] {
  const values: Readonly<Record<string, string | undefined>> = {
    ...environment,
    ...secretEnvironment(secrets),
    BEAMLINE_DRAIN_TIMEOUT: `${spec.drainTimeoutMs}ms`,
    BEAMLINE_HEALTH_HOST: "0.0.0.0",
    BEAMLINE_HEALTH_PORT: String(METRICS_PORT),
    BEAMLINE_PARENT_PIPE: undefined,
    BEAMLINE_POD_NAME: undefined,
    BEAMLINE_POD_UID: undefined,
  };
  const variables = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : { name, value }));
  return [
    fromField("BEAMLINE_POD_NAME", "metadata.name"),
    fromField("BEAMLINE_POD_UID", "metadata.uid"),
    ...variables.sort((left, right) => (left.name < right.name ? -1 : 1)),
  ];
}

function fromField(name: string, fieldPath: string): EnvironmentVariable {
  return { name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } };
}

function probe(path: string, timing: object): object {
  return { httpGet: { path, port: METRICS_PORT_NAME, scheme: "HTTP" }, ...timing };
}

/** A limit without its request is the request too, as Kubernetes has it: no default stands against it. */
function resourcesOf({ resources }: PodOverlay): object {
  const { limits, requests } = resources ?? {};
  const defaults = Object.entries(DEFAULT_REQUESTS).filter(([name]) => limits?.[name] === undefined);
  return {
    requests: { ...Object.fromEntries(defaults), ...requests },
    ...(limits === undefined ? {} : { limits }),
  };
}
