// Writes the status when it has changed, and not while it is about to change once more.
import type { Condition } from "../core/reconcile/conditions.ts";
import type { ObjectSource } from "./interfaces.ts";
import type { OperatorMetrics } from "./metrics.ts";
import { type Observation, type ObservedStatus, observeStatus } from "./observe.ts";
import type { ObjectStatus, StatusDocument } from "./status-document.ts";

/** What is observed, without time and history, which the reporter keeps. */
export type ObservationInput = Omit<Observation, "now" | "previous">;

export interface StatusReporterOptions {
  readonly source: ObjectSource;
  readonly metrics: OperatorMetrics;
  nowMs(): number;
  observe(): ObservationInput;
  /** Whether what is observed is known by now: else every object would seem to be in force nowhere. */
  isObserved(): boolean;
}

/** A status in which an object waits for its routers is not written before this: mostly they are there by then. */
export const STATUS_PATIENCE_MS = 500;
const MS_PER_SECOND = 1000;

export class StatusReporter {
  private readonly options: StatusReporterOptions;
  private conditions: ReadonlyMap<string, readonly Condition[]> = new Map();
  private written = "";
  /** When the head was written that is not acknowledged by all. */
  private awaitedSinceMs: number | undefined;

  constructor(options: StatusReporterOptions) {
    this.options = options;
  }

  /** A head has been written: its acknowledgements are waited for from now. */
  headWritten(): void {
    this.awaitedSinceMs = performance.now();
  }

  observe(): ObservedStatus {
    const { observe, nowMs } = this.options;
    const now = formatConditionTime(nowMs());
    const observed = observeStatus({ ...observe(), previous: this.conditions, now });
    this.conditions = observed.conditions;
    return observed;
  }

  /** Writes what is new. Returns the delay after which to call again when it is better to wait; never with `force`. */
  async write(force: boolean): Promise<number | undefined> {
    if (!force && !this.options.isObserved()) return STATUS_PATIENCE_MS;
    const { document, pending } = this.observe();
    this.measure(document, pending.size > 0);
    if (this.options.source.statusUnit === "Object") {
      await this.options.source.writeStatus(document, pending);
      return undefined;
    }
    const waitedMs =
      this.awaitedSinceMs === undefined ? Number.POSITIVE_INFINITY : performance.now() - this.awaitedSinceMs;
    if (pending.size > 0 && !force && waitedMs < STATUS_PATIENCE_MS) return STATUS_PATIENCE_MS - waitedMs;
    const text = JSON.stringify(document);
    if (text === this.written) return undefined;
    await this.options.source.writeStatus(document, pending);
    this.written = text;
    this.options.metrics.countStatusWrite();
    return undefined;
  }

  private measure(document: StatusDocument, pending: boolean): void {
    const { metrics } = this.options;
    const { routers, policies, providers, tenants } = document;
    metrics.setRouters(
      routers.length,
      routers.filter(({ ready }) => ready).length,
      sum(routers.map(({ starts }) => starts)),
    );
    metrics.setObjects("RoutingPolicy", ...countAccepted(policies));
    metrics.setObjects("Provider", ...countAccepted(providers));
    metrics.setObjects("Tenant", ...countAccepted(tenants));
    if (this.awaitedSinceMs === undefined || pending || !routers.some(({ ready }) => ready)) return;
    metrics.observeProgrammed((performance.now() - this.awaitedSinceMs) / MS_PER_SECOND);
    this.awaitedSinceMs = undefined;
  }
}

/** RFC 3339 UTC with whole seconds, the form of `metav1.Time`. */
export function formatConditionTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, "2000-01-01T00:00:00".length)}Z`;
}

function countAccepted(objects: readonly ObjectStatus[]): [accepted: number, refused: number] {
  const accepted = objects.filter(({ conditions }) =>
    conditions.some(({ type, status }) => type === "Accepted" && status === "True"),
  ).length;
  return [accepted, objects.length - accepted];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
