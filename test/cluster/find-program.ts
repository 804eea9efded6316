// Where a program of the test cluster is on this machine: in KUBEBUILDER_ASSETS, in the cache, or built into it now.
import { join } from "node:path";
import { defaultCacheDir } from "../../cli/nats-server.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { buildProgram } from "./build-program.ts";
import { type Environment, findOnPath, isExecutable, type Progress } from "./executable.ts";
import { PROGRAMS, type ProgramName } from "./programs.ts";

export interface FindProgramOptions {
  readonly progress: Progress;
  readonly environment?: Environment;
}

/** `<cache>/bin/<name>/<version>/<name>`: versions live side by side, so a checkout of another one rebuilds nothing. */
export function cachedProgramPath(name: ProgramName, environment: Environment): string {
  return join(defaultCacheDir(environment), "bin", name, PROGRAMS[name].version, name);
}

/** The program without building anything; undefined when it would have to be built. */
export async function locateProgram(
  name: ProgramName,
  environment: Environment = process.env,
): Promise<string | undefined> {
  const assets = environment.KUBEBUILDER_ASSETS;
  const places = [
    ...(assets === undefined || assets === "" ? [] : [join(assets, name)]),
    cachedProgramPath(name, environment),
  ];
  for (const path of places) if (await isExecutable(path)) return path;
  return undefined;
}

/**
 * The path of a program that can be run: from KUBEBUILDER_ASSETS (whatever its version: whoever sets it chose it), else from
 * the cache, else built. Throws BeamlineError UNAVAILABLE when it is nowhere and cannot be built, PROCESS_FAILED when the
 * build fails.
 */
export async function findProgram(name: ProgramName, options: FindProgramOptions): Promise<string> {
  const environment = options.environment ?? process.env;
  const located = await locateProgram(name, environment);
  if (located !== undefined) return located;
  const target = cachedProgramPath(name, environment);
  if ((await findOnPath("go", environment)) === undefined) {
    const { version } = PROGRAMS[name];
    throw new BeamlineError("UNAVAILABLE", `${name} ${version} is not at ${target}, and there is no Go to build it`, {
      hint: "Install Go (https://go.dev/dl/), or name a folder that holds the program in KUBEBUILDER_ASSETS.",
    });
  }
  await buildProgram(name, { target, environment, progress: options.progress });
  return target;
}

/** kubectl or helm as the machine has it, for what any version can do; else the one that is built. */
export async function findClient(name: "kubectl" | "helm", options: FindProgramOptions): Promise<string> {
  return (await findOnPath(name)) ?? (await findProgram(name, options));
}

/** Several programs, one after another because the builds share one cache; the result has the names as keys. */
export async function findPrograms<Name extends ProgramName>(
  names: readonly Name[],
  options: FindProgramOptions,
): Promise<Readonly<Record<Name, string>>> {
  const entries: [Name, string][] = [];
  for (const name of names) entries.push([name, await findProgram(name, options)]);
  return Object.fromEntries(entries) as Record<Name, string>;
}
