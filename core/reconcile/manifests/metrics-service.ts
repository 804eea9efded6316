// A headless Service, so that scrapers find every router by itself.
import { METRICS_PORT, METRICS_PORT_NAME } from "./container.ts";
import { ownedMetadata, podLabels } from "./labels.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";

export function metricsServiceManifest(workload: RouterWorkload, name: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: ownedMetadata(workload, name),
    spec: {
      type: "ClusterIP",
      clusterIP: "None",
      // The metrics of a router that is not ready are those that somebody looks for.
      publishNotReadyAddresses: true,
      selector: podLabels(workload.router),
      ports: [{ name: METRICS_PORT_NAME, port: METRICS_PORT, targetPort: METRICS_PORT_NAME, protocol: "TCP" }],
    },
  };
}
