// The API keys of a control plane on this machine: made once, one for its owner and one for the worker that `up` runs.
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ApiKey, ApiKeyRole } from "../core/trust/api-keys.ts";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import { apiKeyFileIn, changeApiKeys, readApiKeys } from "./api-key-file.ts";
import { apiKeyDigest, newApiKey } from "./api-key-text.ts";

export interface ControlPlaneKeys {
  /** The file of digests, which `beamline api-key` changes. */
  readonly keysFile: string;
  /** Files with the text of a key, readable by their owner alone. */
  readonly ownerKeyFile: string;
  readonly workerKeyFile: string;
  /** The owner's key, when it was made now: to be shown once. */
  readonly newOwnerKey: string | undefined;
}

const FOLDER = "control-plane";
const OWNER_ONLY = 0o600;
const FOLDER_MODE = 0o700;

/** Those that are there stay valid. Throws a BeamlineError for a folder or a file that cannot be used. */
export async function prepareControlPlaneKeys(dataDir: string): Promise<ControlPlaneKeys> {
  const keysFile = apiKeyFileIn(dataDir);
  const folder = join(dataDir, FOLDER);
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const ownerKeyFile = join(folder, "owner.key");
  const workerKeyFile = join(folder, "worker.key");
  const newOwnerKey = await prepareKey(keysFile, ownerKeyFile, { name: "owner", role: "admin" });
  await prepareKey(keysFile, workerKeyFile, { name: "worker", role: "component" });
  return { keysFile, ownerKeyFile, workerKeyFile, newOwnerKey };
}

/** The key's text when it was made now. One that was revoked is made anew: `up` could not call its own control plane. */
async function prepareKey(
  keysFile: string,
  textFile: string,
  { name, role }: { readonly name: string; readonly role: ApiKeyRole },
): Promise<string | undefined> {
  const keys = await readApiKeys(keysFile);
  const standing = await readIfThere(textFile);
  if (standing !== undefined && keys.some((key) => isKey(key, name, standing))) return undefined;
  const text = newApiKey();
  const temporary = `${textFile}.new`;
  await writeFile(temporary, `${text}\n`, { mode: OWNER_ONLY });
  const digest = apiKeyDigest(text);
  await changeApiKeys(keysFile, (all) => [...all.filter((key) => key.name !== name), { name, role, digest }]);
  await rename(temporary, textFile);
  return text;
}

function isKey(key: ApiKey, name: string, text: string): boolean {
  return key.name === name && key.digest === apiKeyDigest(text);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new BeamlineError("PERMISSION_DENIED", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}
