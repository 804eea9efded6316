// The file of API keys as commands change it: for its owner's eyes only, and replaced whole.
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type ApiKey, formatApiKeys, parseApiKeys } from "../core/trust/api-keys.ts";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import type { Invocation, OptionTable, OptionValues } from "./command.ts";
import { dataDirOf } from "./endpoints.ts";
import { textOption } from "./option-values.ts";

const DEFAULT_FILE = "api-keys";
const OWNER_ONLY = 0o600;

export const API_KEY_FILE_OPTION: OptionTable = {
  file: { type: "string", valueName: "FILE", description: "file of the keys; default: api-keys in the data folder" },
};

export function apiKeyFileOf(invocation: Invocation): string {
  const named = textOption(invocation.values, "file");
  return named === undefined ? apiKeyFileIn(dataDirOf(invocation)) : resolve(invocation.cwd, named);
}

/** The flag that names the same file again in a command that a hint shows. */
export function apiKeyFlag(values: OptionValues): string {
  const named = textOption(values, "file");
  return named === undefined ? "" : ` --file ${named}`;
}

export function apiKeyFileIn(dataDir: string): string {
  return join(dataDir, DEFAULT_FILE);
}

/** None when there is no such file. */
export async function readApiKeys(file: string): Promise<ApiKey[]> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new BeamlineError("INPUT_MISSING", `${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  });
  const parsed = parseApiKeys(text);
  if (parsed.ok) return parsed.value;
  throw new BeamlineError("INPUT_INVALID", `${file}: ${parsed.error}`, { hint: "Correct that line by hand." });
}

/** Writes what `change` makes of the keys. Two commands at once do not lose each other's change: the second one fails. */
export async function changeApiKeys(file: string, change: (keys: ApiKey[]) => ApiKey[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.new`;
  await using handle = await open(temporary, "wx", OWNER_ONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST")
      throw new BeamlineError("STORAGE_READ_ONLY", `${temporary}: ${reasonOf(error)}`, { cause: error });
    throw new BeamlineError("UNAVAILABLE", `${temporary} exists: another command is changing the keys`, {
      hint: "Try again; delete that file when no such command runs.",
    });
  });
  try {
    await handle.writeFile(formatApiKeys(change(await readApiKeys(file))));
    await handle.sync();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
