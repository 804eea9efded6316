// What the figures were measured on.
import { readFile } from "node:fs/promises";
import { cpus, release, totalmem, type } from "node:os";
import { testNatsServer } from "../support/nats.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly natsServer: string;
  /** Share of the machine's CPU time that the hypervisor gave to others since it started; undefined where it is not told. */
  readonly stealPercent: number | undefined;
}

const GIB = 1024 ** 3;
const STEAL_COLUMN = 8;

export async function describeMachine(): Promise<Machine> {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / GIB),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
    natsServer: (await testNatsServer()).version,
    stealPercent: await readSteal(),
  };
}

async function readSteal(): Promise<number | undefined> {
  const text = await readFile("/proc/stat", "utf8").catch(() => "");
  const columns = (text.split("\n")[0] ?? "").split(/\s+/);
  const times = columns.slice(1, STEAL_COLUMN + 1).map(Number);
  const total = times.reduce((sum, ticks) => sum + ticks, 0);
  const steal = times[STEAL_COLUMN - 1];
  return steal === undefined || total === 0 ? undefined : (100 * steal) / total;
}
