// Runs one seed.
import type { Variant } from "./variants.ts";
import { World } from "./world.ts";

export interface Failure {
  readonly seed: number;
  readonly message: string;
  readonly trace: readonly string[];
}

/** Undefined when the seed holds. */
export function runSeed(seed: number, variant: Variant): Failure | undefined {
  const world = new World(seed, variant);
  try {
    world.run();
    return undefined;
  } catch (error) {
    return { seed, message: error instanceof Error ? error.message : String(error), trace: world.trace };
  }
}
