// The help texts, made from the command table, so that they cannot lag behind it.
import type { CommandGroup } from "./arguments.ts";
import { type Command, GLOBAL_OPTIONS, type OptionTable } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** The overview: every command in one line. */
export function printOverview(terminal: Terminal, commands: readonly Command[]): void {
  terminal.print("beamline: routes work to providers over NATS, under policies.");
  terminal.print("");
  terminal.print(`${terminal.style("bold", "Usage:")} npx beamline COMMAND [FLAGS]`);
  terminal.print("");
  terminal.print(terminal.style("bold", "Commands:"));
  printPairs(
    terminal,
    commands.map((command) => [command.name, command.summary]),
  );
  printOptions(terminal, "Flags of every command:", GLOBAL_OPTIONS);
  terminal.print("");
  terminal.print(
    "Exit codes follow sysexits.h: 0 done, 1 problems found, 64 wrong flag, 65 wrong input, 66 no such thing,",
  );
  terminal.print(
    "69 server away, 70 defect, 71 process or port, 73 disk, 75 out of time, 77 no right, 78 wrong configuration.",
  );
}

/** What begins with one word, as `components`: its commands in one line each. */
export function printGroupHelp(terminal: Terminal, { name, commands }: CommandGroup): void {
  terminal.print(`${terminal.style("bold", "Usage:")} npx beamline ${name} COMMAND [FLAGS]`);
  terminal.print("");
  terminal.print(terminal.style("bold", "Commands:"));
  printPairs(
    terminal,
    commands.map((command) => [command.name, command.summary]),
  );
  terminal.print("");
  terminal.print(`See: npx beamline ${commands[0]?.name ?? name} --help`);
}

export function printCommandHelp(terminal: Terminal, command: Command): void {
  terminal.print(command.summary);
  terminal.print("");
  terminal.print(`${terminal.style("bold", "Usage:")} npx beamline ${command.name} ${command.usage}`.trimEnd());
  if (Object.keys(command.options).length > 0) printOptions(terminal, "Flags:", command.options);
  printOptions(terminal, "Flags of every command:", GLOBAL_OPTIONS);
  if (command.examples.length > 0) {
    terminal.print("");
    terminal.print(terminal.style("bold", "Examples:"));
    for (const example of command.examples) terminal.print(`  ${example}`);
  }
}

function printOptions(terminal: Terminal, heading: string, options: OptionTable): void {
  terminal.print("");
  terminal.print(terminal.style("bold", heading));
  const pairs = Object.entries(options).map(([name, option]): [string, string] => {
    const short = option.short === undefined ? "" : `-${option.short}, `;
    const value = option.type === "string" ? ` ${option.valueName ?? "TEXT"}` : "";
    return [`${short}--${name}${value}`, option.description];
  });
  printPairs(terminal, pairs);
}

function printPairs(terminal: Terminal, pairs: readonly (readonly [string, string])[]): void {
  const width = Math.max(0, ...pairs.map(([left]) => left.length));
  for (const [left, right] of pairs) terminal.print(`  ${left.padEnd(width)}  ${right}`);
}
