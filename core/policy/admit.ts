// Which policies may stand in a router's table: tenants, uniqueness of policy ids, quotas.
import { compareText } from "../compare-text.ts";
import { type CompileProblem, describeProblem } from "./compile-problem.ts";
import type { ObjectsByKind, PipelineObject, PolicyObject } from "./objects.ts";
import type { TenantSpec } from "./spec.ts";

export interface AdmitOptions {
  /** Whether a policy needs a Tenant object even for the tenant named after its namespace. Default false. */
  readonly requireTenant?: boolean;
}

/**
 * The policies that may stand, oldest first. The rules are applied in this order, so that a policy that one of them
 * refuses takes nothing from the others: tenant, (tenant, policy id) unique with the older standing, quotas.
 */
export function admitPolicies(
  objects: Pick<ObjectsByKind, "policies" | "tenants">,
  problems: CompileProblem[],
  options: AdmitOptions,
): readonly PolicyObject[] {
  const standing = new Map<string, PolicyObject>();
  const countByTenant = new Map<string, number>();
  const admitted: PolicyObject[] = [];
  for (const policy of [...objects.policies].sort(compareAge)) {
    const { tenantId, policyId } = policy.spec;
    const tenant = objects.tenants.get(tenantId)?.spec;
    const forbidden = findTenantProblem(policy, tenant, options) ?? findConflict(policy, standing);
    if (forbidden !== undefined) {
      problems.push(forbidden);
      continue;
    }
    standing.set(JSON.stringify([tenantId, policyId]), policy);
    const count = (countByTenant.get(tenantId) ?? 0) + 1;
    const exceeded = tenant === undefined ? [] : findExceeded(policy, tenant, count);
    problems.push(...exceeded);
    if (exceeded.length > 0) continue;
    countByTenant.set(tenantId, count);
    admitted.push(policy);
  }
  return admitted;
}

/** Older first; objects of the same age by namespace and name, so that every replica agrees. */
function compareAge({ meta: left }: PolicyObject, { meta: right }: PolicyObject): number {
  const byAge = left.creationMs - right.creationMs || compareText(left.namespace, right.namespace);
  return byAge || compareText(left.name, right.name);
}

/** Pipelines of a tenant that their namespace may write for. */
export function admitPipelines(
  { pipelines, tenants }: Pick<ObjectsByKind, "pipelines" | "tenants">,
  problems: CompileProblem[],
  options: AdmitOptions,
): readonly PipelineObject[] {
  return pipelines.filter((pipeline) => {
    const forbidden = findTenantProblem(pipeline, tenants.get(pipeline.spec.tenantId)?.spec, options);
    if (forbidden !== undefined) problems.push(forbidden);
    return forbidden === undefined;
  });
}

function findTenantProblem(
  policy: PolicyObject | PipelineObject,
  tenant: TenantSpec | undefined,
  { requireTenant = false }: AdmitOptions,
): CompileProblem | undefined {
  const { namespace } = policy.meta;
  const { tenantId } = policy.spec;
  const path = "spec.tenantId";
  if (tenant === undefined) {
    if (tenantId === namespace && !requireTenant) return undefined;
    const message = `there is no Tenant ${tenantId}; make one that lists namespace ${namespace}`;
    return describeProblem(policy, "TenantNotPermitted", message, path);
  }
  if (tenant.namespaces.includes(namespace)) return undefined;
  const message = `Tenant ${tenantId} does not list namespace ${namespace}`;
  return describeProblem(policy, "TenantNotPermitted", message, path);
}

function findConflict(policy: PolicyObject, standing: ReadonlyMap<string, PolicyObject>): CompileProblem | undefined {
  const { tenantId, policyId } = policy.spec;
  const older = standing.get(JSON.stringify([tenantId, policyId]));
  if (older === undefined) return undefined;
  const message = `RoutingPolicy ${older.meta.namespace}/${older.meta.name} stands for policy id ${policyId} of tenant ${tenantId}: of two the older does`;
  return describeProblem(policy, "Conflict", message, "spec.policyId");
}

function findExceeded(policy: PolicyObject, { quotas }: TenantSpec, count: number): readonly CompileProblem[] {
  const { tenantId, providers, rules } = policy.spec;
  const checks = [
    { what: "policies", have: count, quota: quotas.policies, path: undefined },
    { what: "rule(s) in a policy", have: rules.length, quota: quotas.rulesPerPolicy, path: "spec.rules" },
    {
      what: "provider(s) in a policy",
      have: providers.length,
      quota: quotas.providersPerPolicy,
      path: "spec.providers",
    },
  ];
  return checks
    .filter(({ have, quota }) => have > quota)
    .map(({ what, have, quota, path }) =>
      describeProblem(
        policy,
        "QuotaExceeded",
        `tenant ${tenantId} may have at most ${quota} ${what}; this makes ${have}`,
        path,
      ),
    );
}
