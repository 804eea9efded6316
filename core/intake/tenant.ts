// Rules for who may send: the tenant is known, may send the type, and is the one that subject and header say.
import { DECIDE_TENANT_PREFIX, isTenantToken, SUBMIT_PREFIX } from "../handover/subjects.ts";
import type { IntakeRules, ValidationLevel } from "./message.ts";
import { quote, type Refusal, refuse } from "./reasons.ts";

/** Everything that speaks of the tenant. */
export interface TenantClaim {
  readonly tenantId: string;
  readonly messageType: string | undefined;
  readonly subject: string;
  /** Header `tenant_id`. */
  readonly header: string | undefined;
}

/** The tenant part of a subject that has one, whatever stands there; undefined on subjects without. */
export function tenantPartOf(subject: string): string | undefined {
  const prefix = [SUBMIT_PREFIX, DECIDE_TENANT_PREFIX].find((candidate) => subject.startsWith(candidate));
  return prefix === undefined ? undefined : subject.slice(prefix.length);
}

/**
 * The subject's tenant and the header's must be the message's: always, because accounts fix the tenant by the subject. That the
 * tenant is known and may send the type is asked only while `tenantValidationEnabled`.
 */
export function validateTenant(claim: TenantClaim, rules: IntakeRules): Refusal | undefined {
  const { tenantId, messageType, header } = claim;
  const named = tenantPartOf(claim.subject);
  if (named !== undefined && (named !== tenantId || !isTenantToken(named))) {
    return refuse("tenant_mismatch", "tenant_id", "subject");
  }
  if (header !== undefined && header !== tenantId) return refuse("tenant_mismatch", "tenant_id", "header tenant_id");
  if (!rules.tenantValidationEnabled) return undefined;
  const tenant = rules.tenant(tenantId);
  if (tenant === undefined) return refuse("tenant_not_allowed", "tenant_id", quote(tenantId));
  if (messageType === undefined || tenant.allowedMessageTypes?.has(messageType) !== false) return undefined;
  return refuse("message_type_not_allowed", "message_type", quote(messageType));
}

/** The stricter of what the tenant and the policy ask for; Baseline where neither is known. */
export function requiredLevel(tenantId: string | undefined, policyId: string, rules: IntakeRules): ValidationLevel {
  if (tenantId === undefined) return "Baseline";
  const full = rules.tenant(tenantId)?.level === "Full" || rules.policyLevel(tenantId, policyId) === "Full";
  return full ? "Full" : "Baseline";
}
