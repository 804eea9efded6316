// The conditions of a Router: may it have its bus, and do its pods run.
import type { ObservedCondition } from "./conditions.ts";
import { partiallySupportedConditions } from "./object-conditions.ts";

/** The operator that writes the bus, when it is another one of the same Router. */
export interface LeaseHolder {
  readonly instance: string;
  readonly host: string;
  readonly pid: number;
}

/** Something that a Router refers to, such as a Secret, and why it cannot be used. */
export interface UnresolvedReference {
  readonly reason: string;
  /** For people, with the way out. */
  readonly message: string;
}

export interface ObservedRouter {
  readonly generation: number;
  /** `<namespace>/<name>` of the Router that owns the bus, when it is another one. */
  readonly busOwner: string | undefined;
  /** The other operator that writes this Router's bus; absent when it is this one. */
  readonly leaseHolder?: LeaseHolder | undefined;
  /** Fields of the Router object that have no effect here, each with why where that is not plain. */
  readonly partiallySupported?: readonly string[];
  readonly unresolved?: UnresolvedReference | undefined;
  /** Pods asked for. */
  readonly desiredPods: number;
  /** Ready, with whichever settings. */
  readonly readyPods: number;
  /** Of the ready ones, those that run with the current settings. */
  readonly updatedPods: number;
  /** Why pods do not come up, when that is known. */
  readonly failure: string | undefined;
  /** Why what runs the pods cannot be made as asked for, such as somebody else's Deployment of the same name. */
  readonly problem?: { readonly reason: string; readonly message: string } | undefined;
  /** Why a roll-out must not go on. */
  readonly held?: string | undefined;
  /** Whether NATS keeps producers and workers out of internal state; absent where nobody has asked it. */
  readonly fenced?: boolean;
}

/**
 * Accepted, ResolvedRefs (only when it fails), Available (a pod is ready), Progressing (not yet as desired), Ready, Fenced, and
 * PartiallySupported where it applies.
 */
export function routerConditions(observed: ObservedRouter): readonly ObservedCondition[] {
  const { generation, partiallySupported = [] } = observed;
  const accepted = acceptedCondition(observed);
  const refs = resolvedRefsConditions(observed);
  const available = availableCondition(observed);
  return [
    accepted,
    ...refs,
    available,
    progressingCondition(observed),
    readyCondition(observed, [accepted, ...refs, available]),
    ...fencedConditions(observed),
    ...partiallySupportedConditions({ generation, partiallySupported }),
  ];
}

/** No part of Ready: whoever runs everything in one account has chosen so, and shall see it. */
function fencedConditions({ generation, fenced }: ObservedRouter): readonly ObservedCondition[] {
  if (fenced === undefined) return [];
  if (fenced) {
    const message = "NATS keeps producers and workers out of configuration, streams and consumers";
    return [condition(generation, "Fenced", "True", "SeparateAccounts", message)];
  }
  const message =
    "whoever can connect to NATS may read and write everything; give operator and routers an account of their own";
  return [condition(generation, "Fenced", "False", "OneAccount", message)];
}

function acceptedCondition({ generation, busOwner, leaseHolder, problem }: ObservedRouter): ObservedCondition {
  if (busOwner !== undefined) {
    const message = `the bus belongs to Router ${busOwner}; give this one a NATS account of its own or subjects.prefix`;
    return condition(generation, "Accepted", "False", "SubjectConflict", message);
  }
  if (leaseHolder !== undefined) {
    const { instance, host, pid } = leaseHolder;
    const message = `the bus is written by another operator of this Router, instance ${instance} (process ${pid} on ${host}); stop that one and this one takes over, or give this one a NATS account of its own or a prefix`;
    return condition(generation, "Accepted", "False", "SubjectConflict", message);
  }
  if (problem !== undefined) return condition(generation, "Accepted", "False", problem.reason, problem.message);
  return condition(generation, "Accepted", "True", "Accepted", "the bus belongs to this Router");
}

function resolvedRefsConditions({ generation, unresolved }: ObservedRouter): readonly ObservedCondition[] {
  if (unresolved === undefined) return [];
  return [condition(generation, "ResolvedRefs", "False", unresolved.reason, unresolved.message)];
}

function availableCondition({ generation, readyPods, failure }: ObservedRouter): ObservedCondition {
  if (readyPods > 0) return condition(generation, "Available", "True", "RouterReady", "at least one router is ready");
  const message = failure === undefined ? "no router is ready" : `no router is ready: ${failure}`;
  return condition(generation, "Available", "False", "NoReadyPods", message);
}

function progressingCondition(observed: ObservedRouter): ObservedCondition {
  const { generation, desiredPods, updatedPods, readyPods, busOwner, leaseHolder, failure, held } = observed;
  if (busOwner !== undefined || leaseHolder !== undefined) {
    return condition(generation, "Progressing", "False", "NotAccepted", "no router is started without its bus");
  }
  if (held !== undefined) return condition(generation, "Progressing", "Unknown", "RolloutHeld", held);
  if (updatedPods >= desiredPods && updatedPods === readyPods) {
    return condition(generation, "Progressing", "False", "Complete", "every router runs with the current settings");
  }
  const message = failure === undefined ? "routers are starting" : `routers are starting again: ${failure}`;
  return condition(generation, "Progressing", "True", "RoutersStarting", message);
}

function readyCondition({ generation }: ObservedRouter, parts: readonly ObservedCondition[]): ObservedCondition {
  const culprit = parts.find(({ status }) => status !== "True");
  if (culprit === undefined) return condition(generation, "Ready", "True", "Ready", "the Router takes messages");
  return condition(generation, "Ready", culprit.status, culprit.reason, `${culprit.type}: ${culprit.message}`);
}

function condition(
  observedGeneration: number,
  type: string,
  status: ObservedCondition["status"],
  reason: string,
  message: string,
): ObservedCondition {
  return { type, status, reason, message, observedGeneration };
}
