// Which way to the API server this process has.
import type { ClusterAccess } from "./cluster-access.ts";
import { isInCluster, readInClusterAccess } from "./in-cluster.ts";
import { defaultKubeconfigPath, readKubeconfigAccess } from "./kubeconfig.ts";

export interface FindAccessOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file that was named by the user; wins over everything. */
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** The file that was named, else `KUBECONFIG`, else the pod's service account, else the file in the home folder. */
export function findClusterAccess({ env, kubeconfig, context }: FindAccessOptions): Promise<ClusterAccess> {
  const named = kubeconfig ?? (env.KUBECONFIG === undefined ? undefined : defaultKubeconfigPath(env));
  if (named === undefined && isInCluster(env)) return readInClusterAccess({ env });
  return readKubeconfigAccess({
    path: named ?? defaultKubeconfigPath(env),
    ...(context === undefined ? {} : { context }),
  });
}
