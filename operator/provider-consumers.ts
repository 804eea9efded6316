// The durable of each provider that a policy may choose: made once, and looked after again at each resync.
import { EMPTY_PLAN, type EntryPlan } from "../core/reconcile/plan-entries.ts";
import type { StreamKeeper } from "./ensure-streams.ts";
import { changedProviders } from "./providers-in-use.ts";

export class ProviderConsumers {
  private readonly keeper: StreamKeeper;
  private ensured = new Set<string>();
  /** The plan whose providers have all been seen to. */
  private plan: EntryPlan = EMPTY_PLAN;

  constructor(keeper: StreamKeeper) {
    this.keeper = keeper;
  }

  /** Makes those that are not known to be there. Throws what the server says. */
  async ensure(plan: EntryPlan): Promise<void> {
    const { ensured } = this;
    const { needed, left } = changedProviders(plan, this.plan);
    // Another policy may need it all the same: then it is made sure of once more, when that one changes.
    for (const id of left.keys()) ensured.delete(id);
    const missing = [...needed].filter(([id]) => !ensured.has(id));
    await this.keeper.ensureProviderConsumers(missing.map(([, provider]) => provider));
    for (const [id] of missing) ensured.add(id);
    // Unless all have to be looked at again since.
    if (this.ensured === ensured) this.plan = plan;
  }

  /** Somebody may have removed one: all are looked at again. */
  forget(): void {
    this.ensured = new Set();
    this.plan = EMPTY_PLAN;
  }
}
