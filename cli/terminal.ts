// Where a command writes: results on stdout as a table or as data in JSON or YAML, everything else on stderr.
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { stringify } from "yaml";
import { formatTable, type Table } from "./table.ts";

/** For people, or as data for programs. */
export type OutputFormat = "table" | "json";
/** How data is written. */
export type DataFormat = "json" | "yaml";
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface Terminal {
  readonly format: OutputFormat;
  /** A line of the result, on stdout; not in JSON mode, where stdout carries one JSON value and nothing else. */
  print(line: string): void;
  /** The result as one JSON value, on stdout; in YAML where that was asked for. */
  printJson(value: unknown): void;
  /** One of several results: a line of JSON, or a YAML document. */
  printJsonItem(value: unknown): void;
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
  /** JSON when absent. */
  readonly dataFormat?: DataFormat;
  /** Whether each of the two streams shows colours. */
  readonly color: { readonly stdout: boolean; readonly stderr: boolean };
}

const JSON_INDENT = 2;

export function createTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, format, dataFormat = "json", color } = options;
  const print = (line: string): void => {
    stdout.write(`${line}\n`);
  };
  return {
    format,
    print,
    printJson: (value) =>
      print(dataFormat === "yaml" ? stringify(value).trimEnd() : JSON.stringify(value, null, JSON_INDENT)),
    printJsonItem: (value) =>
      print(dataFormat === "yaml" ? `---\n${stringify(value).trimEnd()}` : JSON.stringify(value)),
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
