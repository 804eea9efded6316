// The durable of each provider that a policy may choose: made once, and looked after again at each resync.
import type { EntryPlan } from "../core/reconcile/plan-entries.ts";
import type { StreamKeeper } from "./ensure-streams.ts";
import { providersInUse } from "./providers-in-use.ts";

export class ProviderConsumers {
  private readonly keeper: StreamKeeper;
  private readonly ensured = new Set<string>();

  constructor(keeper: StreamKeeper) {
    this.keeper = keeper;
  }

  /** Makes those that are not known to be there. Throws what the server says. */
  async ensure(plan: EntryPlan): Promise<void> {
    const inUse = providersInUse(plan);
    for (const id of this.ensured) if (!inUse.has(id)) this.ensured.delete(id);
    const missing = [...inUse].filter(([id]) => !this.ensured.has(id));
    await this.keeper.ensureProviderConsumers(missing.map(([, provider]) => provider));
    for (const [id] of missing) this.ensured.add(id);
  }

  /** Somebody may have removed one: all are looked at again. */
  forget(): void {
    this.ensured.clear();
  }
}
