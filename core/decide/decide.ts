// The decision: policy, rules, filter, tier, preference or pick, fallback; a pure function of request, table and snapshot.
import {
  type CompiledPolicy,
  type CompiledProvider,
  type CompiledRule,
  findPolicy,
  type RoutingTable,
} from "../policy/table.ts";
import type {
  DecideError,
  DecideInput,
  DecideResult,
  DecisionReason,
  DropReason,
  ExplainStep,
  HealthSnapshot,
} from "./decision.ts";
import { explainFilter, explainPick } from "./explain.ts";
import { type Demands, filterProviders, findDropOfPinned, readDemands } from "./filter.ts";
import { pickProvider } from "./pick.ts";
import { matchRules } from "./rules.ts";
import { readStickyValue } from "./sticky.ts";
import { selectTier } from "./tiers.ts";

/** What stays the same from the policy lookup to the answer. */
interface Deciding {
  readonly input: DecideInput;
  readonly policy: CompiledPolicy;
  readonly snapshot: HealthSnapshot;
  readonly demands: Demands;
  /** Undefined when nobody asked for an explanation. */
  readonly steps: ExplainStep[] | undefined;
}

const noSteps: readonly ExplainStep[] = [];

/**
 * Decides who takes a message. Equal inputs give equal answers on every replica. Errors: `policy_not_found`,
 * `rule_evaluation_failed`, `no_provider_available` with the reason for each provider. Never throws.
 */
export function decide(input: DecideInput, table: RoutingTable, snapshot: HealthSnapshot): DecideResult {
  const steps: ExplainStep[] | undefined = input.explain ? [] : undefined;
  const policy = findPolicy(table, input.tenantId, input.policyId);
  if (policy === undefined) return { ok: false, error: describeMissing(input), steps: steps ?? noSteps };
  const { tenantId, policyId, meta } = policy;
  steps?.push({
    stage: "policy",
    policyId,
    tenantId,
    object: `${meta.namespace}/${meta.name}`,
    generation: meta.generation,
  });
  const deciding: Deciding = { input, policy, snapshot, demands: readDemands(policy, input), steps };
  if (input.pinned !== undefined) return decidePinned(deciding, input.pinned);
  const { rule, error, skipped } = matchRules(policy, input, steps);
  const result =
    error === undefined ? decideByRule(deciding, rule) : { ok: false as const, error, steps: steps ?? noSteps };
  return skipped.length === 0 ? result : { ...result, skippedRules: skipped };
}

function decideByRule(deciding: Deciding, rule: CompiledRule | undefined): DecideResult {
  const { input, policy, snapshot, demands, steps } = deciding;
  const { providers } = policy;
  const drops = filterProviders(providers, demands, snapshot);
  steps?.push(explainFilter(providers, drops, snapshot));
  const tier = selectTier(providers, drops);
  const [first] = tier;
  if (first !== undefined)
    steps?.push({ stage: "tier", priority: first.priority, candidates: tier.map(({ name }) => name) });
  if (rule !== undefined && rule.prefer.length > 0 && first !== undefined) {
    const preferred = findPreferred(rule.prefer, tier);
    steps?.push({ stage: "prefer", order: rule.prefer, chosen: preferred?.name });
    if (preferred !== undefined) return answer(deciding, preferred, "rule", rule);
  }
  // A fallback is what the rule wants when none of its preferred providers can be had, before any other candidate.
  if (rule?.fallback !== undefined && (rule.prefer.length > 0 || first === undefined)) {
    const fallback = findFallback(rule.fallback, providers, drops, steps);
    if (fallback !== undefined) return answer(deciding, fallback, "fallback", rule);
  }
  const sticky = readStickyValue(policy.stickyPath, input);
  const key = sticky ?? input.pickKey;
  const picked = pickProvider(tier, key);
  if (picked === undefined) return refuse(deciding, providers, drops);
  steps?.push(explainPick(tier, key, picked));
  return answer(deciding, picked, sticky === undefined ? "weighted" : "sticky", rule);
}

/** The first of the names that is in the tier. */
function findPreferred(order: readonly string[], tier: readonly CompiledProvider[]): CompiledProvider | undefined {
  for (const name of order) {
    const found = tier.find((provider) => provider.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The fallback may be of any priority, but it must be a candidate like any other. */
function findFallback(
  name: string,
  providers: readonly CompiledProvider[],
  drops: readonly (DropReason | undefined)[],
  steps: ExplainStep[] | undefined,
): CompiledProvider | undefined {
  const index = providers.findIndex((provider) => provider.name === name);
  const drop = drops[index];
  const used = index >= 0 && drop === undefined;
  steps?.push({ stage: "fallback", provider: name, used, ...(drop === undefined ? {} : { reason: drop }) });
  return used ? providers[index] : undefined;
}

/** A pin goes to its provider or fails: rules, weights and priorities have been decided before. */
function decidePinned(deciding: Deciding, pinned: string): DecideResult {
  const { policy, demands, snapshot, steps } = deciding;
  const provider = policy.providers.find(({ key }) => key === pinned);
  if (provider === undefined) return refuse(deciding, [], [], pinned);
  const drops = [findDropOfPinned(provider, demands, snapshot)];
  steps?.push(explainFilter([provider], drops, snapshot));
  return drops[0] === undefined
    ? answer(deciding, provider, "sticky", undefined)
    : refuse(deciding, [provider], drops, pinned);
}

function answer(
  { input, policy, snapshot, steps }: Deciding,
  provider: CompiledProvider,
  reason: DecisionReason,
  rule: CompiledRule | undefined,
): DecideResult {
  return {
    ok: true,
    value: {
      provider,
      reason: input.attempt > 1 ? "retry" : reason,
      rule: rule?.name,
      policy: policy.meta,
      policyId: policy.policyId,
      tenantId: policy.tenantId,
      snapshotVersion: snapshot.version,
      attempt: input.attempt,
    },
    steps: steps ?? noSteps,
  };
}

function refuse(
  { policy, steps }: Deciding,
  providers: readonly CompiledProvider[],
  drops: readonly (DropReason | undefined)[],
  pinned?: string,
): DecideResult {
  const dropped = providers.map(({ name }, index) => ({ provider: name, reason: drops[index] }));
  const list = dropped.map(({ provider, reason }) => `${provider}: ${reason}`).join(", ");
  const who = pinned === undefined ? "no provider can" : `provider ${pinned} of the earlier decision cannot`;
  const error: DecideError = {
    code: "no_provider_available",
    message: `${who} take the message under policy ${policy.policyId}${list === "" ? "" : ` (${list})`}`,
    details: { policy_id: policy.policyId, dropped, ...(pinned === undefined ? {} : { pinned }) },
  };
  return { ok: false, error, steps: steps ?? noSteps };
}

function describeMissing({ tenantId, policyId }: DecideInput): DecideError {
  return {
    code: "policy_not_found",
    message: `tenant ${tenantId} has no policy ${policyId}`,
    details: { tenant_id: tenantId, policy_id: policyId },
  };
}
