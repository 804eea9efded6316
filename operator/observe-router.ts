// The Router and its routers: what infrastructure and acknowledgements tell of them -> their status.
import type { RouterAck, RouterKey } from "../core/config/entry.ts";
import { type Condition, mergeConditions } from "../core/reconcile/conditions.ts";
import { type LeaseHolder, routerConditions, type UnresolvedReference } from "../core/reconcile/router.ts";
import type { InfrastructureStatus, ObservedPod } from "./interfaces.ts";
import type { RouterSettings } from "./router-settings.ts";
import type { RouterObjectStatus, RouterStatus } from "./status-document.ts";

export interface RouterFacts {
  readonly router: RouterKey;
  readonly pods: readonly ObservedPod[];
  readonly infrastructure: InfrastructureStatus;
  readonly settings: RouterSettings;
  readonly busOwner: string | undefined;
  /** The other operator that writes the bus, if this one does not. */
  readonly leaseHolder: LeaseHolder | undefined;
  /** NATS does not keep producers and workers out of internal state, or does not say so. */
  readonly unfenced: boolean;
  /** Of what the Router refers to: why it cannot be used. */
  readonly unresolved?: UnresolvedReference | undefined;
  /** RFC 3339. */
  readonly now: string;
}

export function describeRouter(observation: RouterFacts): Omit<RouterObjectStatus, "conditions"> {
  const { router, pods, settings, infrastructure } = observation;
  return {
    ...router,
    generation: settings.generation,
    desiredRouters: infrastructure.replicas ?? settings.deployment.replicas,
    updatedRouters: pods.filter(({ updated }) => updated).length,
    ...(infrastructure.selector === undefined ? {} : { selector: infrastructure.selector }),
  };
}

export function observeRouter(observation: RouterFacts, previous: readonly Condition[]): readonly Condition[] {
  const { pods, settings, infrastructure, busOwner, leaseHolder, now } = observation;
  const conditions = routerConditions({
    generation: settings.generation,
    busOwner,
    leaseHolder,
    fenced: !observation.unfenced,
    unresolved: observation.unresolved,
    problem: infrastructure.problem,
    held: settings.deployment.held,
    partiallySupported: settings.partiallySupported,
    desiredPods: infrastructure.replicas ?? settings.deployment.replicas,
    readyPods: pods.filter(({ ready }) => ready).length,
    updatedPods: pods.filter(({ ready, updated }) => ready && updated).length,
    failure: infrastructure.failure ?? pods.find(({ ready, failure }) => !ready && failure !== undefined)?.failure,
  });
  return mergeConditions(previous, conditions, now);
}

export function routerStatus(
  { name, uid, pid, ready, healthUrl, starts }: ObservedPod,
  ack: RouterAck | undefined,
): RouterStatus {
  const appliedRevision = ack?.appliedRevision ?? 0;
  return { name, uid, pid, ready, appliedRevision, rejectedCount: ack?.rejectedCount ?? 0, healthUrl, starts };
}
