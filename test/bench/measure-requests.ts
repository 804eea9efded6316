// Request/reply: the router beside a bare echo, and with keys beside an echo that stores one message first.
import { checkKeyedEffects } from "./check-outputs.ts";
import type { RunPlan } from "./measure-durable.ts";
import { keyedBody, unkeyedBody } from "./payload.ts";
import type { Programs, Responder } from "./programs.ts";
import { type RequestFigures, type RequestTarget, runRequests } from "./request-run.ts";
import type { World } from "./world.ts";

export interface RequestSeries {
  readonly name: string;
  readonly runs: RequestFigures[];
}

const WARM_UP_SHARE = 0.25;

/** Series in the order of the table: echo, router without key, storing echo, router with key. */
export async function measureRequests(world: World, programs: Programs, plan: RunPlan): Promise<RequestSeries[]> {
  const targets = requestTargets(world, programs);
  const series = targets.map(({ name }) => ({ name, runs: [] as RequestFigures[] }));
  const load = await world.connect("bench-load");
  for (let repetition = 0; repetition <= plan.repetitions; repetition++) {
    const isWarmUp = repetition === 0;
    const count = isWarmUp ? Math.ceil(plan.messages * WARM_UP_SHARE) : plan.messages;
    for (const [index, target] of targets.entries()) {
      const figures = await runRequests(world, load, target, plan.numbers.next, count);
      plan.numbers.next += count;
      const label = isWarmUp ? "warm-up" : `repetition ${repetition}`;
      plan.progress(`requests, ${target.name}, ${label}: ${Math.round(figures.perSecond)}/s`);
      if (!isWarmUp) series[index]?.runs.push(figures);
    }
  }
  await load.close();
  return series;
}

function requestTargets(world: World, { router, echo, storingEcho }: Programs): RequestTarget[] {
  const { names, manager } = world;
  const { assignments } = names.streams;
  return [
    { ...responderTarget("bare echo", echo), body: unkeyedBody },
    {
      name: "router, without key",
      pid: router.pid,
      subject: names.decideSubject,
      body: unkeyedBody,
      checkOutputs: () => checkCount(world, assignments, 0),
    },
    { ...responderTarget("bare echo that stores one message first", storingEcho), body: keyedBody },
    {
      name: "router, with key",
      pid: router.pid,
      subject: names.decideSubject,
      body: keyedBody,
      checkOutputs: async (_world, first, count) => {
        await checkKeyedEffects(world, first, count, "decided");
        await manager.streams.purge(assignments);
      },
    },
  ];
}

function responderTarget(name: string, { pid, subject, streams }: Responder): Omit<RequestTarget, "body"> {
  return {
    name,
    pid,
    subject,
    checkOutputs: async (world, _first, count) => {
      if (streams === undefined) return;
      await checkCount(world, streams.output.name, count);
      await world.manager.streams.purge(streams.output.name);
    },
  };
}

async function checkCount({ manager }: World, stream: string, expected: number): Promise<void> {
  const { messages } = (await manager.streams.info(stream)).state;
  if (messages !== expected) throw new Error(`${stream} holds ${messages} messages instead of ${expected}`);
}
