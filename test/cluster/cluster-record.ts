// What is remembered of a cluster on disk, so that a later command finds it, and removing one whatever is left of it.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { reasonOf } from "../../runtime/errors.ts";
import { removeCgroup } from "./cgroup.ts";
import { type ClusterLayout, clustersDir, layoutOf } from "./cluster-layout.ts";
import type { Progress } from "./executable.ts";
import { removeNetwork } from "./network.ts";
import { killRecorded, type ProcessRecord, recordProcess, stillRuns } from "./process-record.ts";

export interface ClusterRecord {
  /** Of the API server, from outside the cluster's network. */
  readonly url: string;
  readonly token: string;
  /** The process that the cluster shall not outlive; absent for one that stays until `down`. */
  readonly owner?: ProcessRecord;
  readonly processes: readonly ProcessRecord[];
}

export function writeRecord(layout: ClusterLayout, record: ClusterRecord): void {
  mkdirSync(dirname(layout.recordPath), { recursive: true });
  const partial = `${layout.recordPath}.partial`;
  writeFileSync(partial, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(partial, layout.recordPath);
}

/** Undefined when there is no cluster of that name. */
export function readRecord(layout: ClusterLayout): ClusterRecord | undefined {
  return existsSync(layout.recordPath) ? JSON.parse(readFileSync(layout.recordPath, "utf8")) : undefined;
}

export function addProcess(layout: ClusterLayout, name: string, pid: number): void {
  const record = readRecord(layout);
  if (record === undefined) throw new Error(`the cluster ${layout.name} has no record at ${layout.recordPath}`);
  writeRecord(layout, { ...record, processes: [...record.processes, recordProcess(name, pid)] });
}

/** Kills what runs and removes everything but the logs. Does nothing when there is nothing. */
export async function removeCluster(layout: ClusterLayout): Promise<void> {
  await killRecorded(readRecord(layout)?.processes ?? []);
  await removeNetwork(layout);
  await removeCgroup(layout.cgroup);
  await rm(layout.relaySocket, { force: true });
  await rm(layout.stateDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Removes clusters whose owner was killed before it could do so itself. */
export async function removeOrphans(progress: Progress): Promise<void> {
  for (const name of await clusterNames()) {
    const layout = layoutOf(name);
    const owner = readRecord(layout)?.owner;
    if (owner === undefined || stillRuns(owner)) continue;
    progress(`removing the cluster ${name}, which process ${owner.pid} left behind`);
    await removeCluster(layout).catch((error: unknown) => progress(`  it cannot be removed: ${reasonOf(error)}`));
  }
}

/** Of all clusters that have a record, running or not. */
export async function clusterNames(): Promise<string[]> {
  const directory = clustersDir();
  if (!existsSync(directory)) return [];
  const names = await readdir(directory);
  return names.filter((name) => existsSync(join(directory, name, "cluster.json"))).sort();
}
