// Reads a command line: which command, which flags. Every mistake names the flag, the rule and the way out.
import { parseArgs } from "node:util";
import { suggestName } from "../core/policy/suggest.ts";
import { BeamlineError } from "../runtime/errors.ts";
import { type Command, GLOBAL_OPTIONS, type OptionTable, type OptionValues } from "./command.ts";

/** Commands that begin with the same word, such as `components`. */
export interface CommandGroup {
  readonly name: string;
  readonly commands: readonly Command[];
}

export interface ParsedLine {
  /** Absent when no command was named. */
  readonly command: Command | undefined;
  /** The commands of one group, such as `components`, whose help was asked for; there is no command then. */
  readonly group?: CommandGroup;
  readonly values: OptionValues;
  readonly positionals: readonly string[];
}

/** Throws USAGE_INVALID for an unknown command or flag, a flag without its value, or a value for a flag that takes none. */
export function parseCommandLine(args: readonly string[], commands: readonly Command[]): ParsedLine {
  const { command, group, rest } = findCommand(args, commands);
  const options: OptionTable = { ...GLOBAL_OPTIONS, ...command?.options };
  try {
    const parsed = parseArgs({ args: [...rest], options: nodeOptions(options), allowPositionals: true, strict: true });
    return {
      command,
      values: parsed.values,
      positionals: parsed.positionals,
      ...(group === undefined ? {} : { group }),
    };
  } catch (thrown) {
    throw usageError(thrown, options, command);
  }
}

/** The first words that are no flag name the command; flags may stand before and behind them. */
function findCommand(
  args: readonly string[],
  commands: readonly Command[],
): { command: Command | undefined; group?: CommandGroup; rest: string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: nodeOptions(GLOBAL_OPTIONS),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const words = tokens.filter((token) => token.kind === "positional").slice(0, 2);
  const first = words[0];
  if (first === undefined) return { command: undefined, rest: [...args] };
  const second = words[1];
  const twoWords = second === undefined ? undefined : `${first.value} ${second.value}`;
  const command =
    commands.find((candidate) => candidate.name === twoWords) ?? commands.find((c) => c.name === first.value);
  if (command === undefined) {
    const group = findGroup(first.value, commands);
    const helpWanted = tokens.some((token) => token.kind === "option" && token.name === "help");
    if (group === undefined || !helpWanted) throw unknownCommand(twoWords ?? first.value, group, commands);
    return { command, group, rest: [...args] };
  }
  const used = new Set([first.index, command.name === twoWords ? second?.index : undefined]);
  return { command, rest: args.filter((_, index) => !used.has(index)) };
}

export function findGroup(name: string, commands: readonly Command[]): CommandGroup | undefined {
  const members = commands.filter((command) => command.name.startsWith(`${name} `));
  return members.length === 0 ? undefined : { name, commands: members };
}

function unknownCommand(words: string, group: CommandGroup | undefined, commands: readonly Command[]): BeamlineError {
  if (group !== undefined) {
    const names = group.commands.map((command) => command.name).join(", ");
    const alone = words === group.name ? `"${words}" alone is not a command` : `"${words}" is not a command`;
    return new BeamlineError("USAGE_INVALID", alone, { hint: `Use one of: ${names}` });
  }
  const [name = ""] = words.split(" ");
  const names = commands.map((command) => command.name);
  const closest = suggestName(name, names);
  const hint = closest === undefined ? `Commands are: ${names.join(", ")}` : `Did you mean "${closest}"?`;
  return new BeamlineError("USAGE_INVALID", `unknown command "${name}"`, { hint });
}

function nodeOptions(
  options: OptionTable,
): Record<string, { type: "string" | "boolean"; multiple: boolean; short?: string }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false, short }]) => [
      name,
      short === undefined ? { type, multiple } : { type, multiple, short },
    ]),
  );
}

const UNKNOWN_OPTION = /^Unknown option '(-{1,2})([^']*)'/;

function usageError(thrown: unknown, options: OptionTable, command: Command | undefined): unknown {
  if (!(thrown instanceof TypeError) || !("code" in thrown) || !String(thrown.code).startsWith("ERR_PARSE_ARGS"))
    return thrown;
  const help = command === undefined ? "npx beamline help" : `npx beamline help ${command.name}`;
  const unknown = UNKNOWN_OPTION.exec(thrown.message);
  if (unknown === null) {
    const message = thrown.message.replace(/\s*\.?\s*$/, "").replaceAll(/\s+/g, " ");
    return new BeamlineError("USAGE_INVALID", message, { hint: `See: ${help}` });
  }
  const [, dashes = "--", name = ""] = unknown;
  const closest = suggestName(name, Object.keys(options));
  const hint = closest === undefined ? `See: ${help}` : `Did you mean --${closest}? See: ${help}`;
  return new BeamlineError("USAGE_INVALID", `unknown flag ${dashes}${name}`, { hint });
}
