// Thousands of policies on a real API server: how soon they are in force, what that costs, and what is left of them.
// `BEAMLINE_SCALE=full` runs the sizes of docs/benchmarks.md, `BEAMLINE_SCALE_PATIENCE=3` triples what is waited for on a slow
// machine, `BEAMLINE_SCALE_FIGURES=<file>` writes the figures there.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "mocha";
import { quantile } from "../../bench/statistics.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { PROVIDERS_A_NAMESPACE, SCALE_NAMESPACES, scalePolicies } from "./scale/scale-policies.ts";
import { deleteAll, runBurst, runPropagation, runRestart, type ScaleFigures } from "./scale/scale-scenario.ts";
import { type Memory, ScaleWorld } from "./scale/scale-world.ts";

const FULL = process.env.BEAMLINE_SCALE === "full";
const PATIENCE = Number(process.env.BEAMLINE_SCALE_PATIENCE ?? "1");
const FIGURES_FILE = process.env.BEAMLINE_SCALE_FIGURES;
const SIZES = FULL ? { burst: 1_000, load: 5_000, added: 3_000 } : { burst: 1_000, load: 1_000, added: 200 };
const FULL_TIMEOUT_MS = 3_600_000;
/** From the last apply. */
const BURST_DEADLINES = { acceptedMs: 5_000 * PATIENCE, programmedMs: 10_000 * PATIENCE };
const MAX_WRITES_EACH = 1.2;
/** Of an operator that starts among them: until it leads and has compared everything. */
const RESTART_DEADLINE_MS = 30_000 * PATIENCE;
const TRAFFIC_POLICIES = 200;
const TRAFFIC_PER_SECOND = 300;
const PROPAGATION_P50_MS = 150 * PATIENCE;
const PROPAGATION_P99_MS = 1_000 * PATIENCE;
const SLOPE_SAMPLE = 100;
/** From the first hundred to the last; on a busy machine the minutes between them differ as well. */
const MAX_SLOPE = 1 + 0.1 * PATIENCE;
/** Marks of removed keys go a minute after every router has seen them. */
const MARKS_GONE_DEADLINE_MS = 180_000;
/** Keys that stay: owner, epoch and lease of the bus, and the head. */
const OWN_KEYS = 4;
const MAX_HEAP_GROWTH = 1.1;
/** What is kept for a while, within bounds: 4,096 series of events for six minutes are 6 MiB, compiled code is the rest. */
const HEAP_ALLOWANCE_BYTES = 10 * 1024 * 1024;

describe("thousands of policies", function () {
  this.timeout(Math.max(API_SERVER_START_TIMEOUT_MS, FULL ? FULL_TIMEOUT_MS : 0));
  const standing = scalePolicies("base", SIZES.load);
  const added = scalePolicies("one", SIZES.added);
  let world: ScaleWorld;
  let empty: Memory;
  let figures: Partial<ScaleFigures> = {};

  before(async function () {
    world = await ScaleWorld.start(this);
    empty = await world.memory();
  });
  after(() => world?.[Symbol.asyncDispose]());

  function note(more: Partial<ScaleFigures>): void {
    figures = { ...figures, ...more };
    if (FIGURES_FILE !== undefined) writeFileSync(FIGURES_FILE, `${JSON.stringify(figures, undefined, 2)}\n`);
  }

  it("applied at once are in force in seconds, with one write of their status each, and go without a trace", async () => {
    const burst = await runBurst(world, SIZES.burst, BURST_DEADLINES);
    note({ burst });
    assert.ok(burst.writesEach <= MAX_WRITES_EACH, `${burst.writesEach} writes of the status of each`);
    assert.equal(burst.entriesLeft, 0);
    // Durables stay: made again later they would deliver again what the stream still holds.
    const consumers = SCALE_NAMESPACES * PROVIDERS_A_NAMESPACE;
    await eventually(async () => (await world.providerConsumers()) === consumers, {
      deadlineMs: MARKS_GONE_DEADLINE_MS,
      describe: "each provider has its durable",
    });
  });

  it("are taken over by an operator that starts, which writes nothing when nothing has changed", async () => {
    const load = await runRestart(world, standing, RESTART_DEADLINE_MS);
    note({ load });
    assert.deepEqual([load.statusWrites, load.configWrites], [0, 0]);
  });

  it("are in force one by one as fast as among few, and every decision is that of the revision it names", async () => {
    const propagation = await runPropagation(world, added, {
      standing: standing.slice(0, TRAFFIC_POLICIES),
      perSecond: TRAFFIC_PER_SECOND,
    });
    note({ propagation });
    const { failures, wrong, decisions } = propagation;
    assert.deepEqual([failures, wrong], [[], []]);
    assert.ok(decisions > SIZES.added, `${decisions} decisions were judged`);
    const delays = Float64Array.from(propagation.delaysMs).sort();
    const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
    assert.ok(p50 <= PROPAGATION_P50_MS && p99 <= PROPAGATION_P99_MS, `p50 ${p50} ms, p99 ${p99} ms`);
    if (!FULL) return;
    const median = (part: readonly number[]): number => quantile(Float64Array.from(part).sort(), 0.5);
    const first = median(propagation.delaysMs.slice(0, SLOPE_SAMPLE));
    const last = median(propagation.delaysMs.slice(-SLOPE_SAMPLE));
    assert.ok(last <= first * MAX_SLOPE, `the last hundred took ${last} ms, the first ${first} ms`);
  });

  it("leave neither entries nor memory when all are deleted", async () => {
    const full = await world.memory();
    const deletedMs = await deleteAll(world, [...standing, ...added]);
    assert.equal(world.judge.entries, 0);
    await eventually(async () => (await world.configKeys()) <= OWN_KEYS, {
      deadlineMs: MARKS_GONE_DEADLINE_MS,
      describe: "the marks of removed keys are gone",
      everyMs: 500,
    });
    const left = await world.memory();
    note({ memory: { empty, full, left, deletedMs, policies: standing.length + added.length } });
    const limit = empty.heapBytes * MAX_HEAP_GROWTH + HEAP_ALLOWANCE_BYTES;
    assert.ok(left.heapBytes <= limit, `${left.heapBytes} bytes are on the heap, ${empty.heapBytes} were`);
  });
});
