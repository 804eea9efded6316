// The kinds that a Router owns in a cluster, and those that are only looked at.
import { API_GROUP, API_VERSION } from "../../../core/policy/schema.ts";
import type { ResourceType } from "../../../kubernetes/object.ts";

function namespaced(group: string, version: string, kind: string, plural: string): ResourceType {
  return { group, version, kind, plural, namespaced: true };
}

export const SERVICE_ACCOUNT = namespaced("", "v1", "ServiceAccount", "serviceaccounts");
export const NETWORK_POLICY = namespaced("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
export const SERVICE = namespaced("", "v1", "Service", "services");
export const POD_DISRUPTION_BUDGET = namespaced("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets");
export const DEPLOYMENT = namespaced("apps", "v1", "Deployment", "deployments");
export const AUTOSCALER = namespaced("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
export const POD = namespaced("", "v1", "Pod", "pods");
export const ROUTER = namespaced(API_GROUP, API_VERSION.slice(API_GROUP.length + 1), "Router", "routers");

/** Of the kinds that manifests are of. */
export const OWNED_TYPES: readonly ResourceType[] = [
  SERVICE_ACCOUNT,
  NETWORK_POLICY,
  SERVICE,
  POD_DISRUPTION_BUDGET,
  DEPLOYMENT,
  AUTOSCALER,
];

export function ownedType(kind: string): ResourceType {
  const type = OWNED_TYPES.find((candidate) => candidate.kind === kind);
  if (type === undefined) throw new Error(`a Router owns no ${kind}`);
  return type;
}
