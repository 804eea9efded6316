// How many routers may be evicted at once when nodes are drained.
import { ownedMetadata, podLabels } from "./labels.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";

export function podDisruptionBudgetManifest(workload: RouterWorkload, name: string): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: ownedMetadata(workload, name),
    spec: {
      maxUnavailable: 1,
      // A router that does not come up serves nobody: it must not keep a node from being drained.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: podLabels(workload.router) },
    },
  };
}
