// The account that routers run under: without a token, since a router never speaks to the API server.
import { ownedMetadata } from "./labels.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";

export function serviceAccountManifest(workload: RouterWorkload, name: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: ownedMetadata(workload, name),
    automountServiceAccountToken: false,
  };
}
