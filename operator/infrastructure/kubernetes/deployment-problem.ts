// What the conditions of a Deployment say about why there are no pods, which no pod can say.
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import type { InfrastructureStatus } from "../../interfaces.ts";

export type InfrastructureProblem = NonNullable<InfrastructureStatus["problem"]>;

interface DeploymentStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

/** `failure` is that of a pod, when one is known. */
export function deploymentProblem(
  deployment: KubernetesObject | undefined,
  failure: string | undefined,
): InfrastructureProblem | undefined {
  const { conditions = [] } = (deployment?.status ?? {}) as DeploymentStatus;
  const refused = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  if (refused !== undefined) {
    const message = `the API server takes no pod: ${refused.message ?? "no reason is given"}; raise the quota, or change what forbids it`;
    return { reason: "PodsRefused", message };
  }
  const late = conditions.find(({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded");
  if (late === undefined) return undefined;
  const message = `the new routers do not become ready${failure === undefined ? "" : `: ${failure}`}`;
  return { reason: "ProgressDeadlineExceeded", message };
}
