// What a Pipeline's status says besides what every object's says: its links, and where its source and consumers find it.

import type { RouterKey } from "../core/config/entry.ts";
import { pipelineKey } from "../core/config/keys.ts";
import { pipelineInputSubject } from "../core/handover/pipeline-subjects.ts";
import type { Names } from "../core/handover/subjects.ts";
import { findUnmetLinks, type UnmetLink } from "../core/reconcile/pipeline-links.ts";
import type { EntryPlan, Verdict } from "../core/reconcile/plan-entries.ts";
import type { KnownProcessors } from "./observe-processors.ts";
import type { ObjectStatus, PipelineStatus } from "./status-document.ts";

/** Undefined as long as it is not known what is registered. */
export function observeLinks(
  known: KnownProcessors | undefined,
  { object }: Pick<Verdict, "object">,
): readonly UnmetLink[] | undefined {
  if (object?.kind !== "Pipeline" || known === undefined || !known.isRead) return undefined;
  return findUnmetLinks(object.spec, known.components);
}

export function describePipeline(
  { desired, object }: Pick<Verdict, "desired" | "object">,
  names: Names,
): Omit<PipelineStatus, keyof ObjectStatus> {
  const { namespace, name } = desired.meta;
  const spec = object?.kind === "Pipeline" ? object.spec : undefined;
  return {
    tenantId: spec?.tenantId ?? namespace,
    input: names.toWire(pipelineInputSubject({ namespace, name })),
    consumers: (spec?.consumers ?? []).map((consumer) => names.consumers.pipeline({ namespace, name }, consumer.name)),
  };
}

interface PipelineSurroundings {
  readonly router: RouterKey;
  readonly plan: EntryPlan;
  readonly processors?: KnownProcessors | undefined;
}

/** Keys of the pipelines whose links may be others than before. */
export function pipelinesToObserve(before: PipelineSurroundings, now: PipelineSurroundings): readonly string[] {
  if (before.processors?.components === now.processors?.components) return [];
  const pipelines = [...now.plan.compiled.table.pipelines.values()];
  return pipelines.map(({ meta }) => pipelineKey(now.router, meta.namespace, meta.name));
}
