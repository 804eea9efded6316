// From the words of a command line to an exit code: finds the command, runs it, and says what went wrong.
import type { Readable, Writable } from "node:stream";
import { BeamlineError, describeError, exitCodeOf } from "../runtime/errors.ts";
import { parseCommandLine } from "./arguments.ts";
import type { Command, OptionValues } from "./command.ts";
import { apiKeyCreateCommand, apiKeyListCommand, apiKeyRevokeCommand } from "./commands/api-key.ts";
import { checkCommand } from "./commands/check.ts";
import { componentsGetCommand, componentsListCommand, componentsUnregisterCommand } from "./commands/components.ts";
import { componentsWatchCommand } from "./commands/components-watch.ts";
import { decideCommand } from "./commands/decide.ts";
import { dlqListCommand } from "./commands/dlq-list.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { createHelpCommand } from "./commands/help.ts";
import { natsAccountsCommand } from "./commands/nats-accounts.ts";
import { statusCommand } from "./commands/status.ts";
import { upCommand } from "./commands/up.ts";
import { versionCommand } from "./commands/version.ts";
import { choiceOption, flagOption } from "./option-values.ts";
import { createTerminal, type Terminal, wantsColor } from "./terminal.ts";
import { printCommandHelp, printGroupHelp, printOverview } from "./usage.ts";

/** What surrounds a command: the process's own streams, or those of a test. */
export interface CommandLineHost {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const WORK_COMMANDS: readonly Command[] = [
  upCommand,
  checkCommand,
  decideCommand,
  statusCommand,
  componentsListCommand,
  componentsGetCommand,
  componentsWatchCommand,
  componentsUnregisterCommand,
  dlqListCommand,
  doctorCommand,
  natsAccountsCommand,
  apiKeyCreateCommand,
  apiKeyListCommand,
  apiKeyRevokeCommand,
  versionCommand,
];
const COMMANDS: readonly Command[] = [...WORK_COMMANDS, createHelpCommand(WORK_COMMANDS)];

/** Runs `beamline` with these arguments; never throws: what goes wrong is written to stderr and told by the exit code. */
export async function runCommandLine(args: readonly string[], host: CommandLineHost): Promise<number> {
  let terminal = hostTerminal(host, {});
  try {
    const line = parseCommandLine(args, COMMANDS);
    terminal = hostTerminal(host, line.values);
    if (line.group !== undefined) {
      printGroupHelp(terminal, line.group);
      return 0;
    }
    if (line.command === undefined) {
      printOverview(terminal, COMMANDS);
      return flagOption(line.values, "help") ? 0 : exitCodeOf(new BeamlineError("USAGE_INVALID", "no command"));
    }
    if (flagOption(line.values, "help")) {
      printCommandHelp(terminal, line.command);
      return 0;
    }
    const { values, positionals } = line;
    return await line.command.run({ values, positionals, terminal, env: host.env, cwd: host.cwd });
  } catch (thrown) {
    terminal.note(describeError(thrown), "red");
    return exitCodeOf(thrown);
  }
}

function hostTerminal(host: CommandLineHost, values: OptionValues): Terminal {
  const { stdout, stderr } = host;
  const output = choiceOption(values, "output", ["table", "json", "yaml"], "table");
  const when = choiceOption(values, "color", ["auto", "always", "never"], "auto");
  const color = { stdout: wantsColor(when, stdout, host.env), stderr: wantsColor(when, stderr, host.env) };
  if (output === "table") return createTerminal({ stdout, stderr, format: "table", color });
  return createTerminal({ stdout, stderr, format: "json", dataFormat: output, color });
}
