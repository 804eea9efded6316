// What a command is: its name, its flags, and a function from an invocation to an exit code.
import type { Terminal } from "./terminal.ts";

/** One flag, in the terms of `node:util` parseArgs plus what the help needs. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** The flag may be given several times. */
  readonly multiple?: boolean;
  readonly short?: string;
  /** What stands for the value in the help, such as `URL`. */
  readonly valueName?: string;
  readonly description: string;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;
export type OptionValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** A command line that was understood: flags (global ones too) and what is left. */
export interface Invocation {
  readonly values: OptionValues;
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths start from. */
  readonly cwd: string;
}

export interface Command {
  /** One or two words: `check`, `dlq list`. */
  readonly name: string;
  readonly summary: string;
  /** What follows the name in the usage line. */
  readonly usage: string;
  readonly options: OptionTable;
  readonly examples: readonly string[];
  /** Ends with an exit code; fails with a BeamlineError whose code decides it. */
  run(invocation: Invocation): Promise<number>;
}

/** Flags that every command takes. */
export const GLOBAL_OPTIONS: OptionTable = {
  output: { type: "string", short: "o", valueName: "FORMAT", description: "table (default), json or yaml" },
  color: { type: "string", valueName: "WHEN", description: "auto (default), always or never; NO_COLOR is honoured" },
  "nats-url": {
    type: "string",
    valueName: "URL",
    description:
      "NATS server; default: BEAMLINE_NATS_URL, else that of a running `beamline up`, else nats://127.0.0.1:4222",
  },
  "nats-credentials": {
    type: "string",
    valueName: "FILE",
    description:
      "NATS .creds file; default: BEAMLINE_NATS_CREDENTIALS_FILE, else what a running `beamline up` has for this",
  },
  "data-dir": { type: "string", valueName: "DIR", description: "data folder of `beamline up`; default: .beamline" },
  help: { type: "boolean", short: "h", description: "show the help of a command" },
};
