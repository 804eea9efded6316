// What routers are told of components: what they need to choose one, and only when that changes.
import { type Component, type ComponentKind, isCandidate, type Liveness } from "./component.ts";
import type { Notice } from "./event.ts";
import type { HealthStatus } from "./health-status.ts";
import { namespaceOfOwner } from "./owner.ts";
import type { Registry } from "./state.ts";

export interface Verdict {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly instance: string;
  readonly endpoint: string;
  readonly inputEventTypes: readonly string[];
  readonly outputEventTypes: readonly string[];
  readonly maxConcurrent?: number;
  /** `<namespace>/<name>` of the Provider that it says it works for; absent: the one whose `providerId` is its id. */
  readonly provider?: string;
  /** Of the service account that registered it: without `provider` it works for Providers there, and nowhere else. */
  readonly namespace?: string;
  readonly liveness: Liveness;
  readonly reported: HealthStatus;
  /** Neither lost nor saying that it should get no work. */
  readonly isCandidate: boolean;
  /** When its liveness began. */
  readonly sinceMs: number;
}

/** Metadata by which a component says for which Provider object it works. */
export const PROVIDER_KEY = "provider";
/** `<namespace>/<name>`. Any other value of that metadata is the component's own business. */
export const PROVIDER = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?$/;

/** Of a namespace of a cluster. */
export const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** A verdict, or that there is none any more. */
export interface VerdictChange {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly verdict: Verdict | undefined;
}

export function verdictOf(component: Component): Verdict {
  const { kind, id, instance, endpoint, metadata, capabilities, owner } = component.registration;
  const provider = metadata.get(PROVIDER_KEY);
  const namespace = owner === undefined ? undefined : namespaceOfOwner(owner);
  const { inputEventTypes, outputEventTypes, maxConcurrent } = capabilities;
  return {
    kind,
    id,
    instance,
    endpoint,
    inputEventTypes,
    outputEventTypes,
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(provider === undefined || !PROVIDER.test(provider) ? {} : { provider }),
    ...(namespace === undefined ? {} : { namespace }),
    liveness: component.liveness,
    reported: component.reported.status,
    isCandidate: isCandidate(component),
    sinceMs: component.livenessSinceMs,
  };
}

export function allVerdicts(registry: Registry): readonly Verdict[] {
  return [...registry.components.values()].map(verdictOf);
}

/** What these notices change for routers: one change a component, the last. */
export function verdictChanges(notices: readonly Notice[]): readonly VerdictChange[] {
  const changes = new Map<string, VerdictChange>();
  for (const notice of notices) {
    if (!("component" in notice) || !tellsRouters(notice)) continue;
    const { kind, id } = notice.component.registration;
    const verdict = notice.kind === "removed" ? undefined : verdictOf(notice.component);
    changes.set(`${kind}/${id}`, { kind, id, verdict });
  }
  return [...changes.values()];
}

function tellsRouters(notice: Notice): boolean {
  return notice.kind !== "configurationAcknowledged";
}
