// Access from inside a pod: the service account's projected files, which the kubelet rotates in place.
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { ClusterAccess } from "./cluster-access.ts";

/** Where the kubelet mounts the service account (kubernetes.io/docs/concepts/security/service-accounts). */
export const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory?: string;
}

/** Whether this process runs in a pod that is told where its API server is. */
export function isInCluster(env: InClusterOptions["env"]): boolean {
  return env.KUBERNETES_SERVICE_HOST !== undefined && env.KUBERNETES_SERVICE_PORT !== undefined;
}

/** Throws BeamlineError CONFIG_INVALID when this is no pod or has no service account mounted. */
export async function readInClusterAccess(options: InClusterOptions): Promise<ClusterAccess> {
  const { env, directory = SERVICE_ACCOUNT_DIR } = options;
  const host = env.KUBERNETES_SERVICE_HOST;
  const port = env.KUBERNETES_SERVICE_PORT;
  if (host === undefined || port === undefined) {
    throw new BeamlineError("CONFIG_INVALID", "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set", {
      hint: "Run in a pod, or name a kubeconfig file.",
    });
  }
  const read = (name: string): Promise<string> => readMounted(directory, name);
  const namespace = (await read("namespace")).trim();
  return {
    server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
    insecureSkipTlsVerify: false,
    namespace,
    origin: directory,
    readCredentials: async () => ({ caPem: await read("ca.crt"), token: (await read("token")).trim() }),
  };
}

async function readMounted(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `cannot read ${path}: ${reasonOf(error)}`, {
      hint: "Give the pod a service account with its token mounted.",
      cause: error,
    });
  }
}
