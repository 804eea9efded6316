// Counters of the control plane, every series at zero from the start.
import { status } from "@grpc/grpc-js";
import type { Metrics } from "../runtime/metrics.ts";
import { CAUSES } from "./call-failure.ts";
import { SERVED } from "./served.ts";

/** Counts one method's calls; looked up once, when the server is put together. */
export interface MethodMetrics {
  /** A call ended; `seconds` is from its arrival to its answer. Streams count when they end. */
  ended(code: status, seconds: number): void;
}

export interface ControlPlaneMetrics {
  method(path: string): MethodMetrics;
  /** A handler threw something that is no BeamlineError. */
  countDefect(): void;
  watchOpened(): void;
  watchClosed(): void;
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
  const watches = metrics.gauge({ name: "controlplane_watches", help: "Watches that are open." });
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
    watchOpened: () => watches.add(watches.slot({}), 1),
    watchClosed: () => watches.add(watches.slot({}), -1),
  };
}
