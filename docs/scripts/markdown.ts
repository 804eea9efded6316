// Markdown tables from rows of text.

/** A cell: text that may hold `code` and links; line breaks and bars are made safe. */
export type Cell = string;

export function code(text: string): Cell {
  return `\`${text}\``;
}

/** Several names in one cell. */
export function codes(texts: Iterable<string>): Cell {
  return [...texts].map(code).join(", ");
}

function escapeCell(text: Cell): string {
  return text.replaceAll("\n", " ").replaceAll("|", "\\|").trim();
}

/** Throws when a row has another number of cells than the header: that is a bug in the caller. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, header.map(() => "---"), ...rows].map((row) => {
    if (row.length !== header.length)
      throw new Error(`a row of ${row.length} cells under a header of ${header.length}: ${row.join(" | ")}`);
    return `| ${row.map(escapeCell).join(" | ")} |`;
  });
  return lines.join("\n");
}

const SECOND_MS = 1000;
const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [24 * 60 * 60 * SECOND_MS, "d"],
  [60 * 60 * SECOND_MS, "h"],
  [60 * SECOND_MS, "min"],
  [SECOND_MS, "s"],
];

/** `900000` -> `15 min`. */
export function duration(ms: number): Cell {
  for (const [size, name] of UNITS) if (ms >= size && ms % size === 0) return `${ms / size} ${name}`;
  return `${ms} ms`;
}

/** `4000000` -> `4,000,000`. */
export function count(value: number): Cell {
  return value.toLocaleString("en-US");
}
