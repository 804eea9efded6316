// Names inside a policy that must lead somewhere: preferred, fallback and retry providers, and no provider twice.
import { joinPath, type ProblemList } from "./problems.ts";
import type { ObjectMeta, PolicyProvider, RoutingPolicySpec } from "./spec.ts";
import { describeSuggestion } from "./suggest.ts";

/** Key of the Provider object that an entry of a policy stands for: `<namespace>/<name>`. */
export function providerKey(provider: PolicyProvider, policyNamespace: string): string {
  return `${provider.ref?.namespace ?? policyNamespace}/${provider.ref?.name ?? provider.name}`;
}

/** Adds a problem for every provider name that the policy does not list, and for every Provider that it lists twice. */
export function checkPolicyNames(meta: ObjectMeta, spec: RoutingPolicySpec, problems: ProblemList): void {
  const names = new Set(spec.providers.map((provider) => provider.name));
  const check = (name: string, path: string) => {
    if (names.has(name)) return;
    problems.add(
      path,
      "unknown_provider",
      `must name a provider of this policy${describeSuggestion(name, names)}`,
      name,
    );
  };
  for (const [index, rule] of spec.rules.entries()) {
    const path = `spec.rules[${index}]`;
    for (const [at, name] of rule.prefer.entries()) check(name, `${path}.prefer[${at}]`);
    if (rule.fallback !== undefined) check(rule.fallback, joinPath(path, "fallback"));
  }
  for (const [index, rule] of spec.retryPolicy.entries()) {
    for (const [at, name] of rule.to.entries()) check(name, `spec.retryPolicy[${index}].to[${at}]`);
  }
  const seen = new Map<string, number>();
  for (const [index, provider] of spec.providers.entries()) {
    const key = providerKey(provider, meta.namespace);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else
      problems.add(
        `spec.providers[${index}]`,
        "duplicate",
        `Provider ${key} is spec.providers[${first}] already`,
        provider.name,
      );
  }
}
