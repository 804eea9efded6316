// Plain aligned columns: a heading, rows, two spaces between, nothing after the last cell.
import { stripVTControlCharacters } from "node:util";

export interface Table {
  readonly columns: readonly string[];
  /** Cells by column; colour codes do not count as width. */
  readonly rows: readonly (readonly string[])[];
}

const GAP = "  ";

/** The lines of a table. A line break within a cell becomes a space, so that one row stays one line. */
export function formatTable(table: Table): string[] {
  const lines = [table.columns.map((name) => name.toUpperCase()), ...table.rows.map((row) => row.map(onOneLine))];
  const widths = table.columns.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ""))));
  return lines.map((line) => formatRow(line, widths));
}

/** One line, each cell filled up to the width of its column; a cell that is longer moves what follows. */
export function formatRow(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
    .join(GAP)
    .trimEnd();
}

function onOneLine(cell: string): string {
  return cell.replaceAll(/\s*[\r\n]+\s*/g, " ");
}

function widthOf(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}
