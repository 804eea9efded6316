// One seed from plan to verdict, and the smallest plan that still fails.
import { checkWorld } from "./checker.ts";
import type { Plan } from "./plan.ts";
import { type Protocol, routerProtocol } from "./protocol.ts";
import { World } from "./world.ts";

/** Runs that shrinking may take. */
const MAX_SHRINK_RUNS = 400;

export interface Run {
  readonly world: World;
  /** Empty when all is right. */
  readonly violations: readonly string[];
}

export function runWorld(plan: Plan, protocol: Protocol = routerProtocol): Run {
  const world = new World(plan, protocol);
  try {
    world.run();
  } catch (thrown) {
    return { world, violations: [`the run threw: ${thrown instanceof Error ? thrown.stack : String(thrown)}`] };
  }
  return { world, violations: checkWorld(world) };
}

export function runPlan(plan: Plan, protocol: Protocol = routerProtocol): readonly string[] {
  return runWorld(plan, protocol).violations;
}

/** Drops events for as long as the run still fails. */
export function shrinkPlan(plan: Plan, protocol: Protocol = routerProtocol): Plan {
  let smallest = plan;
  let runs = 0;
  for (let index = 0; index < smallest.events.length && runs < MAX_SHRINK_RUNS; runs++) {
    const events = smallest.events.filter((_, at) => at !== index);
    if (runPlan({ ...smallest, events }, protocol).length > 0) {
      smallest = { ...smallest, events };
      index = 0;
    } else index += 1;
  }
  return smallest;
}

/** The report of a failing plan: how to repeat it, what is left of it when it is shrunk, and what is wrong. */
export function reportFailure(plan: Plan, protocol: Protocol = routerProtocol): string {
  const small = shrinkPlan(plan, protocol);
  const { replicas, replicated, weather } = small;
  return [
    `seed ${plan.seed} fails, with ${small.events.length} of its ${plan.events.length} events (BEAMLINE_SIM_SEED=${plan.seed} repeats it):`,
    JSON.stringify({ replicas, replicated, weather }),
    ...small.events.map((event) => `  ${JSON.stringify(event)}`),
    ...runPlan(small, protocol).map((violation) => `  -> ${violation}`),
  ].join("\n");
}
