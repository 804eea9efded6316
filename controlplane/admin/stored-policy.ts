// What both stores do with a policy that they find: read it, say whose it is, order a list.
import type { AdminPolicy, PolicyName } from "../../core/admin/admin-policy.ts";
import { fromRoutingPolicy } from "../../core/admin/from-object.ts";
import type { PolicyObject } from "../../core/policy/objects.ts";
import { isRecord } from "../../core/policy/problems.ts";
import type { Condition } from "../../core/reconcile/conditions.ts";
import { assertNever } from "../../core/result.ts";
import type { CallFailure } from "../call-failure.ts";

/** Which Router serves a policy is not a matter of this API. */
export const ANY_ROUTER = { namespace: "beamline-system", name: "default" };

export function isPolicy({ spec }: PolicyObject, { tenantId, policyId }: PolicyName): boolean {
  return spec.tenantId === tenantId && spec.policyId === policyId;
}

export function showPolicy(object: PolicyObject, raw: unknown): AdminPolicy {
  return fromRoutingPolicy(object, isRecord(raw) ? raw.metadata : undefined);
}

export function orderById(policies: readonly AdminPolicy[]): readonly AdminPolicy[] {
  return [...policies].sort((left, right) => (left.policyId < right.policyId ? -1 : 1));
}

export function unknownPolicy({ tenantId, policyId }: PolicyName): CallFailure {
  const message = `tenant "${tenantId}" has no policy "${policyId}"`;
  return { cause: "POLICY_UNKNOWN", message, values: { tenant_id: tenantId, policy_id: policyId } };
}

/** What became of a policy as far as it could be waited for. */
export type Acceptance =
  | { readonly known: "yes"; readonly condition: Pick<Condition, "status" | "reason" | "message"> }
  /** The operator has not judged it within the time of the call. */
  | { readonly known: "not_yet" }
  /** This process has nobody to ask. */
  | { readonly known: "nobody_to_ask" };

/** For UpsertPolicyResponse: `success` only means stored, and this says the rest. */
export function describeStored(where: string, acceptance: Acceptance): string {
  switch (acceptance.known) {
    case "yes": {
      const { status, reason, message } = acceptance.condition;
      return `stored as ${where}; ${status === "True" ? "accepted" : `not accepted: ${reason}`}: ${message}`;
    }
    case "not_yet":
      return `stored as ${where}; the operator has not said yet whether it accepts it`;
    case "nobody_to_ask":
      return `stored as ${where}; whether the operator accepts it is not known here`;
    default:
      return assertNever(acceptance);
  }
}
