// Counters of the control plane, every series at zero from the start.
import { status } from "@grpc/grpc-js";
import type { Registry } from "../core/registry/state.ts";
import type { Metrics } from "../runtime/metrics.ts";
import { CAUSES } from "./call-failure.ts";
import { SERVED } from "./served.ts";

/** Counts one method's calls; looked up once, when the server is put together. */
export interface MethodMetrics {
  /** A call ended; `seconds` is from its arrival to its answer. Streams count when they end. */
  ended(code: status, seconds: number): void;
}

const STREAM_KINDS = ["watch", "heartbeats", "health", "scaler"] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

export interface ControlPlaneMetrics {
  method(path: string): MethodMetrics;
  /** A handler threw something that is no BeamlineError. */
  countDefect(): void;
  /** The expiry guard began to hold components. */
  countGuardTrip(): void;
  setStreams(kind: StreamKind, count: number): void;
  readonly connections: ConnectionMetrics;
}

export interface ConnectionMetrics {
  setOpen(count: number): void;
  countRefused(): void;
}

const METHODS: readonly string[] = SERVED.flatMap(({ definition }) =>
  Object.values(definition).map(({ path }) => path),
);
/** OK, what handlers answer, and the end of a stream that its client left. */
const CODES = [...new Set<status>([status.OK, status.CANCELLED, ...Object.values(CAUSES).map(({ code }) => code)])];

export function createControlPlaneMetrics(metrics: Metrics): ControlPlaneMetrics {
  const calls = metrics.counter({
    name: "controlplane_grpc_calls_total",
    help: "Calls that ended, by method and gRPC status. Calls that the transport refused, such as oversize ones, are not among them.",
    labels: { method: METHODS, code: CODES.map((code) => status[code] ?? "") },
  });
  const seconds = metrics.histogram({
    name: "controlplane_grpc_call_duration_seconds",
    help: "From the arrival of a call to its answer; of a stream, to its end.",
    labels: { method: METHODS },
  });
  const defects = metrics.counter({
    name: "controlplane_call_defects_total",
    help: "Calls whose handling threw: each one is a defect of the control plane.",
  });
  const trips = metrics.counter({
    name: "controlplane_guard_trips_total",
    help: "Times that the expiry guard began to hold components, because so many fell silent at once.",
  });
  const streams = metrics.gauge({
    name: "controlplane_open_streams",
    help: "Streams that are open.",
    labels: { kind: STREAM_KINDS },
  });
  return {
    method: (path) => {
      const duration = seconds.slot({ method: path });
      const slots = new Map(CODES.map((code) => [code, calls.slot({ method: path, code: status[code] ?? "" })]));
      return {
        ended: (code, elapsed) => {
          calls.inc(slots.get(code) ?? (slots.get(status.INTERNAL) as number));
          seconds.observe(duration, elapsed);
        },
      };
    },
    countDefect: () => defects.inc(defects.slot({})),
    countGuardTrip: () => trips.inc(trips.slot({})),
    setStreams: (kind, count) => streams.set(streams.slot({ kind }), count),
    connections: createConnectionMetrics(metrics),
  };
}

function createConnectionMetrics(metrics: Metrics): ConnectionMetrics {
  const open = metrics.gauge({ name: "controlplane_connections", help: "Connections of gRPC that are open." });
  const refused = metrics.counter({
    name: "controlplane_connections_refused_total",
    help: "Connections that were closed as they came, because there were as many as there may be, of all or of one address.",
  });
  return {
    setOpen: (count) => open.set(open.slot({}), count),
    countRefused: () => refused.inc(refused.slot({})),
  };
}

/** What the registry holds, read when a scrape asks. */
export function declareRegistryMetrics(metrics: Metrics, state: () => Registry): void {
  const gauge = (name: string, help: string, read: (registry: Registry) => number): void =>
    metrics.gaugeFrom({ name, help }, () => read(state()));
  gauge("controlplane_components_live", "Components of which heartbeats arrive.", ({ counts }) => counts.live);
  gauge("controlplane_components_late", "Components whose heartbeats are missing.", ({ counts }) => counts.late);
  gauge(
    "controlplane_components_lost",
    "Components without a heartbeat for all of their TTL.",
    ({ counts }) => counts.lost,
  );
  gauge(
    "controlplane_components_held",
    "Late components whose TTL is over: the expiry guard waits for evidence before it calls so many lost.",
    ({ counts }) => counts.held,
  );
  gauge("controlplane_guard_tripped", "1 while the expiry guard holds components.", ({ guardTripped }) =>
    guardTripped ? 1 : 0,
  );
  gauge("controlplane_notices", "Changes of the registry since this process started.", ({ sequence }) => sequence);
}
