// The identity of one installation's operator, kept in its state folder: a restarted process is the same instance.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { LeaseHolder } from "../core/reconcile/router.ts";
import { isGone } from "./source/files/scan-folder.ts";
import { storageError } from "./source/files/status-file.ts";

export const INSTANCE_FILE = "instance";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Reads it, or makes it at the first start. Throws STORAGE_FULL, STORAGE_READ_ONLY or PERMISSION_DENIED. */
export async function readInstance(stateDir: string): Promise<LeaseHolder> {
  const path = join(stateDir, INSTANCE_FILE);
  try {
    const instance = (await readIfThere(path)) ?? (await createInstance(stateDir, path));
    return { instance, host: hostname(), pid: process.pid };
  } catch (error) {
    throw storageError("instance", path, error);
  }
}

/** Undefined also for a file that was cut short: a new identity costs no more than the wait for the old one's lease. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, "utf8")).trim();
    return UUID.test(text) ? text : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function createInstance(stateDir: string, path: string): Promise<string> {
  const instance = randomUUID();
  await mkdir(stateDir, { recursive: true });
  await writeFile(`${path}.next`, `${instance}\n`, { mode: 0o600 });
  await rename(`${path}.next`, path);
  return instance;
}
