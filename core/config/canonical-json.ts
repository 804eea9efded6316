// JSON with one spelling: equal values give equal bytes, whatever order a person wrote the fields in.

/** Deeper values are refused by the object schema long before; this only keeps a bug from ending as a stack overflow. */
const MAX_DEPTH = 64;

/**
 * `value`, which came out of JSON or YAML, as JSON without white space and with the fields of every object sorted by UTF-16
 * unit. Fields that are undefined are left out.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortFields(value, 0));
}

function sortFields(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) throw new RangeError(`value is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return value.map((item) => sortFields(item, depth + 1));
  const record = value as Readonly<Record<string, unknown>>;
  // Entries, not assignments: a field that is called __proto__ must stay a field.
  return Object.fromEntries(
    Object.keys(record)
      .sort()
      .map((key) => [key, sortFields(record[key], depth + 1)]),
  );
}
