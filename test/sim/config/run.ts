// Runs a seed, and makes a failing run as short as it can be.
import { Random } from "../router/random.ts";
import type { Variant } from "./variants.ts";
import { World } from "./world.ts";

export interface Failure {
  readonly seed: number;
  readonly message: string;
  /** The choices that are left when no smaller part of them fails, and what they did. */
  readonly choices: readonly number[];
  readonly trace: readonly string[];
}

const MIN_STEPS = 40;
const MAX_STEPS = 120;
/** Share of the runs that begin with a system at rest: most faults need something to break. */
const SETTLED_STARTS = 0.5;
/** Runs that shrinking may take. */
const MAX_SHRINK_RUNS = 2_000;

/** Undefined when the seed holds. */
export async function runSeed(seed: number, variant: Variant): Promise<Failure | undefined> {
  const random = new Random(seed);
  const choices = Array.from({ length: random.between(MIN_STEPS, MAX_STEPS) }, () => random.next());
  const start: Start = { variant, settled: random.chance(SETTLED_STARTS) };
  const failed = await runChoices(choices, start);
  return failed === undefined ? undefined : { seed, ...(await shrink(choices, failed, start)) };
}

type Outcome = Pick<Failure, "message" | "trace">;

/** What a run begins with: nothing at all, or a system at rest. */
interface Start {
  readonly variant: Variant;
  readonly settled: boolean;
}

async function runChoices(choices: readonly number[], start: Start): Promise<Outcome | undefined> {
  const world = new World(start.variant);
  try {
    if (start.settled) await world.settle();
    for (const choice of choices) await world.step(choice);
    await world.settle();
    return undefined;
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), trace: world.trace };
  }
}

/** Leaves out ever smaller parts for as long as what remains still fails. */
async function shrink(
  choices: readonly number[],
  failed: Outcome,
  start: Start,
): Promise<Outcome & Pick<Failure, "choices">> {
  let best = { choices, ...failed };
  let runs = 0;
  for (let size = Math.ceil(choices.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best.choices.length && runs < MAX_SHRINK_RUNS; runs++) {
      const fewer = [...best.choices.slice(0, from), ...best.choices.slice(from + size)];
      const outcome = await runChoices(fewer, start);
      if (outcome === undefined) from += size;
      else best = { choices: fewer, ...outcome };
    }
  }
  return best;
}
