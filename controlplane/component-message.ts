// Components of the registry as messages of beamline.control.v1, and kinds from the wire.
import type {
  ComponentKind as Kind,
  Liveness as Observed,
  Component as RegisteredComponent,
} from "../core/registry/component.ts";
import {
  type Component,
  ComponentKind,
  EndpointHealth,
  Liveness,
} from "../proto/gen/messages/beamline/control/v1/registry.ts";
import type { Duration } from "../proto/gen/messages/google/protobuf/duration.ts";
import type { Timestamp } from "../proto/gen/messages/google/protobuf/timestamp.ts";
import type { DesiredConfiguration } from "./configurations.ts";

const KIND_MESSAGES: Readonly<Record<Kind, ComponentKind>> = {
  source: ComponentKind.COMPONENT_KIND_SOURCE,
  processor: ComponentKind.COMPONENT_KIND_PROCESSOR,
  consumer: ComponentKind.COMPONENT_KIND_CONSUMER,
};
const KINDS: ReadonlyMap<ComponentKind, Kind> = new Map(
  (["source", "processor", "consumer"] as const).map((kind) => [KIND_MESSAGES[kind], kind]),
);
const LIVENESS_MESSAGES: Readonly<Record<Observed, Liveness>> = {
  live: Liveness.LIVENESS_LIVE,
  late: Liveness.LIVENESS_LATE,
  lost: Liveness.LIVENESS_LOST,
};
const LIVENESS: ReadonlyMap<Liveness, Observed> = new Map(
  (["live", "late", "lost"] as const).map((liveness) => [LIVENESS_MESSAGES[liveness], liveness]),
);
const ENDPOINT_HEALTH: Readonly<Record<RegisteredComponent["endpointHealth"], EndpointHealth>> = {
  unknown: EndpointHealth.ENDPOINT_HEALTH_UNSPECIFIED,
  serving: EndpointHealth.ENDPOINT_HEALTH_SERVING,
  notServing: EndpointHealth.ENDPOINT_HEALTH_NOT_SERVING,
};
const MS_PER_S = 1_000;
const NANOS_PER_MS = 1_000_000;

/** Undefined for UNSPECIFIED and for numbers of a newer client. */
export function kindOf(message: ComponentKind): Kind | undefined {
  return KINDS.get(message);
}

/** Undefined for UNSPECIFIED and for numbers of a newer client. */
export function livenessOf(message: Liveness): Observed | undefined {
  return LIVENESS.get(message);
}

export function toTimestamp(ms: number): Timestamp {
  return splitMs(ms);
}

/** Of a Timestamp or a Duration: whole seconds, and the rest as nanoseconds. */
function splitMs(ms: number): Timestamp & Duration {
  const seconds = Math.floor(ms / MS_PER_S);
  return { seconds: BigInt(seconds), nanos: Math.floor(ms - seconds * MS_PER_S) * NANOS_PER_MS };
}

/** `desired` is what the component was last configured with. */
export function toMessage(component: RegisteredComponent, desired: DesiredConfiguration | undefined): Component {
  const { registration, reported, configurationRevision } = component;
  const configuration =
    desired === undefined && configurationRevision === 0
      ? undefined
      : {
          desiredRevision: BigInt(desired?.revision ?? 0),
          appliedRevision: BigInt(configurationRevision),
          error: desired?.error ?? "",
        };
  return {
    kind: KIND_MESSAGES[registration.kind],
    id: registration.id,
    instance: registration.instance,
    endpoint: registration.endpoint,
    metadata: Object.fromEntries(registration.metadata),
    inputEventTypes: [...registration.capabilities.inputEventTypes],
    outputEventTypes: [...registration.capabilities.outputEventTypes],
    registeredAt: toTimestamp(registration.registeredAtMs),
    ttl: splitMs(registration.ttlMs),
    endpointHealth: ENDPOINT_HEALTH[component.endpointHealth],
    liveness: LIVENESS_MESSAGES[component.liveness],
    lastSeenAt: toTimestamp(component.lastSeenMs),
    livenessSince: toTimestamp(component.livenessSinceMs),
    held: component.held,
    status: reported.text,
    metrics: Object.fromEntries(reported.metrics),
    configuration,
  };
}
