// The configuration protocol under a seeded scheduler: edits, crashes, lost and late watches, the bucket made anew.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type Failure, runSeed } from "./run.ts";
import { PROTOCOL, STALE_BUCKET, type Variant, WRONG_ORDERS } from "./variants.ts";
import { World } from "./world.ts";

const SEEDS = Number(process.env.BEAMLINE_SIM_SEEDS ?? "10000");
const FIRST_SEED = Number(process.env.BEAMLINE_SIM_FIRST_SEED ?? "1");
/** A wrong order must be found out within so many seeds. */
const WRONG_ORDER_SEEDS = 10_000;

/** Steps after a system at rest; a number after a name says how the step goes. */
type History = readonly (readonly [name: string, pick?: number])[];

/** The bucket is replaced while a pass is under way: its head must not take the old epoch into the new bucket. */
const REPLACED_DURING_A_PASS: History = [
  ["user edits", 3],
  ["operator publishes"],
  ["bucket deleted"],
  ["bucket made"],
  ["operator sees bucket"],
  ["write stored"],
  ["write stored"],
];

/** The new bucket gets a head before all of its entries, since the mirror still showed those of the old one. */
const HEAD_BEFORE_ITS_ENTRIES: History = [
  ["operator crashes"],
  ["operator sees bucket"],
  ["user edits", 3],
  ["operator publishes"],
  ["bucket deleted"],
  ["bucket made"],
  ["write stored"],
  ["write stored"],
];

async function replay(history: History, variant: Variant): Promise<void> {
  const world = new World(variant);
  await world.settle();
  for (const [name, pick] of history) {
    // What the protocol gives up is not there to be continued.
    if (name !== "write stored" || world.canHappen(name)) await world.act(name, pick);
  }
  await world.settle();
}

function describeFailure({ seed, message, trace, choices }: Failure): string {
  return `seed ${seed}: ${message}\nafter ${choices.length} steps:\n  ${trace.join("\n  ")}\nagain: BEAMLINE_SIM_FIRST_SEED=${seed} BEAMLINE_SIM_SEEDS=1`;
}

describe("simulation of the configuration protocol", () => {
  it(`holds over ${SEEDS} seeds: same table everywhere, Programmed never too early`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const failure = await runSeed(seed, PROTOCOL);
      if (failure !== undefined) assert.fail(describeFailure(failure));
    }
  });

  for (const variant of WRONG_ORDERS) {
    it(`finds out the wrong order: ${variant.name}`, async () => {
      for (let seed = 1; seed <= WRONG_ORDER_SEEDS; seed++) {
        if ((await runSeed(seed, variant)) !== undefined) return;
      }
      assert.fail(`${WRONG_ORDER_SEEDS} seeds did not show that it is wrong`);
    });
  }

  it("holds in histories that were faults once", async () => {
    await replay(REPLACED_DURING_A_PASS, PROTOCOL);
    await replay(HEAD_BEFORE_ITS_ENTRIES, PROTOCOL);
  });

  it(`finds out the wrong order: ${STALE_BUCKET.name}`, async () => {
    await assert.rejects(replay(REPLACED_DURING_A_PASS, STALE_BUCKET), /is called Programmed/);
  });
});
