// `beamline help`: what there is, and how one command is used.
import { BeamlineError } from "../../runtime/errors.ts";
import { findGroup } from "../arguments.ts";
import type { Command } from "../command.ts";
import { printCommandHelp, printGroupHelp, printOverview } from "../usage.ts";

/** The help over these commands; it lists itself last. */
export function createHelpCommand(commands: readonly Command[]): Command {
  const help: Command = {
    name: "help",
    summary: "Show what there is, or how one command is used",
    usage: "[COMMAND]",
    options: {},
    examples: ["npx beamline help decide"],
    run: async ({ positionals, terminal }) => {
      const name = positionals.join(" ");
      if (name === "") {
        printOverview(terminal, [...commands, help]);
        return 0;
      }
      const command = [...commands, help].find((candidate) => candidate.name === name);
      const group = command === undefined ? findGroup(name, commands) : undefined;
      if (group !== undefined) {
        printGroupHelp(terminal, group);
        return 0;
      }
      if (command === undefined) {
        const names = commands.map((candidate) => candidate.name).join(", ");
        throw new BeamlineError("USAGE_INVALID", `unknown command "${name}"`, { hint: `Commands are: ${names}` });
      }
      printCommandHelp(terminal, command);
      return 0;
    },
  };
  return help;
}
