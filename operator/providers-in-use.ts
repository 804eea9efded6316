// The providers that need a consumer: those with an object, and those that a policy names without one.
import type { ProviderKey } from "../core/handover/record.ts";
import type { EntryPlan } from "../core/reconcile/plan-entries.ts";

/** By `<namespace>/<name>`. A provider with a subject of its own takes its work from there. */
export function providersInUse({ verdicts, compiled }: EntryPlan): ReadonlyMap<string, ProviderKey> {
  const providers = new Map<string, ProviderKey>();
  for (const { object } of verdicts.values()) {
    if (object?.kind !== "Provider" || object.spec.legacy !== undefined) continue;
    const { namespace, name } = object.meta;
    providers.set(`${namespace}/${name}`, { namespace, name });
  }
  for (const policies of compiled.table.policies.values()) {
    for (const policy of policies.values()) {
      for (const { namespace, objectName: name, legacySubject } of policy.providers) {
        if (legacySubject === undefined) providers.set(`${namespace}/${name}`, { namespace, name });
      }
    }
  }
  return providers;
}
