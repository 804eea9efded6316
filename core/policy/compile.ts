// The objects of one router -> the table that it decides on, and what is wrong with them.
import type { TenantRules } from "../intake/message.ts";
import { type AdmitOptions, admitPipelines, admitPolicies } from "./admit.ts";
import { compilePolicy } from "./compile-policy.ts";
import type { CompileProblem } from "./compile-problem.ts";
import { ExpressionCache } from "./expression.ts";
import { sortObjects, type TenantObject } from "./objects.ts";
import type { BeamlineObject, TenantSpec } from "./spec.ts";
import type { CompiledPolicy, RoutingTable } from "./table.ts";

export interface CompileOptions extends AdmitOptions {
  /** Kept by the caller from one table to the next, so that expressions that did not change are not compiled again. */
  readonly expressions?: ExpressionCache;
}

export interface CompiledTable {
  readonly table: RoutingTable;
  /** In the order of kind, namespace, name; several of one object are possible. */
  readonly problems: readonly CompileProblem[];
  /**
   * Providers without an object, by policy (`<namespace>/<name>`), for those policies that have any: they work, with
   * defaults, but a misspelt name must be visible.
   */
  readonly implicitProviders: ReadonlyMap<string, readonly string[]>;
}

/**
 * Compiles the policies, providers and tenants of one router. The result does not depend on the order of the objects.
 * Never throws.
 */
export function compileTable(objects: readonly BeamlineObject[], options: CompileOptions = {}): CompiledTable {
  const problems: CompileProblem[] = [];
  const expressions = options.expressions ?? new ExpressionCache();
  const sorted = sortObjects(objects, problems);
  const policies = new Map<string, Map<string, CompiledPolicy>>();
  const implicitProviders = new Map<string, readonly string[]>();
  let policyCount = 0;
  for (const object of admitPolicies(sorted, problems, options)) {
    const { policy, implicitProviders: names } = compilePolicy(object, sorted.providers, expressions, problems);
    if (names.length > 0) implicitProviders.set(`${object.meta.namespace}/${object.meta.name}`, names);
    if (policy === undefined) continue;
    const ofTenant = policies.get(policy.tenantId) ?? new Map<string, CompiledPolicy>();
    ofTenant.set(policy.policyId, policy);
    policies.set(policy.tenantId, ofTenant);
    policyCount += 1;
  }
  const pipelines = new Map(
    admitPipelines(sorted, problems, options).map((object) => [`${object.meta.namespace}/${object.meta.name}`, object]),
  );
  const named = [...policies.keys(), ...[...pipelines.values()].map(({ spec }) => spec.tenantId)];
  const tenants = compileTenants(sorted.tenants, named);
  return {
    table: { policies, tenants, policyCount, pipelines },
    problems: problems.sort(compareProblems),
    implicitProviders,
  };
}

/** Tenants with an object, and those that an accepted policy names. */
function compileTenants(
  objects: ReadonlyMap<string, TenantObject>,
  named: Iterable<string>,
): ReadonlyMap<string, TenantRules> {
  const tenants = new Map<string, TenantRules>();
  for (const [id, { spec }] of objects) tenants.set(id, tenantRules(spec));
  for (const id of named) if (!tenants.has(id)) tenants.set(id, DEFAULT_TENANT_RULES);
  return tenants;
}

/** Of a tenant without an object. */
export const DEFAULT_TENANT_RULES: TenantRules = { level: "Baseline", deadLetterPayload: "Full" };

export function tenantRules({ validationLevel, deadLetterPayload, allowedMessageTypes }: TenantSpec): TenantRules {
  const types = allowedMessageTypes.length === 0 ? {} : { allowedMessageTypes: new Set(allowedMessageTypes) };
  return { level: validationLevel, deadLetterPayload, ...types };
}

/** By object; the sort is stable, so the problems of one object stay in the order in which they were found. */
function compareProblems(left: CompileProblem, right: CompileProblem): number {
  const a = `${left.kind}/${left.namespace}/${left.name}`;
  const b = `${right.kind}/${right.namespace}/${right.name}`;
  return a < b ? -1 : a > b ? 1 : 0;
}
