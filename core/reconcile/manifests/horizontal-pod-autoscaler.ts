// Lets the number of routers follow their load, when the Router asks for it.
import { ownedMetadata } from "./labels.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";

/** Share of the requested CPU: a router that uses more gets company, early enough that the new one is ready in time. */
const TARGET_CPU_PERCENT = 70;

/** Undefined when the Router has a fixed number of routers. */
export function horizontalPodAutoscalerManifest(workload: RouterWorkload, name: string): Manifest | undefined {
  const { autoscaling } = workload.spec;
  if (autoscaling === undefined) return undefined;
  const target = { type: "Utilization", averageUtilization: TARGET_CPU_PERCENT };
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: ownedMetadata(workload, name),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas: autoscaling.min,
      maxReplicas: autoscaling.max,
      metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
    },
  };
}
