// The frame of a process's main file: configuration in, exit code out, every error one message for a person.
import { prefixProblem } from "../core/handover/subjects.ts";
import { type Config, type ConfigDefinition, formatConfigProblems, parseConfig } from "./config.ts";
import { BeamlineError, describeError, exitCodeOf } from "./errors.ts";
import { exitWhenParentEnds } from "./lifecycle.ts";

/** Settings that processes of Beamline have in common; one that serves many buses has no prefix. */
export interface ProcessSettings {
  readonly subjectsPrefix?: string | undefined;
  readonly parentPipe: boolean;
}

export interface ProcessMain<D extends ConfigDefinition> {
  readonly definition: D;
  /** Variables that this process only passes on. */
  readonly alsoKnown?: readonly string[];
  /** Runs until it is told to stop; resolves to the exit code. */
  run(config: Config<D>): Promise<number>;
}

/** Never returns: reads the configuration from the environment, runs, and ends the process. */
export async function runProcess<D extends ConfigDefinition>(
  main: ProcessMain<D> & (Config<D> extends ProcessSettings ? unknown : never),
): Promise<never> {
  try {
    const config = readConfig(main);
    if (config.parentPipe) exitWhenParentEnds(process.stdin);
    process.exitCode = await main.run(config);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
  // Timers and sockets of libraries must not keep a stopped process alive.
  process.exit();
}

function readConfig<D extends ConfigDefinition>(main: ProcessMain<D>): Config<D> & ProcessSettings {
  const parsed = parseConfig(main.definition, process.env, main.alsoKnown);
  if (!parsed.ok) throw new BeamlineError("CONFIG_INVALID", formatConfigProblems(parsed.error));
  // The type of `runProcess` asks for these settings in the definition.
  const config = parsed.value as Config<D> & ProcessSettings;
  const { subjectsPrefix: prefix } = config;
  const problem = prefix === undefined ? undefined : prefixProblem(prefix);
  if (problem === undefined) return config;
  throw new BeamlineError("CONFIG_INVALID", `BEAMLINE_SUBJECTS_PREFIX: "${prefix}" ${problem}`);
}
