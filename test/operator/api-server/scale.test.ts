// Thousands of policies on a real API server: how soon they are in force, what they cost, and what is left of them.
import { after, before, describe, it } from "mocha";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { scalePolicies } from "./scale/scale-policies.ts";
import { runBurst, runPropagation, runRestart } from "./scale/scale-scenario.ts";
import { ScaleWorld } from "./scale/scale-world.ts";

describe("thousands of policies", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let world: ScaleWorld;

  before(async function () {
    world = await ScaleWorld.start(this);
  });
  after(() => world?.[Symbol.asyncDispose]());

  it("try", async () => {
    const base = await world.memory();
    console.log(base);
    console.log(
      await runBurst(world, Number(process.env.B ?? 1000), { acceptedMs: 60000, programmedMs: 60000 }),
      await world.providerConsumers(),
    );
    console.log(await world.memory());
    const standing = scalePolicies("base", Number(process.env.N ?? 1000));
    console.log(await runRestart(world, standing), await world.providerConsumers());
    const p = await runPropagation(
      world,
      scalePolicies("one", Number(process.env.M ?? 200)),
      standing.slice(0, 200),
      300,
    );
    const q = (a: readonly number[], s: number) => [...a].sort((x, y) => x - y)[Math.floor(s * (a.length - 1))];
    console.log({
      ...p,
      delaysMs: undefined,
      p50: q(p.delaysMs, 0.5),
      p90: q(p.delaysMs, 0.9),
      p99: q(p.delaysMs, 0.99),
      first: q(p.delaysMs.slice(0, 100), 0.5),
      last: q(p.delaysMs.slice(-100), 0.5),
      wrong: p.wrong.slice(0, 5),
      wrongs: p.wrong.length,
    });
    console.log(await world.memory());
  });
});
