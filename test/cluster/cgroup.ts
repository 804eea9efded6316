// The cgroup of a cluster's pods: its own, or the kubelet of one cluster would clean away the pods of another.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";
const REMOVE_EVERY_MS = 50;
const MAX_REMOVE_ATTEMPTS = 100;

/** Every hierarchy: the one of version 2; or each controller's of version 1, and in a mixture the one of version 2 besides. */
async function hierarchies(): Promise<string[]> {
  if (existsSync(join(ROOT, "cgroup.controllers"))) return [ROOT];
  const mounts = (await readFile("/proc/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  return mounts.flatMap(([, path, type]) =>
    (type === "cgroup" || type === "cgroup2") && path !== undefined ? [path] : [],
  );
}

export async function makeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const path = join(hierarchy, name);
    await mkdir(path, { recursive: true });
    if (hierarchy === ROOT) await delegateControllers(path);
  }
}

/** In version 2 a group may limit only what its parents pass on. */
async function delegateControllers(path: string): Promise<void> {
  for (const group of [ROOT, path]) {
    const controllers = (await readFile(join(group, "cgroup.controllers"), "utf8")).trim().split(" ");
    const words = controllers.filter((word) => word !== "").map((word) => `+${word}`);
    await writeFile(join(group, "cgroup.subtree_control"), words.join(" "));
  }
}

/** Removes the group and all below it, once the processes in it are gone. */
export async function removeCgroup(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, name));
}

async function removeTree(path: string): Promise<void> {
  if (!existsSync(path)) return;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(path, entry.name));
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await rmdir(path);
    } catch (error) {
      // Busy until the kernel has seen the end of the last process in it.
      if (attempt >= MAX_REMOVE_ATTEMPTS) throw error;
      await delay(REMOVE_EVERY_MS);
    }
  }
}
