// Everything that a Router owns in a cluster, in the order in which it is made.
import type { Codec } from "../../codec.ts";
import { deploymentManifest } from "./deployment.ts";
import { horizontalPodAutoscalerManifest } from "./horizontal-pod-autoscaler.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";
import { metricsServiceManifest } from "./metrics-service.ts";
import { routerObjectNames } from "./names.ts";
import { networkPolicyManifest } from "./network-policy.ts";
import { podDisruptionBudgetManifest } from "./pod-disruption-budget.ts";
import { serviceAccountManifest } from "./service-account.ts";

/** What pods need comes before the pods, and what scales them after. */
export function routerManifests(workload: RouterWorkload, codec: Codec): readonly Manifest[] {
  const names = routerObjectNames(workload.router.name, codec);
  const manifests: readonly (Manifest | undefined)[] = [
    serviceAccountManifest(workload, names.workload),
    networkPolicyManifest(workload, names.workload),
    metricsServiceManifest(workload, names.metricsService),
    podDisruptionBudgetManifest(workload, names.workload),
    deploymentManifest(workload, names.workload, codec),
    horizontalPodAutoscalerManifest(workload, names.workload),
  ];
  return manifests.filter((manifest) => manifest !== undefined);
}
