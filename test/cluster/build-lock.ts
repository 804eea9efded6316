// One build at a time on a machine: two that compile the same modules side by side take twice as long each.
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Progress } from "./executable.ts";
import { isAlive } from "./process-record.ts";

const LOOK_EVERY_MS = 250;

/**
 * Runs `work` while this process alone holds the file at `path`, which says who holds it. The lock of a process that has
 * died is taken over. Should two take over at the same instant, both build, which costs time and nothing else.
 */
export async function withBuildLock<T>(path: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let announced: number | undefined;
  while (!(await tryLock(path))) {
    const owner = await lockOwner(path);
    if (owner === undefined || !isAlive(owner)) {
      await rm(path, { force: true });
      continue;
    }
    if (announced !== owner) progress(`waiting for process ${owner}, which is building (${path})`);
    announced = owner;
    await delay(LOOK_EVERY_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** The process id in the lock; undefined when the lock has gone, or its owner died before writing. */
async function lockOwner(path: string): Promise<number | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  // Between its creation and its first byte the lock is somebody's who is about to write.
  const settled = text === "" ? await delay(LOOK_EVERY_MS).then(() => readFile(path, "utf8").catch(() => "")) : text;
  const owner = Number(settled);
  return Number.isInteger(owner) && owner > 0 ? owner : undefined;
}
