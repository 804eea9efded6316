// Durable messages: the router beside the bare loop and the idiomatic loop, one after the other in each repetition.
import { checkForwarded, checkKeyedEffects, checkStreamEffects } from "./check-outputs.ts";
import { type DrainTarget, type Figures, runDrain } from "./drain-run.ts";
import { BENCH_TENANT, keyedBody, unkeyedBody } from "./payload.ts";
import type { Loop, Programs } from "./programs.ts";
import type { World } from "./world.ts";

/** Figures of one variant, one entry a repetition. */
export interface Series {
  readonly name: string;
  readonly runs: Figures[];
}

export interface RunPlan {
  readonly messages: number;
  readonly repetitions: number;
  /** Number of the first message that was not used yet; no number is used twice in a benchmark. */
  readonly numbers: { next: number };
  readonly progress: (line: string) => void;
}

/** A shorter repetition before the measured ones: the programs' code is compiled then. */
const WARM_UP_SHARE = 0.25;

/** Series in the order of the table; the first is the reference. */
export async function measureDurable(world: World, programs: Programs, plan: RunPlan): Promise<Series[]> {
  const targets = durableTargets(world, programs);
  const series = targets.map(({ name }) => ({ name, runs: [] as Figures[] }));
  for (let repetition = 0; repetition <= plan.repetitions; repetition++) {
    const isWarmUp = repetition === 0;
    const count = isWarmUp ? Math.ceil(plan.messages * WARM_UP_SHARE) : plan.messages;
    for (const [index, target] of targets.entries()) {
      const figures = await runDrain(world, target, plan.numbers.next, count);
      plan.numbers.next += count;
      const label = isWarmUp ? "warm-up" : `repetition ${repetition}`;
      plan.progress(`durable, ${target.name}, ${label}: ${Math.round(figures.perSecond)}/s`);
      if (!isWarmUp) series[index]?.runs.push(figures);
    }
  }
  return series;
}

function durableTargets(world: World, programs: Programs): DrainTarget[] {
  return [
    loopTarget("bare loop", programs.bare),
    loopTarget("bare loop, input stream with limits retention", programs.bareOnLimits),
    loopTarget("bare loop that stores claims of an assignment's size", programs.claiming),
    loopTarget("idiomatic loop", programs.idiomatic),
    {
      ...routerTarget(world, programs),
      name: "router, without key",
      body: unkeyedBody,
      checkOutputs: (_world, _first, sequences) => checkStreamEffects(world, sequences),
    },
    {
      ...routerTarget(world, programs),
      name: "router, with key",
      body: keyedBody,
      checkOutputs: (_world, first, sequences) => checkKeyedEffects(world, first, sequences.length, "assignment"),
    },
  ];
}

/** The router's side of a durable run. */
export function routerTarget({ names }: World, { router }: Pick<Programs, "router">) {
  return {
    pid: router.pid,
    submitSubject: names.submitPattern.replace("*", BENCH_TENANT),
    stream: names.streams.submit,
    consumer: names.consumers.decide,
    outputStream: names.streams.assignments,
  };
}

function loopTarget(name: string, { pid, streams }: Loop): DrainTarget {
  return {
    name,
    pid,
    submitSubject: streams.submitSubject,
    stream: streams.input.name,
    consumer: streams.consumer.durableName,
    outputStream: streams.output.name,
    body: unkeyedBody,
    checkOutputs: (world, first, sequences) => checkForwarded(world, streams.output.name, first, sequences.length),
  };
}
