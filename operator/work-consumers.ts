// Every durable that somebody outside takes messages from: of providers, and of the consumers of pipelines.
import type { EntryPlan } from "../core/reconcile/plan-entries.ts";
import type { StreamKeeper } from "./ensure-streams.ts";
import { PipelineConsumers } from "./pipeline-consumers.ts";
import { ProviderConsumers } from "./provider-consumers.ts";

export class WorkConsumers {
  private readonly parts: readonly [ProviderConsumers, PipelineConsumers];

  constructor(keeper: StreamKeeper) {
    this.parts = [new ProviderConsumers(keeper), new PipelineConsumers(keeper)];
  }

  /** Makes those that are not known to be there. Throws what the server says, after all parts were tried. */
  async ensure(plan: EntryPlan): Promise<void> {
    const results = await Promise.allSettled(this.parts.map((part) => part.ensure(plan)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** The next time all are looked for. */
  recheck(): void {
    for (const part of this.parts) part.recheck();
  }
}
