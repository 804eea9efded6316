// The router's handling under a seeded scheduler: crashes, stops, losses, delays and redeliveries at every effect,
// policies that change in between, several replicas. BEAMLINE_SIM_SEEDS runs more seeds, BEAMLINE_SIM_SEED one of
// them.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { makePlan } from "./plan.ts";
import { reportFailure, runPlan, runWorld, shrinkPlan } from "./run.ts";
import { SITUATIONS, type Situation, situationsOf } from "./situations.ts";
import { WRONG_ORDERS } from "./wrong-orders.ts";
import { WRONG_STEPS } from "./wrong-steps.ts";

const DEFAULT_SEEDS = 10_000;
/** A wrong order must be found within this many seeds. */
const WRONG_ORDER_SEEDS = 2_000;
const REPEATED_SEEDS = 50;

const only = process.env.BEAMLINE_SIM_SEED;
const seeds = Number(process.env.BEAMLINE_SIM_SEEDS ?? DEFAULT_SEEDS);

describe("router simulation", () => {
  if (only !== undefined) {
    it(`seed ${only}`, () => {
      const plan = makePlan(Number(only));
      if (runPlan(plan).length > 0) assert.fail(reportFailure(plan));
    });
    return;
  }

  const met = new Set<Situation>();

  it(`loses nothing, does nothing twice and answers what stands, over ${seeds} seeds`, () => {
    assert.ok(Number.isSafeInteger(seeds) && seeds > 0, `BEAMLINE_SIM_SEEDS is ${process.env.BEAMLINE_SIM_SEEDS}`);
    for (let seed = 1; seed <= seeds; seed++) {
      const plan = makePlan(seed);
      const { world, violations } = runWorld(plan);
      if (violations.length > 0) assert.fail(reportFailure(plan));
      for (const situation of situationsOf(world)) met.add(situation);
    }
  }).timeout(0);

  // Fewer seeds than by default are asked for to look at something else.
  if (seeds >= DEFAULT_SEEDS) {
    it("went through every situation that it is there for", () => {
      const missed = SITUATIONS.filter((situation) => !met.has(situation));
      assert.deepEqual(missed, []);
    });
  }

  it("repeats itself: one seed, one run", () => {
    for (let seed = 1; seed <= REPEATED_SEEDS; seed++) {
      for (const { protocol } of [...WRONG_ORDERS, ...WRONG_STEPS]) {
        assert.deepEqual(runPlan(makePlan(seed), protocol), runPlan(makePlan(seed), protocol));
      }
    }
  });

  for (const { name, protocol, consequence } of [...WRONG_ORDERS, ...WRONG_STEPS]) {
    it(`finds the wrong order: ${name}`, () => {
      for (let seed = 1; seed <= WRONG_ORDER_SEEDS; seed++) {
        const plan = makePlan(seed);
        if (!runPlan(plan, protocol).some((violation) => consequence.test(violation))) continue;
        const small = shrinkPlan(plan, protocol);
        assert.ok(small.events.length <= plan.events.length);
        assert.ok(runPlan(small, protocol).length > 0, "what is left after shrinking still fails");
        return;
      }
      assert.fail(`${consequence} was not found within ${WRONG_ORDER_SEEDS} seeds`);
    });
  }
});
