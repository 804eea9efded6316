// Temporary folders that are gone after the test.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new empty folder. Remove it in `after`, or hold it by `await using`. */
export async function makeTempDir(prefix = "beamline-test-"): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  // A process that was just killed may still be writing its last file.
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
