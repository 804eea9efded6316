// A client of the cluster that a control plane is told of, for each part that asks it something under a name of its own.
import { findClusterAccess } from "../kubernetes/access/find-access.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { PRODUCT_VERSION } from "../runtime/product-version.ts";
import type { ControlPlaneConfig } from "./config.ts";

/** `name` is what the API server's audit log calls the part. Throws BeamlineError when there is no access to a cluster. */
export async function openClusterClient(
  { kubeconfig }: Pick<ControlPlaneConfig, "kubeconfig">,
  name: string,
): Promise<KubernetesClient> {
  const access = await findClusterAccess({ env: process.env, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
  return KubernetesClient.create({ access, userAgent: `${name}/${PRODUCT_VERSION}` });
}
