// What the conditions of a Deployment say about why there are no pods, which no pod can say.
import type { KubernetesObject } from "../../../kubernetes/object.ts";

interface DeploymentStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

/** Undefined when it makes the pods that it shall; `failure` is that of a pod, when one is known. */
export function deploymentFailure(
  deployment: KubernetesObject | undefined,
  failure: string | undefined,
): string | undefined {
  const { conditions = [] } = (deployment?.status ?? {}) as DeploymentStatus;
  const refused = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  if (refused !== undefined) {
    const reason = refused.message ?? "no reason is given";
    return `the API server takes no pod: ${reason}; raise the quota, or change what forbids it`;
  }
  if (failure !== undefined) return failure;
  const late = conditions.find(({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded");
  return late === undefined ? undefined : "the new routers do not become ready; their logs say why";
}
