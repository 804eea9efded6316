// Reads the fields of an entry that somebody else wrote: undefined for whatever is not as it should be.

export type Fields = Readonly<Record<string, unknown>>;

export function readText(fields: Fields, name: string, maxChars: number): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value.length <= maxChars ? value : undefined;
}

/** A finite number that is not negative: a time in milliseconds, say. */
export function readAmount(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** A whole number from 1 to `max`. */
export function readCount(fields: Fields, name: string, max: number): number | undefined {
  const value = fields[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= max ? value : undefined;
}

export function readOneOf<T extends string>(fields: Fields, name: string, known: readonly T[]): T | undefined {
  const value = fields[name];
  return known.find((one) => one === value);
}

export function readTexts(
  fields: Fields,
  name: string,
  bounds: { readonly maxEntries: number; readonly maxChars: number },
): readonly string[] | undefined {
  const value = fields[name];
  if (!Array.isArray(value) || value.length > bounds.maxEntries) return undefined;
  const isText = (entry: unknown): entry is string => typeof entry === "string" && entry.length <= bounds.maxChars;
  return value.every(isText) ? value : undefined;
}

export function readObject(fields: Fields, name: string): Fields | undefined {
  return asFields(fields[name]);
}

export function asFields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function readTextMap(fields: Fields, name: string): Readonly<Record<string, string>> | undefined {
  const value = readObject(fields, name);
  if (value === undefined) return undefined;
  return Object.values(value).every((entry) => typeof entry === "string")
    ? (value as Readonly<Record<string, string>>)
    : undefined;
}
