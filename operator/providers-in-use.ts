// Which providers may be given work: those that have an object, and those that a policy names.
import type { ProviderKey } from "../core/handover/record.ts";
import { EMPTY_PLAN, type EntryPlan, type Verdict } from "../core/reconcile/plan-entries.ts";

export interface UseChange {
  readonly begun: readonly ProviderKey[];
  /** Ids of those that nobody names any more. */
  readonly ended: readonly string[];
}

interface Use {
  readonly provider: ProviderKey;
  /** Objects that need it. */
  readonly count: number;
}

/** Follows the plans at the cost of what changes from one to the next. */
export class ProvidersInUse {
  private plan: EntryPlan = EMPTY_PLAN;
  private readonly uses = new Map<string, Use>();

  follow(plan: EntryPlan): UseChange {
    const before = this.plan;
    this.plan = plan;
    const touched = new Map<string, { readonly provider: ProviderKey; readonly wasUsed: boolean }>();
    const change = (verdict: Verdict | undefined, by: number): void => {
      for (const [id, provider] of providersOf(verdict)) {
        const count = this.uses.get(id)?.count ?? 0;
        if (!touched.has(id)) touched.set(id, { provider, wasUsed: count > 0 });
        this.uses.set(id, { provider, count: count + by });
      }
    };
    for (const key of plan.verdicts.changedSince(before.verdicts)) {
      change(before.verdicts.get(key), -1);
      change(plan.verdicts.get(key), 1);
    }
    return this.settle(touched);
  }

  *providers(): Generator<ProviderKey, void, undefined> {
    for (const { provider } of this.uses.values()) yield provider;
  }

  private settle(
    touched: ReadonlyMap<string, { readonly provider: ProviderKey; readonly wasUsed: boolean }>,
  ): UseChange {
    const begun: ProviderKey[] = [];
    const ended: string[] = [];
    for (const [id, { provider, wasUsed }] of touched) {
      const isUsed = (this.uses.get(id)?.count ?? 0) > 0;
      if (!isUsed) this.uses.delete(id);
      if (isUsed && !wasUsed) begun.push(provider);
      if (!isUsed && wasUsed) ended.push(id);
    }
    return { begun, ended };
  }
}

export function providerId({ namespace, name }: ProviderKey): string {
  return `${namespace}/${name}`;
}

/** By id. A provider with a subject of its own takes its work from there. */
function providersOf({ object, policy }: Partial<Verdict> = {}): ReadonlyMap<string, ProviderKey> {
  const providers = new Map<string, ProviderKey>();
  const add = (provider: ProviderKey): void => void providers.set(providerId(provider), provider);
  if (object?.kind === "Provider" && object.spec.legacy === undefined) {
    add({ namespace: object.meta.namespace, name: object.meta.name });
  }
  for (const { namespace, objectName: name, legacySubject } of policy?.providers ?? []) {
    if (legacySubject === undefined) add({ namespace, name });
  }
  return providers;
}
