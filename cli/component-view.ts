// Components for people: rows of a table, and one in full.

import type { ComponentKind } from "../proto/gen/messages/beamline/control/v1/registry.ts";
import {
  Component,
  componentKindToJSON,
  type Liveness,
  livenessToJSON,
} from "../proto/gen/messages/beamline/control/v1/registry.ts";
import type { Duration } from "../proto/gen/messages/google/protobuf/duration.ts";
import type { Timestamp } from "../proto/gen/messages/google/protobuf/timestamp.ts";
import type { Table } from "./table.ts";
import type { Style, Terminal } from "./terminal.ts";

const MS_PER_S = 1_000;
const S_PER_MIN = 60;
const S_PER_H = 3_600;
/** Ages are told in the next larger unit from twice of it on. */
const UNIT_FROM = 2;
const LIVENESS_STYLE: Readonly<Record<string, Style>> = { live: "green", late: "yellow", lost: "red" };
const NANO_DIGITS = 9;
export const COMPONENT_COLUMNS = ["kind", "id", "liveness", "status", "provider", "endpoint", "seen"] as const;

export function componentTable(terminal: Terminal, components: readonly Component[], nowMs: number): Table {
  return { columns: COMPONENT_COLUMNS, rows: components.map((component) => componentRow(terminal, component, nowMs)) };
}

export function componentRow(terminal: Terminal, component: Component, nowMs: number): readonly string[] {
  const { kind, id, status, metadata, endpoint, lastSeenAt } = component;
  return [
    kindName(kind),
    id,
    showLiveness(terminal, component),
    status,
    metadata.provider ?? "-",
    endpoint || "-",
    showAge(lastSeenAt, nowMs),
  ];
}

/** `held`: silent for all of its time to live, but so are many others at once. */
function showLiveness(terminal: Terminal, { liveness, held }: Component): string {
  const name = livenessName(liveness);
  const style = LIVENESS_STYLE[name];
  const text = held ? `${name} (held)` : name;
  return style === undefined ? text : terminal.style(style, text);
}

/** One component, a line for each thing that is known. */
export function printComponent(terminal: Terminal, component: Component, nowMs: number): void {
  const { kind, id, instance, endpoint, status, metadata, metrics, configuration, ttl } = component;
  const lines: (readonly [string, string])[] = [
    ["kind", kindName(kind)],
    ["id", id],
    ["instance", instance],
    ["endpoint", endpoint || "-"],
    ["liveness", `${showLiveness(terminal, component)} for ${showAge(component.livenessSince, nowMs)}`],
    ["seen", `${showAge(component.lastSeenAt, nowMs)} ago; its time to live is ${ttl?.seconds ?? 0n} s`],
    ["registered", `${showAge(component.registeredAt, nowMs)} ago`],
    ["status", status],
    ["takes", component.inputEventTypes.join(", ") || "-"],
    ["gives", component.outputEventTypes.join(", ") || "-"],
    ...sorted(metadata).map(([key, value]) => [`metadata ${key}`, value] as const),
    ...sorted(metrics).map(([key, value]) => [`metric ${key}`, String(value)] as const),
  ];
  if (configuration !== undefined) {
    const { desiredRevision, appliedRevision, error } = configuration;
    const refused = error === "" ? "" : `, which it refused: ${error}`;
    lines.push(["configuration", `runs with ${appliedRevision}, shall run with ${desiredRevision}${refused}`]);
  }
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, text] of lines) terminal.print(`${name.padEnd(width)}  ${text}`);
}

/** As it stands in JSON and YAML: proto3 JSON, as gRPC tools print it. The generated code writes no durations so. */
export function componentData(component: Component): Readonly<Record<string, unknown>> {
  const { ttl } = component;
  const data = Component.toJSON(component) as Record<string, unknown>;
  return ttl === undefined ? data : { ...data, ttl: showDuration(ttl) };
}

function showDuration({ seconds, nanos }: Duration): string {
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(NANO_DIGITS, "0").replace(/0+$/, "")}`;
  return `${seconds}${fraction}s`;
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1));
}

export function kindName(kind: ComponentKind): string {
  return componentKindToJSON(kind).replace("COMPONENT_KIND_", "").toLowerCase();
}

export function livenessName(liveness: Liveness): string {
  return livenessToJSON(liveness).replace("LIVENESS_", "").toLowerCase();
}

function showAge(time: Timestamp | undefined, nowMs: number): string {
  if (time === undefined) return "-";
  const seconds = Math.max(0, Math.round(nowMs / MS_PER_S - Number(time.seconds)));
  if (seconds < UNIT_FROM * S_PER_MIN) return `${seconds} s`;
  if (seconds < UNIT_FROM * S_PER_H) return `${Math.round(seconds / S_PER_MIN)} min`;
  return `${Math.round(seconds / S_PER_H)} h`;
}
