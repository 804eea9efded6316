// The durable of each provider that a policy may choose: made once, and made again when it is gone at a resync.
import type { ProviderKey } from "../core/handover/record.ts";
import type { EntryPlan } from "../core/reconcile/plan-entries.ts";
import type { StreamKeeper } from "./ensure-streams.ts";
import { ProvidersInUse, providerId } from "./providers-in-use.ts";

export type ConsumerKeeper = Pick<StreamKeeper, "ensureProviderConsumers" | "findMissingConsumers">;

export class ProviderConsumers {
  private readonly keeper: ConsumerKeeper;
  private readonly inUse = new ProvidersInUse();
  /** By id: those that are not known to be there. */
  private readonly missing = new Map<string, ProviderKey>();
  /** Somebody may have removed one since they were made. */
  private isDoubtful = false;

  constructor(keeper: ConsumerKeeper) {
    this.keeper = keeper;
  }

  /** Makes those that are not known to be there. Throws what the server says; those that worked are not asked for again. */
  async ensure(plan: EntryPlan): Promise<void> {
    const { begun, ended } = this.inUse.follow(plan);
    for (const id of ended) this.missing.delete(id);
    for (const provider of begun) this.missing.set(providerId(provider), provider);
    if (this.isDoubtful) await this.findRemoved();
    if (this.missing.size === 0) return;
    await this.keeper.ensureProviderConsumers([...this.missing.values()], (provider) => {
      this.missing.delete(providerId(provider));
    });
  }

  /** The next time all are looked for. */
  recheck(): void {
    this.isDoubtful = true;
  }

  private async findRemoved(): Promise<void> {
    this.isDoubtful = false;
    try {
      const removed = await this.keeper.findMissingConsumers(this.inUse.providers());
      for (const provider of removed) this.missing.set(providerId(provider), provider);
    } catch (error) {
      this.isDoubtful = true;
      throw error;
    }
  }
}
