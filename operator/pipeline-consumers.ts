// The durable of each consumer of a pipeline in force: made once, and made again when it is gone at a resync.
import type { PipelineKey } from "../core/handover/pipeline-subjects.ts";
import type { PipelineObject } from "../core/policy/objects.ts";
import type { EntryPlan } from "../core/reconcile/plan-entries.ts";
import type { StreamKeeper } from "./ensure-streams.ts";

/** One consumer of one pipeline. */
export interface PipelineConsumerKey {
  readonly pipeline: PipelineKey;
  readonly consumer: string;
}

export type PipelineConsumerKeeper = Pick<StreamKeeper, "ensurePipelineConsumers" | "findMissingPipelineConsumers">;

export class PipelineConsumers {
  private readonly keeper: PipelineConsumerKeeper;
  private pipelines: EntryPlan["compiled"]["table"]["pipelines"] | undefined;
  /** By id: those that are not known to be there. */
  private missing = new Map<string, PipelineConsumerKey>();
  private isDoubtful = false;

  constructor(keeper: PipelineConsumerKeeper) {
    this.keeper = keeper;
  }

  /** One that nobody names any more stays: what it has not settled would be lost with it. */
  async ensure({ compiled }: EntryPlan): Promise<void> {
    const { pipelines } = compiled.table;
    const before = this.pipelines;
    if (before !== pipelines) {
      const changed = before === undefined ? pipelines.keys() : pipelines.changedSince(before);
      for (const name of changed) this.note(pipelines.get(name));
      this.pipelines = pipelines;
    }
    if (this.isDoubtful) await this.findRemoved([...pipelines.values()]);
    if (this.missing.size === 0) return;
    await this.keeper.ensurePipelineConsumers([...this.missing.values()], (key) => this.missing.delete(idOf(key)));
  }

  /** The next time all are looked for. */
  recheck(): void {
    this.isDoubtful = true;
  }

  private note(pipeline: PipelineObject | undefined): void {
    for (const key of pipeline === undefined ? [] : consumersOf(pipeline)) this.missing.set(idOf(key), key);
  }

  private async findRemoved(pipelines: readonly PipelineObject[]): Promise<void> {
    const wanted = pipelines.flatMap(consumersOf);
    const removed = wanted.length === 0 ? [] : await this.keeper.findMissingPipelineConsumers(wanted);
    for (const key of removed) this.missing.set(idOf(key), key);
    this.isDoubtful = false;
  }
}

function consumersOf({ meta, spec }: PipelineObject): readonly PipelineConsumerKey[] {
  const pipeline = { namespace: meta.namespace, name: meta.name };
  return spec.consumers.map(({ name }) => ({ pipeline, consumer: name }));
}

function idOf({ pipeline, consumer }: PipelineConsumerKey): string {
  return `${pipeline.namespace}/${pipeline.name}/${consumer}`;
}
