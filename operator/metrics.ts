// What the operator counts.
import type { Metrics } from "../runtime/metrics.ts";

const WORK = ["lease", "streams", "buckets", "config", "consumers", "purge", "status"] as const;
const WRITES = ["put", "delete", "purge", "head"] as const;

export type WorkKind = (typeof WORK)[number];
export type WriteKind = (typeof WRITES)[number];

/** Kinds of which it is counted how many are accepted. */
export const COUNTED_KINDS = ["RoutingPolicy", "Provider", "Tenant", "Pipeline"] as const;
export type CountedKind = (typeof COUNTED_KINDS)[number];

export interface OperatorMetrics {
  countWork(work: WorkKind, ok: boolean): void;
  countWrite(kind: WriteKind): void;
  countStatusWrite(): void;
  setRevision(revision: number): void;
  setRouters(desired: number, ready: number, starts: number): void;
  setObjects(kind: CountedKind, accepted: number, refused: number): void;
  observeProgrammed(seconds: number): void;
}

/** Declares the operator's metrics in `metrics`; every series stands at zero from the start. */
export function createOperatorMetrics(metrics: Metrics): OperatorMetrics {
  const work = metrics.counter({
    name: "operator_work_total",
    help: "Passes of the operator, by what they do and how they ended.",
    labels: { work: WORK, result: ["ok", "error"] },
  });
  const writes = metrics.counter({
    name: "operator_config_writes_total",
    help: "Writes into the configuration bucket.",
    labels: { kind: WRITES },
  });
  const statusWrites = metrics.counter({ name: "operator_status_writes_total", help: "Status documents written." });
  const revision = metrics.gauge({
    name: "operator_config_revision",
    help: "Stream sequence of the last head written.",
  });
  const routers = metrics.gauge({
    name: "operator_routers",
    help: "Routers asked for, and ready.",
    labels: { state: ["desired", "ready"] },
  });
  const starts = metrics.gauge({ name: "operator_router_starts", help: "Starts of the routers that run now." });
  const objects = metrics.gauge({
    name: "operator_objects",
    help: "Objects whose newest generation is in the table, and those whose newest is not.",
    labels: { kind: COUNTED_KINDS, result: ["accepted", "refused"] },
  });
  const programmed = metrics.histogram({
    name: "operator_programmed_duration_seconds",
    help: "From a head being written to every ready router having acknowledged it.",
  });
  return {
    countWork: (kind, ok) => work.inc(work.slot({ work: kind, result: ok ? "ok" : "error" })),
    countWrite: (kind) => writes.inc(writes.slot({ kind })),
    countStatusWrite: () => statusWrites.inc(0),
    setRevision: (value) => revision.set(0, value),
    setRouters: (desired, ready, started) => {
      routers.set(routers.slot({ state: "desired" }), desired);
      routers.set(routers.slot({ state: "ready" }), ready);
      starts.set(0, started);
    },
    setObjects: (kind, accepted, refused) => {
      objects.set(objects.slot({ kind, result: "accepted" }), accepted);
      objects.set(objects.slot({ kind, result: "refused" }), refused);
    },
    observeProgrammed: (seconds) => programmed.observe(0, seconds),
  };
}
