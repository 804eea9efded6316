// Label sets -> slots: every series of a metric has its index in a typed array before the first event.

/** Values of a label that are known when the process starts; or how many may turn up later, the rest being counted as `_other`. */
export type LabelValues = readonly string[] | { readonly atMost: number };
export type LabelSpec = Readonly<Record<string, LabelValues>>;
export type Labels<L> = { readonly [Label in keyof L]: string };

/** Series of one metric; more would make a scrape slow and is a mistake in the declaration. */
export const MAX_SERIES_PER_METRIC = 10_000;
/** The value that stands for those which came after the limit of an open label was reached. */
export const OVERFLOW_VALUE = "_other";

/** Which combinations of label values can occur; the others are not shown. */
export type SeriesFilter = (labels: Readonly<Record<string, string>>) => boolean;

interface Dimension {
  readonly label: string;
  readonly values: string[];
  readonly indexes: Map<string, number>;
  readonly capacity: number;
  readonly open: boolean;
}

/** All combinations of the values of a metric's labels, numbered. */
export class SeriesTable {
  readonly capacity: number;
  private readonly dimensions: readonly Dimension[];
  private readonly only: SeriesFilter;

  constructor(metric: string, labels: LabelSpec, only: SeriesFilter = () => true) {
    this.only = only;
    this.dimensions = Object.entries(labels).map(([label, values]) => createDimension(label, values));
    this.capacity = this.dimensions.reduce((product, dimension) => product * dimension.capacity, 1);
    if (this.capacity > MAX_SERIES_PER_METRIC || this.capacity < 1) {
      throw new Error(`metric ${metric} declares ${this.capacity} series; 1 to ${MAX_SERIES_PER_METRIC} are allowed`);
    }
  }

  get labelNames(): string[] {
    return this.dimensions.map((dimension) => dimension.label);
  }

  /** Index of the series with these labels. A value that a closed label does not have is a bug and throws. */
  slot(labels: Readonly<Record<string, string>>): number {
    let slot = 0;
    for (const dimension of this.dimensions) {
      slot = slot * dimension.capacity + indexOf(dimension, labels[dimension.label] ?? "");
    }
    return slot;
  }

  /** The slots in use with their labels; of an open label only the values that have turned up. */
  *series(): Generator<{ readonly slot: number; readonly labels: Record<string, string> }> {
    for (let slot = 0; slot < this.capacity; slot++) {
      const labels = this.labelsOf(slot);
      if (labels !== undefined && this.only(labels)) yield { slot, labels };
    }
  }

  private labelsOf(slot: number): Record<string, string> | undefined {
    const values: string[] = [];
    let rest = slot;
    for (const dimension of this.dimensions.toReversed()) {
      const value = dimension.values[rest % dimension.capacity];
      if (value === undefined) return undefined;
      values.unshift(value);
      rest = Math.floor(rest / dimension.capacity);
    }
    return Object.fromEntries(this.dimensions.map((dimension, index) => [dimension.label, values[index] ?? ""]));
  }
}

function createDimension(label: string, spec: LabelValues): Dimension {
  const open = "atMost" in spec;
  const values = open ? [OVERFLOW_VALUE] : [...spec];
  const capacity = open ? spec.atMost + 1 : values.length;
  return { label, values, indexes: new Map(values.map((value, index) => [value, index])), capacity, open };
}

function indexOf(dimension: Dimension, value: string): number {
  const index = dimension.indexes.get(value);
  if (index !== undefined) return index;
  if (!dimension.open) throw new Error(`label ${dimension.label} has no value ${JSON.stringify(value)}`);
  if (dimension.values.length >= dimension.capacity) return 0;
  dimension.indexes.set(value, dimension.values.length);
  return dimension.values.push(value) - 1;
}
