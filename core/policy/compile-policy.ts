// One policy -> what a router decides on: references resolved, expressions compiled.
import { hashPickText } from "../decide/pick-hash.ts";
import { ownersOfProvider } from "../registry/provider-owners.ts";
import { compilePipeline } from "../steps/step.ts";
import { providerKey } from "./check-names.ts";
import { type CompileProblem, describeProblem } from "./compile-problem.ts";
import type { ExpressionCache } from "./expression.ts";
import type { PolicyObject, ProviderObject } from "./objects.ts";
import { implicitProvider } from "./read-spec.ts";
import type { PolicyProvider, ProviderSpec } from "./spec.ts";
import type { CompiledPolicy, CompiledProvider, CompiledRule } from "./table.ts";

export interface CompiledPolicyResult {
  /** Absent when an expression does not compile. */
  readonly policy: CompiledPolicy | undefined;
  /** List names of the providers that have no object. */
  readonly implicitProviders: readonly string[];
}

/** `providerObjects` are by `<namespace>/<name>`. A provider whose reference leads nowhere is left out; the others of the policy go on serving. */
export function compilePolicy(
  object: PolicyObject,
  providerObjects: ReadonlyMap<string, ProviderObject>,
  expressions: ExpressionCache,
  problems: CompileProblem[],
): CompiledPolicyResult {
  const { meta, spec } = object;
  const providers = spec.providers.flatMap((provider, index) => {
    const resolved = resolveProvider(object, provider, index, providerObjects, problems);
    return resolved === undefined ? [] : [resolved];
  });
  const rules = compileRules(object, expressions, problems);
  const implicitProviders = providers.filter(({ implicit }) => implicit).map(({ name }) => name);
  if (rules === undefined) return { policy: undefined, implicitProviders };
  const policy: CompiledPolicy = {
    meta,
    tenantId: spec.tenantId,
    policyId: spec.policyId,
    providers,
    rules,
    stickyPath: spec.sticky === undefined ? undefined : splitStickyKey(spec.sticky.key),
    constraints: spec.constraints,
    assignment: spec.assignment,
    pipeline: compilePipeline(spec),
    level: spec.validation.level,
    maxPayloadBytes: spec.validation.maxPayloadBytes,
  };
  return { policy, implicitProviders };
}

function resolveProvider(
  policy: PolicyObject,
  provider: PolicyProvider,
  index: number,
  providerObjects: ReadonlyMap<string, ProviderObject>,
  problems: CompileProblem[],
): CompiledProvider | undefined {
  const policyNamespace = policy.meta.namespace;
  const namespace = provider.ref?.namespace ?? policyNamespace;
  const objectName = provider.ref?.name ?? provider.name;
  const found = providerObjects.get(providerKey(provider, policyNamespace))?.spec;
  const path = `spec.providers[${index}].ref`;
  if (namespace !== policyNamespace) {
    if (found === undefined) {
      problems.push(describeProblem(policy, "RefNotFound", `there is no Provider ${namespace}/${objectName}`, path));
      return undefined;
    }
    if (!found.allowedNamespaces.includes("*") && !found.allowedNamespaces.includes(policyNamespace)) {
      const message = `Provider ${namespace}/${objectName} does not name ${policyNamespace} in its allowedNamespaces`;
      problems.push(describeProblem(policy, "RefNotPermitted", message, path));
      return undefined;
    }
  }
  return compileProvider(provider, namespace, objectName, found);
}

function compileProvider(
  { name, weight, priority }: PolicyProvider,
  namespace: string,
  objectName: string,
  found: ProviderSpec | undefined,
): CompiledProvider {
  const spec = found ?? implicitProvider(objectName);
  const key = `${namespace}/${objectName}`;
  return {
    name,
    weight,
    priority,
    namespace,
    objectName,
    key,
    pickSeed: hashPickText(key),
    providerId: spec.providerId,
    processorOwners: ownersOfProvider({ key, providerId: spec.providerId }),
    implicit: found === undefined,
    expectedLatencyMs: spec.expectedLatencyMs,
    expectedCost: spec.expectedCost,
    capabilities: spec.capabilities.length === 0 ? undefined : new Set(spec.capabilities),
    failureDomain: spec.failureDomain,
    registration: spec.registration,
    drain: spec.drain,
    legacySubject: spec.legacy?.subject,
  };
}

/** Undefined when one of them does not compile; every one that does not is a problem with its position. */
function compileRules(
  policy: PolicyObject,
  expressions: ExpressionCache,
  problems: CompileProblem[],
): readonly CompiledRule[] | undefined {
  const compiled: CompiledRule[] = [];
  for (const [index, { name, when, prefer, fallback, onError }] of policy.spec.rules.entries()) {
    const result = expressions.compile(when);
    if (result.ok) {
      const { evaluate } = result.value;
      compiled.push({ name, when, matches: evaluate, prefer, fallback, onError });
    } else {
      const { line, column, message } = result.error;
      const text = `rule ${name}, line ${line}, column ${column}: ${message}`;
      problems.push(describeProblem(policy, "InvalidExpression", text, `spec.rules[${index}].when`));
    }
  }
  return compiled.length === policy.spec.rules.length ? compiled : undefined;
}

/** `context.a.b` is the key `a.b` of the context: keys may contain points. */
function splitStickyKey(key: string): readonly string[] {
  const root = key.startsWith("context.") ? ["context"] : ["message", "metadata"];
  return [...root, key.slice(root.join(".").length + 1)];
}
