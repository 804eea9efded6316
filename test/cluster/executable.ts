// Programs that the machine has: looked for on PATH, never started here.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;
/** Told about everything that takes longer than a second. */
export type Progress = (line: string) => void;

/** Directories of PATH that are looked into. */
const MAX_PATH_ENTRIES = 256;

/** The first executable of that name on PATH, then in `extraDirectories` (system folders that PATH of a user may lack). */
export async function findOnPath(
  name: string,
  environment: Environment = process.env,
  extraDirectories: readonly string[] = [],
): Promise<string | undefined> {
  const onPath = (environment.PATH ?? "").split(delimiter).filter((path) => path !== "");
  for (const directory of [...onPath.slice(0, MAX_PATH_ENTRIES), ...extraDirectories]) {
    const path = join(directory, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
