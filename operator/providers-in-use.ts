// The providers that need a consumer: those with an object, and those that a policy names without one.
import type { ProviderKey } from "../core/handover/record.ts";
import type { EntryPlan, Verdict } from "../core/reconcile/plan-entries.ts";

/** By `<namespace>/<name>`. */
export type Providers = ReadonlyMap<string, ProviderKey>;

/** What objects that are others in `plan` than in `before` need now, and what they needed then. */
export function changedProviders(
  plan: EntryPlan,
  before: EntryPlan,
): { readonly needed: Providers; readonly left: Providers } {
  const needed = new Map<string, ProviderKey>();
  const left = new Map<string, ProviderKey>();
  for (const key of plan.verdicts.changedSince(before.verdicts)) {
    addProviders(needed, plan.verdicts.get(key));
    addProviders(left, before.verdicts.get(key));
  }
  for (const id of needed.keys()) left.delete(id);
  return { needed, left };
}

/** A provider with a subject of its own takes its work from there. */
function addProviders(providers: Map<string, ProviderKey>, verdict: Verdict | undefined): void {
  const { object, policy } = verdict ?? {};
  if (object?.kind === "Provider" && object.spec.legacy === undefined) {
    const { namespace, name } = object.meta;
    providers.set(`${namespace}/${name}`, { namespace, name });
  }
  for (const { namespace, objectName: name, legacySubject } of policy?.providers ?? []) {
    if (legacySubject === undefined) providers.set(`${namespace}/${name}`, { namespace, name });
  }
}
