// What counts as present: an empty text is an absent one, and absent fields are left out rather than undefined.

/** The text of a field, or undefined when it is absent, empty, or no text. */
export function presentText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without the keys whose value is undefined. */
export function presentOnly<T extends object>(fields: T): Present<T> {
  const present: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    const value = fields[key as keyof T];
    if (value !== undefined) present[key] = value;
  }
  return present as Present<T>;
}
