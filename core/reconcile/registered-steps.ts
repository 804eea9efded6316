// Steps of a policy that call processors, held against what is registered: which of them a message would find away.
import { MAX_NAMED_PROCESSORS } from "../registry/processor-state.ts";
import type { Verdict } from "../registry/verdicts.ts";
import { findProcessor } from "../steps/find-processor.ts";
import type { CompiledPipeline, CompiledStep } from "../steps/step.ts";

/** A step that calls a processor, and what is known of that one. */
export interface RegisteredStep {
  readonly name: string;
  readonly required: boolean;
  /** Why routers would not call the processor now; undefined: they would. */
  readonly away: string | undefined;
}

/** In the order in which a message passes them; steps on subjects are left out, nobody registers for those. */
export function registeredSteps(
  pipeline: CompiledPipeline | undefined,
  processors: ReadonlyMap<string, Verdict>,
): readonly RegisteredStep[] {
  return processorSteps(pipeline).map(({ name, required, id }) => {
    const found = findProcessor(processors, id);
    if (found.kind === "found") return { name, required, away: undefined };
    return { name, required, away: found.kind === "away" ? found.reason : `processor ${id} is not registered` };
  });
}

type ProcessorStep = Pick<CompiledStep, "name" | "required"> & { readonly id: string };

export function processorSteps(pipeline: CompiledPipeline | undefined): readonly ProcessorStep[] {
  if (pipeline === undefined) return [];
  return [...pipeline.pre, ...pipeline.validators, ...pipeline.post].flatMap(({ name, required, target }) =>
    target.kind === "processor" ? [{ name, required, id: target.id }] : [],
  );
}

/** For example `tier (processor tiers is lost)`; at most `MAX_NAMED_PROCESSORS` are named, the others are a count. */
export function describeAway(steps: readonly RegisteredStep[]): string {
  const named = steps.slice(0, MAX_NAMED_PROCESSORS).map(({ name, away }) => `${name} (${away})`);
  const more = steps.length - named.length;
  return more > 0 ? `${named.join(", ")} and ${more} more` : named.join(", ");
}
