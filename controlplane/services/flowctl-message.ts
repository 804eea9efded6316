// Components of the registry as messages of flowctl.v1, and its enums as the registry has them.
import type { Component, ComponentKind } from "../../core/registry/component.ts";
import { INPUT_EVENT_TYPES, OUTPUT_EVENT_TYPES } from "../../core/registry/event-types.ts";
import { type ComponentInfo, ComponentType, HealthStatus } from "../../proto/gen/messages/flowctl/v1/common.ts";
import type { ComponentStatusResponse } from "../../proto/gen/messages/flowctl/v1/control_plane.ts";
import { toTimestamp } from "../component-message.ts";

const TYPES: Readonly<Record<ComponentKind, ComponentType>> = {
  source: ComponentType.COMPONENT_TYPE_SOURCE,
  processor: ComponentType.COMPONENT_TYPE_PROCESSOR,
  consumer: ComponentType.COMPONENT_TYPE_CONSUMER,
};
const KINDS: ReadonlyMap<ComponentType, ComponentKind> = new Map(
  (["source", "processor", "consumer"] as const).map((kind) => [TYPES[kind], kind]),
);

/** Texts of the registry; DEGRADED is not among the statuses of the other protocols and is kept as a text. */
const STATUS_TEXTS = ["UNKNOWN", "STARTING", "HEALTHY", "DEGRADED", "UNHEALTHY", "STOPPING"] as const;
const TEXT_OF_STATUS: ReadonlyMap<HealthStatus, string> = new Map(
  STATUS_TEXTS.map((text, number) => [number as HealthStatus, text]),
);
const STATUSES: ReadonlyMap<string, HealthStatus> = new Map(
  STATUS_TEXTS.map((text, number) => [text, number as HealthStatus]),
);
/** What ComponentInfo has fields for; not repeated in its metadata. */
const FIELDS = new Set(["name", "description", "version", INPUT_EVENT_TYPES, OUTPUT_EVENT_TYPES]);

/** Undefined for UNSPECIFIED and for numbers of a newer client. */
export function kindOfType(type: ComponentType): ComponentKind | undefined {
  return KINDS.get(type);
}

/**
 * What a heartbeat says. UNKNOWN says nothing, and published SDKs send it whatever the component's health: then the status
 * that stands goes on, and a component of which none is known works, since it sends heartbeats.
 */
export function statusText(status: HealthStatus, component: Component): string {
  const said = TEXT_OF_STATUS.get(status);
  if (said !== undefined && said !== "UNKNOWN") return said;
  const { text } = component.reported;
  return text === "" || text === "STARTING" || text === "UNKNOWN" ? "HEALTHY" : text;
}

export function toInfo({ registration }: Component): ComponentInfo {
  const { id, kind, endpoint, metadata, capabilities } = registration;
  return {
    id,
    name: metadata.get("name") ?? "",
    description: metadata.get("description") ?? "",
    version: metadata.get("version") ?? "",
    type: TYPES[kind],
    inputEventTypes: [...capabilities.inputEventTypes],
    outputEventTypes: [...capabilities.outputEventTypes],
    endpoint,
    metadata: Object.fromEntries([...metadata].filter(([key]) => !FIELDS.has(key))),
  };
}

export function toStatusResponse(component: Component): ComponentStatusResponse {
  const { registration, reported, lastSeenMs, liveness } = component;
  const said = STATUSES.get(reported.text.toUpperCase()) ?? HealthStatus.HEALTH_STATUS_UNKNOWN;
  return {
    component: toInfo(component),
    status: liveness === "lost" ? HealthStatus.HEALTH_STATUS_UNHEALTHY : said,
    lastHeartbeat: toTimestamp(lastSeenMs),
    metrics: Object.fromEntries([...reported.metrics].map(([key, value]) => [key, String(value)])),
    registeredAt: toTimestamp(registration.registeredAtMs),
  };
}
