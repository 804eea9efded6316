// The router's memory over many messages: slice after slice through one process, its resident set after each.
import { checkStreamEffects } from "./check-outputs.ts";
import { runDrain } from "./drain-run.ts";
import { type RunPlan, routerTarget } from "./measure-durable.ts";
import { unkeyedBody } from "./payload.ts";
import { readResidentMiB } from "./process-usage.ts";
import type { Programs } from "./programs.ts";
import type { World } from "./world.ts";

export interface MemorySample {
  /** Messages handled so far in this measurement. */
  readonly messages: number;
  readonly residentMiB: number;
}

const SLICES = 10;

/** Samples before the first and after each of ten slices. */
export async function measureMemory(
  world: World,
  programs: Programs,
  plan: RunPlan,
  messages: number,
): Promise<MemorySample[]> {
  const target = {
    ...routerTarget(world, programs),
    name: "router",
    body: unkeyedBody,
    checkOutputs: (_world: World, _first: number, sequences: readonly number[]) => checkStreamEffects(world, sequences),
  };
  const samples = [{ messages: 0, residentMiB: await readResidentMiB(target.pid) }];
  const slice = Math.ceil(messages / SLICES);
  for (let done = slice; done <= slice * SLICES; done += slice) {
    await runDrain(world, target, plan.numbers.next, slice);
    plan.numbers.next += slice;
    samples.push({ messages: done, residentMiB: await readResidentMiB(target.pid) });
    plan.progress(`memory after ${done} messages: ${Math.round(samples.at(-1)?.residentMiB ?? 0)} MiB`);
  }
  return samples;
}
