// What the registry says of the providers and steps that one object's status tells of.

import type { LayeredMap } from "../core/layered-map.ts";
import type { ObservedCondition } from "../core/reconcile/conditions.ts";
import type { Components } from "../core/reconcile/pipeline-links.ts";
import type { Verdict } from "../core/reconcile/plan-entries.ts";
import {
  isRegistrable,
  policyRegistered,
  providerRegistered,
  type RegisteredProvider,
  summarizeProcessors,
} from "../core/reconcile/registered.ts";
import { processorSteps, registeredSteps } from "../core/reconcile/registered-steps.ts";
import { componentKey } from "../core/registry/component.ts";
import { type ProviderLiveness, processorsOf } from "../core/registry/provider-liveness.ts";
import { ownersOfProvider, type ProviderName } from "../core/registry/provider-owners.ts";
import type { Verdict as ProcessorVerdict } from "../core/registry/verdicts.ts";
import type { PolicyStatus, ProviderStatus } from "./status-document.ts";

/** What is known of processors; a Router of another NATS account than the installation's has none of it. */
export interface KnownProcessors {
  /** Whether the registry has been read since this process began. */
  readonly isRead: boolean;
  readonly owners: ProviderLiveness["owners"];
  /** Processors as steps of policies find them, by `componentKey`. */
  readonly processors: LayeredMap<ProcessorVerdict>;
  /** Every component that is registered, by `componentKey`. */
  readonly components: Components;
}

export interface RegisteredStatus {
  readonly conditions: readonly ObservedCondition[];
  readonly fields: Pick<ProviderStatus, "processors"> | Pick<PolicyStatus, "providers">;
}

export function observeRegistered(known: KnownProcessors | undefined, verdict: Verdict): RegisteredStatus {
  const { object, policy, desired } = verdict;
  const { generation, namespace, name } = desired.meta;
  if (known === undefined) return { conditions: [], fields: {} };
  const { isRead } = known;
  if (object?.kind === "Provider") {
    const { providerId, registration } = object.spec;
    const provider = observed(known, { name, key: `${namespace}/${name}`, providerId, registration });
    const processors = isRegistrable(provider) ? { processors: summarizeProcessors(provider.processors) } : {};
    return { conditions: providerRegistered(generation, isRead, provider), fields: processors };
  }
  if (desired.kind !== "RoutingPolicy" || policy === undefined) return { conditions: [], fields: {} };
  const used = policy.providers.filter(({ weight, drain }) => weight > 0 && drain === undefined);
  const conditions = policyRegistered(
    generation,
    isRead,
    used.map((provider) => observed(known, provider)),
    registeredSteps(policy.pipeline, known.processors),
  );
  const providers = policy.providers
    .map((provider) => observed(known, provider))
    .filter(isRegistrable)
    .map((provider) => ({ name: provider.name, processors: summarizeProcessors(provider.processors) }));
  return { conditions, fields: providers.length === 0 ? {} : { providers } };
}

function observed(
  known: KnownProcessors,
  provider: ProviderName & Pick<RegisteredProvider, "name" | "registration">,
): RegisteredProvider {
  const { name, registration } = provider;
  return { name, registration, processors: processorsOf(known, provider) };
}

/** Keys of the objects that tell of a provider or a step of which something else is known than before. */
export function concernedBy(
  before: KnownProcessors | undefined,
  now: KnownProcessors | undefined,
  verdicts: LayeredMap<Verdict>,
): readonly string[] {
  if (before === undefined || now === undefined) return [];
  const owners = new Set(now.owners.changedSince(before.owners));
  const processors = new Set(now.processors.changedSince(before.processors));
  if (owners.size === 0 && processors.size === 0) return [];
  const isConcerned = (verdict: Verdict): boolean =>
    ownersOf(verdict).some((owner) => owners.has(owner)) || stepsOf(verdict).some((key) => processors.has(key));
  return [...verdicts.values()].filter(isConcerned).map(({ key }) => key);
}

/** Whether all that is known of the object's providers and steps is the same. */
export function tellsSame(
  before: KnownProcessors | undefined,
  now: KnownProcessors | undefined,
  verdict: Verdict,
): boolean {
  if (verdict.desired.kind === "Pipeline") return before?.components === now?.components;
  if (before === undefined || now === undefined) return true;
  if (before.owners === now.owners && before.processors === now.processors) return true;
  return (
    ownersOf(verdict).every((owner) => before.owners.get(owner) === now.owners.get(owner)) &&
    stepsOf(verdict).every((key) => before.processors.get(key) === now.processors.get(key))
  );
}

function ownersOf({ desired, object, policy }: Verdict): readonly string[] {
  const { namespace, name } = desired.meta;
  if (object?.kind === "Provider")
    return ownersOfProvider({ key: `${namespace}/${name}`, providerId: object.spec.providerId });
  return (policy?.providers ?? []).flatMap(({ processorOwners }) => processorOwners);
}

/** Component keys of the processors that its steps call. */
function stepsOf({ policy }: Verdict): readonly string[] {
  return processorSteps(policy?.pipeline).map(({ id }) => componentKey({ kind: "processor", id }));
}
