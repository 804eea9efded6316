// Metrics at the cost of an array write: typed arrays by slot, handed to prom-client only when a scrape asks.
import { Counter as PromCounter, Gauge as PromGauge, Histogram as PromHistogram, Registry } from "prom-client";
import { type LabelSpec, type Labels, type SeriesFilter, SeriesTable } from "./metric-series.ts";

/** Name, help and label sets of a metric. Names are given in full, with unit and `_total` as Prometheus asks. */
export interface MetricSpec<L extends LabelSpec> {
  readonly name: string;
  readonly help: string;
  /** Absent: one series without labels, at slot 0. */
  readonly labels?: L;
  /** Where one label determines another: which combinations exist. */
  readonly only?: SeriesFilter;
}

export interface Counter<L> {
  /** Index of a series, to be looked up once and kept. */
  slot(labels: Labels<L>): number;
  inc(slot: number, by?: number): void;
  value(slot: number): number;
}

export interface Gauge<L> {
  slot(labels: Labels<L>): number;
  set(slot: number, value: number): void;
  add(slot: number, by: number): void;
  value(slot: number): number;
}

export interface Histogram<L> {
  slot(labels: Labels<L>): number;
  /** In the unit of the metric's name: seconds for durations. */
  observe(slot: number, value: number): void;
  count(slot: number): number;
}

/** Upper bounds in seconds, 0.1 ms to 10 s: a decision takes microseconds, a round trip to NATS a fraction of a millisecond. */
export const DURATION_BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

type NoLabels = Record<never, never>;

/** All metrics of a process. */
export interface Metrics {
  counter<const L extends LabelSpec = NoLabels>(spec: MetricSpec<L>): Counter<L>;
  gauge<const L extends LabelSpec = NoLabels>(spec: MetricSpec<L>): Gauge<L>;
  /** A gauge without labels that is read when a scrape asks. */
  gaugeFrom(spec: MetricSpec<NoLabels>, read: () => number): void;
  histogram<const L extends LabelSpec = NoLabels>(
    spec: MetricSpec<L> & { readonly buckets?: readonly number[] },
  ): Histogram<L>;
  /** `text/plain; version=0.0.4; charset=utf-8` */
  readonly contentType: string;
  /** The page for a scrape. Every declared series is in it from the start, at zero. */
  text(): Promise<string>;
}

/** One registry for a process; nothing global. Declaring a name twice throws. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  return {
    counter: (spec) => createCounter(registry, spec),
    gauge: (spec) => createGauge(registry, spec),
    gaugeFrom: (spec, read) => {
      const gauge: PromGauge = new PromGauge({
        name: spec.name,
        help: spec.help,
        registers: [registry],
        collect: () => gauge.set(read()),
      });
    },
    histogram: (spec) => createHistogram(registry, spec),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function createCounter<L extends LabelSpec>(registry: Registry, spec: MetricSpec<L>): Counter<L> {
  const table = new SeriesTable(spec.name, spec.labels ?? {}, spec.only);
  const values = new Float64Array(table.capacity);
  const counter = new PromCounter({
    name: spec.name,
    help: spec.help,
    labelNames: table.labelNames,
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const { slot, labels } of table.series()) counter.inc(labels, values[slot] as number);
    },
  });
  return {
    slot: (labels) => table.slot(labels),
    inc: (slot, by = 1) => {
      values[slot] = (values[slot] as number) + by;
    },
    value: (slot) => values[slot] as number,
  };
}

function createGauge<L extends LabelSpec>(registry: Registry, spec: MetricSpec<L>): Gauge<L> {
  const table = new SeriesTable(spec.name, spec.labels ?? {}, spec.only);
  const values = new Float64Array(table.capacity);
  const gauge = new PromGauge({
    name: spec.name,
    help: spec.help,
    labelNames: table.labelNames,
    registers: [registry],
    collect: () => {
      for (const { slot, labels } of table.series()) gauge.set(labels, values[slot] as number);
    },
  });
  return {
    slot: (labels) => table.slot(labels),
    set: (slot, value) => {
      values[slot] = value;
    },
    add: (slot, by) => {
      values[slot] = (values[slot] as number) + by;
    },
    value: (slot) => values[slot] as number,
  };
}

function createHistogram<L extends LabelSpec>(
  registry: Registry,
  spec: MetricSpec<L> & { readonly buckets?: readonly number[] },
): Histogram<L> {
  const table = new SeriesTable(spec.name, spec.labels ?? {}, spec.only);
  const bounds = Float64Array.from(spec.buckets ?? DURATION_BUCKETS_SECONDS);
  const width = bounds.length + 1;
  const counts = new Float64Array(table.capacity * width);
  const sums = new Float64Array(table.capacity);
  new SlotHistogram(
    { name: spec.name, help: spec.help, labelNames: table.labelNames, buckets: [...bounds], registers: [registry] },
    () => ({
      name: spec.name,
      help: spec.help,
      // prom-client declares an enum that it does not have; the text page writes this word as it is.
      type: "histogram" as unknown as HistogramReading["type"],
      aggregator: "sum",
      collect: () => undefined,
      values: histogramValues(spec.name, table, bounds, counts, sums),
    }),
  );
  return {
    slot: (labels) => table.slot(labels),
    observe: (slot, value) => {
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
      const index = slot * width + bucket;
      counts[index] = (counts[index] as number) + 1;
      sums[slot] = (sums[slot] as number) + value;
    },
    count: (slot) => counts.subarray(slot * width, (slot + 1) * width).reduce((sum, count) => sum + count, 0),
  };
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

type HistogramReading = Awaited<ReturnType<PromHistogram["get"]>>;

/** A histogram whose counts live elsewhere: prom-client's own can only be filled one observation at a time. */
class SlotHistogram extends PromHistogram {
  private readonly read: () => HistogramReading;

  constructor(config: ConstructorParameters<typeof PromHistogram>[0], read: () => HistogramReading) {
    super(config);
    this.read = read;
  }

  override async get(): Promise<HistogramReading> {
    return this.read();
  }

  /** prom-client prefers this over `get` for the text page. */
  async getForPromString(): Promise<HistogramReading> {
    return this.read();
  }
}

function histogramValues(
  name: string,
  table: SeriesTable,
  bounds: Float64Array,
  counts: Float64Array,
  sums: Float64Array,
): HistogramValue[] {
  const width = bounds.length + 1;
  const values: HistogramValue[] = [];
  for (const { slot, labels } of table.series()) {
    let cumulative = 0;
    for (let bucket = 0; bucket < width; bucket++) {
      cumulative += counts[slot * width + bucket] as number;
      const le = bucket < bounds.length ? (bounds[bucket] as number) : "+Inf";
      values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: cumulative });
    }
    values.push({ metricName: `${name}_sum`, labels, value: sums[slot] as number });
    values.push({ metricName: `${name}_count`, labels, value: cumulative });
  }
  return values;
}
