// The conditions of a RoutingPolicy, the same on files and in a cluster.
import type { ObservedCondition } from "./conditions.ts";
import {
  acceptedCondition,
  describeRefusals,
  type ObservedObject,
  partiallySupportedConditions,
  programmedCondition,
  type Refusal,
  readyCondition,
} from "./object-conditions.ts";

export interface ObservedPolicy extends ObservedObject {
  /** References of this generation that lead nowhere, or to providers that routers refuse: the others go on serving. */
  readonly unresolved: readonly Refusal[];
  /** `<namespace>/<name>` of providers without a Provider object: defaults hold for them, and a typo looks the same. */
  readonly implicitProviders: readonly string[];
}

/** Accepted, ResolvedRefs, Programmed, Registered where it applies, Ready, and PartiallySupported where it applies. */
export function policyConditions(observed: ObservedPolicy): readonly ObservedCondition[] {
  const { registered = [] } = observed;
  const parts = [
    acceptedCondition(observed),
    resolvedRefsCondition(observed),
    programmedCondition(observed),
    ...registered,
  ];
  return [...parts, readyCondition(observed, parts), ...partiallySupportedConditions(observed)];
}

function resolvedRefsCondition(observed: ObservedPolicy): ObservedCondition {
  const { generation: observedGeneration, refusals, unresolved, implicitProviders } = observed;
  const type = "ResolvedRefs";
  if (refusals.length > 0) {
    const message = "references are resolved once the object is accepted";
    return { type, status: "Unknown", reason: "NotAccepted", message, observedGeneration };
  }
  const [first] = unresolved;
  if (first !== undefined) {
    const message = `not usable: ${describeRefusals(unresolved)}`;
    return { type, status: "False", reason: first.reason, message, observedGeneration };
  }
  if (implicitProviders.length > 0) {
    const message = `used with defaults, without a Provider object: ${implicitProviders.join(", ")}`;
    return { type, status: "True", reason: "ImplicitProviders", message, observedGeneration };
  }
  const message = "every provider is a Provider object";
  return { type, status: "True", reason: "ResolvedRefs", message, observedGeneration };
}
