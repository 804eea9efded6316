// RoutingPolicy -> AdminPolicy: what the short form can say of it; docs/router-admin.md lists what it leaves out.
import type { PolicyObject } from "../policy/objects.ts";
import { isRecord } from "../policy/problems.ts";
import { ADMIN_POLICY_ANNOTATION, type AdminPolicy } from "./admin-policy.ts";
import { restoreWeights } from "./weights.ts";

/** `metadata` is the object's as it was read. */
export function fromRoutingPolicy({ spec }: Pick<PolicyObject, "spec">, metadata: unknown): AdminPolicy {
  const providers = spec.providers.map(({ name, weight }) => ({ id: name, weight }));
  return {
    policyId: spec.policyId,
    providers: restoreWeights(providers, annotationOf(metadata)),
    sticky: spec.sticky !== undefined,
    rules: spec.rules.map(({ when, prefer, fallback = "" }) => ({ match: when, prefer, fallback })),
  };
}

function annotationOf(metadata: unknown): string | undefined {
  const annotations = isRecord(metadata) ? metadata.annotations : undefined;
  const value = isRecord(annotations) ? annotations[ADMIN_POLICY_ANNOTATION] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The fields in which two policies differ, by the names of the request. */
export function differingFields(left: AdminPolicy, right: AdminPolicy): readonly string[] {
  return (["policyId", "providers", "sticky", "rules"] as const)
    .filter((field) => JSON.stringify(left[field]) !== JSON.stringify(right[field]))
    .map((field) => (field === "policyId" ? "policy.policy_id" : `policy.${field}`));
}
