// The conditions of a Pipeline, the same on files and in a cluster.
import type { ObservedCondition } from "./conditions.ts";
import {
  acceptedCondition,
  describeRefusals,
  type ObservedObject,
  partiallySupportedConditions,
  programmedCondition,
  readyCondition,
} from "./object-conditions.ts";
import type { UnmetLink } from "./pipeline-links.ts";

export interface ObservedPipeline extends ObservedObject {
  /** Undefined as long as it is not known what is registered. */
  readonly unmetLinks: readonly UnmetLink[] | undefined;
}

/** Accepted, Programmed, Linked, Ready, and PartiallySupported where it applies, in this order. */
export function pipelineConditions(observed: ObservedPipeline): readonly ObservedCondition[] {
  const parts = [acceptedCondition(observed), programmedCondition(observed), linkedCondition(observed)];
  return [...parts, readyCondition(observed, parts), ...partiallySupportedConditions(observed)];
}

function linkedCondition({ generation, refusals, unmetLinks }: ObservedPipeline): ObservedCondition {
  const about = { type: "Linked", observedGeneration: generation } as const;
  if (refusals.length > 0) {
    const message = "links are looked at once the object is accepted";
    return { ...about, status: "Unknown", reason: "NotAccepted", message };
  }
  if (unmetLinks === undefined) {
    const message = "what is registered with the control plane has not been read";
    return { ...about, status: "Unknown", reason: "RegistryNotRead", message };
  }
  const [first] = unmetLinks;
  if (first !== undefined) {
    return { ...about, status: "False", reason: first.reason, message: describeRefusals(unmetLinks) };
  }
  const message = "every component is registered, and the event types of neighbours meet";
  return { ...about, status: "True", reason: "Linked", message };
}
