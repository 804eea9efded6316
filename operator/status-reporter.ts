// Writes the status when it has changed, and not while it is about to change once more.
import type { ObjectSource } from "./interfaces.ts";
import type { OperatorMetrics } from "./metrics.ts";
import { NOTHING_OBSERVED, type Observation, type ObservedStatus, observeStatus } from "./observe.ts";
import type { StatusDocument } from "./status-document.ts";

/** What is observed, without the time, which the reporter has. */
export type ObservationInput = Omit<Observation, "now">;

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
  private observed: ObservedStatus = NOTHING_OBSERVED;
  private written: StatusDocument | undefined;
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
    this.observed = observeStatus({ ...observe(), now }, this.observed);
    return this.observed;
  }

  /** Writes what is new. Returns the delay after which to call again when it is better to wait; never with `force`. */
  async write(force: boolean): Promise<number | undefined> {
    if (!force && !this.options.isObserved()) return STATUS_PATIENCE_MS;
    const observed = this.observe();
    const { document, pending } = observed;
    this.measure(observed);
    if (this.options.source.statusUnit === "Object") {
      await this.options.source.writeStatus(document, pending);
      return undefined;
    }
    const waitedMs =
      this.awaitedSinceMs === undefined ? Number.POSITIVE_INFINITY : performance.now() - this.awaitedSinceMs;
    if (pending.size > 0 && !force && waitedMs < STATUS_PATIENCE_MS) return STATUS_PATIENCE_MS - waitedMs;
    if (document === this.written) return undefined;
    await this.options.source.writeStatus(document, pending);
    this.written = document;
    this.options.metrics.countStatusWrite();
    return undefined;
  }

  private measure({ document, pending, accepted }: ObservedStatus): void {
    const { metrics } = this.options;
    const { routers, policies, providers, tenants, pipelines } = document;
    metrics.setRouters(
      routers.length,
      routers.filter(({ ready }) => ready).length,
      sum(routers.map(({ starts }) => starts)),
    );
    metrics.setObjects("RoutingPolicy", accepted.policies, policies.length - accepted.policies);
    metrics.setObjects("Provider", accepted.providers, providers.length - accepted.providers);
    metrics.setObjects("Tenant", accepted.tenants, tenants.length - accepted.tenants);
    metrics.setObjects("Pipeline", accepted.pipelines, pipelines.length - accepted.pipelines);
    if (this.awaitedSinceMs === undefined || pending.size > 0 || !routers.some(({ ready }) => ready)) return;
    metrics.observeProgrammed((performance.now() - this.awaitedSinceMs) / MS_PER_SECOND);
    this.awaitedSinceMs = undefined;
  }
}

/** RFC 3339 UTC with whole seconds, the form of `metav1.Time`. */
export function formatConditionTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, "2000-01-01T00:00:00".length)}Z`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
