// The process of a container, as this machine sees it: the node's processes are its own.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The process with `variable` in its environment, by which a pod tells its containers who they are. */
export async function processWith(variable: string, value: string): Promise<number> {
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(join("/proc", entry, "environ"), "utf8").catch(() => "");
    if (environment.split("\0").includes(`${variable}=${value}`)) return Number(entry);
  }
  throw new Error(`no process has ${variable}=${value}`);
}
