// Whether a folder can hold streams, found out before the server is started, because its own words come late and differ.
import { randomBytes } from "node:crypto";
import { mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";

/** Less than this free and the first streams and their indexes would not fit. */
export const MINIMUM_FREE_BYTES = 16 * 1024 * 1024;
const PROBE_BYTES = 4096;
const MIB = 1024 * 1024;

/** Makes the folder and writes a little into it. Throws BeamlineError STORAGE_FULL, STORAGE_READ_ONLY or CONFIG_INVALID. */
export async function checkDataDir(dataDir: string): Promise<void> {
  const probe = join(dataDir, `.probe-${randomBytes(4).toString("hex")}`);
  try {
    await mkdir(dataDir, { recursive: true });
    await writeFile(probe, randomBytes(PROBE_BYTES), { flag: "wx" });
  } catch (error) {
    throw storageError(dataDir, error);
  } finally {
    // Absent when writing failed, which is reported above; what cannot be removed is 4 KiB.
    await rm(probe, { force: true }).catch(() => undefined);
  }
  const { bavail, bsize } = await statfs(dataDir);
  const freeBytes = bavail * bsize;
  if (freeBytes >= MINIMUM_FREE_BYTES) return;
  const free = `${(freeBytes / MIB).toFixed(1)} MiB`;
  throw full(dataDir, `has ${free} free; at least ${MINIMUM_FREE_BYTES / MIB} MiB are needed`);
}

function storageError(dataDir: string, error: unknown): BeamlineError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return full(dataDir, "is full", error);
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new BeamlineError("STORAGE_READ_ONLY", `data folder ${dataDir} cannot be written to (${String(code)})`, {
        hint: "Choose a folder that this user can write to, or mount it writable.",
        cause: error,
      });
    default:
      return new BeamlineError("CONFIG_INVALID", `data folder ${dataDir} cannot be used: ${reasonOf(error)}`, {
        hint: "Name a folder, or a path where one can be made.",
        cause: error,
      });
  }
}

function full(dataDir: string, state: string, cause?: unknown): BeamlineError {
  return new BeamlineError("STORAGE_FULL", `data folder ${dataDir} ${state}`, {
    hint: "Free space there or choose another data folder.",
    cause,
  });
}
