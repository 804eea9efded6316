// The registry on three replicas under a seeded schedule: lost, late and doubled messages, crashes, pauses, cuts, store restarts.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type Failure, runSeed } from "./run.ts";
import { REGISTRY, WRONG_VARIANTS } from "./variants.ts";

const SEEDS = Number(process.env.BEAMLINE_SIM_SEEDS ?? "10000");
const FIRST_SEED = Number(process.env.BEAMLINE_SIM_FIRST_SEED ?? "1");
/** A wrong variant must be found out within so many seeds. */
const WRONG_VARIANT_SEEDS = 4_000;

function describeFailure({ seed, message, trace }: Failure): string {
  return `seed ${seed}: ${message}\n  ${trace.join("\n  ")}\nagain: BEAMLINE_SIM_FIRST_SEED=${seed} BEAMLINE_SIM_SEEDS=1`;
}

describe("simulation of the registry", () => {
  it(`holds over ${SEEDS} seeds: nobody falsely lost, nobody dead kept, watchers see each transition once`, () => {
    assert.ok(Number.isSafeInteger(SEEDS) && SEEDS > 0, `BEAMLINE_SIM_SEEDS is ${process.env.BEAMLINE_SIM_SEEDS}`);
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const failure = runSeed(seed, REGISTRY);
      if (failure !== undefined) assert.fail(describeFailure(failure));
    }
  }).timeout(0);

  for (const variant of WRONG_VARIANTS) {
    it(`finds out that it is wrong when ${variant.name}`, () => {
      for (let seed = 1; seed <= WRONG_VARIANT_SEEDS; seed++) if (runSeed(seed, variant) !== undefined) return;
      assert.fail(`${WRONG_VARIANT_SEEDS} seeds did not show it`);
    }).timeout(0);
  }
});
