// Where a command writes: results on stdout as a table or as JSON, everything else on stderr.
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { formatTable, type Table } from "./table.ts";

export type OutputFormat = "table" | "json";
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Terminal {
  readonly format: OutputFormat;
  /** A line of the result, on stdout; not in JSON mode, where stdout carries one JSON value and nothing else. */
  print(line: string): void;
  /** The result as one JSON value, on stdout. */
  printJson(value: unknown): void;
  printTable(table: Table): void;
  /** A remark, progress or an error, on stderr. */
  note(line: string, style?: Style): void;
  /** Text for `print` in this style, where stdout shows styles. */
  style(style: Style, text: string): string;
}

export interface TerminalOptions {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly format: OutputFormat;
  /** Whether each of the two streams shows colours. */
  readonly color: { readonly stdout: boolean; readonly stderr: boolean };
}

const JSON_INDENT = 2;

export function createTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, format, color } = options;
  const print = (line: string): void => {
    stdout.write(`${line}\n`);
  };
  return {
    format,
    print,
    printJson: (value) => print(JSON.stringify(value, null, JSON_INDENT)),
    printTable: (table) => {
      for (const line of formatTable(table)) print(line);
    },
    note: (line, style) => {
      stderr.write(`${style !== undefined && color.stderr ? paint(style, line) : line}\n`);
    },
    style: (style, text) => (color.stdout ? paint(style, text) : text),
  };
}

function paint(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}

/** Whether to colour: `always` and `never` decide; `auto` asks the stream and the NO_COLOR convention (no-color.org). */
export function wantsColor(
  when: "auto" | "always" | "never",
  stream: Writable & { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (when !== "auto") return when === "always";
  return stream.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}
