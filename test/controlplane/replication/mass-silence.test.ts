// Half of all components silent at once is a sign of a cut, and is reported as one; components that die one by one are just dead.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { GUARD_SHARE } from "../../../core/registry/limits.ts";
import { Liveness } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../../support/nats.ts";
import { type SharedRegistry, startSharedRegistry } from "../../support/shared-registry.ts";
import { Fleet } from "./fleet.ts";
import { ReplicaGroup } from "./replica-group.ts";

const COMPONENTS = 100;
const TTL_MS = 4_000;
const DEADLINE_MS = 60_000;
/** Dead one after another: fewer in one time to live than the share that may be lost in it. */
const DYING = 12;
const EVERY_MS = 600;

describe("many components that fall silent", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let shared: SharedRegistry | undefined;
  let group: ReplicaGroup;
  let fleet: Fleet;

  afterEach(async () => {
    await fleet?.stop();
    await group?.stop();
    await shared?.stop();
    shared = undefined;
  });

  const start = async (natsUrl: string | undefined): Promise<void> => {
    const ttl = { BEAMLINE_REGISTRY_TTL: `${TTL_MS}ms` };
    group = natsUrl === undefined ? await ReplicaGroup.startAlone(ttl) : await ReplicaGroup.start(natsUrl, ttl);
    fleet = new Fleet({ components: COMPONENTS, ttlMs: TTL_MS, addresses: group.addresses });
    fleet.start();
    await until(async () => (await metrics("components_live")).every((live) => live === COMPONENTS), "all are live");
  };
  const until = (condition: () => boolean | Promise<boolean>, describe: string, everyMs = 50) =>
    eventually(condition, { deadlineMs: DEADLINE_MS, describe, everyMs });
  const metrics = (name: string): Promise<number[]> =>
    Promise.all(group.processes.map((_, index) => group.metric(index, `controlplane_${name}`)));
  const half = (): string[] => fleet.alive().filter((_, index) => index % 2 === 0);

  it("one process holds half of them, says so everywhere, and lets them go when they are heard again", async () => {
    await start(undefined);
    const silent = half();
    await fleet.kill(silent);
    let mostLost = 0;
    await until(async () => {
      mostLost = Math.max(mostLost, ...(await metrics("components_lost")));
      return (await metrics("guard_tripped"))[0] === 1;
    }, "the guard trips");
    assert.deepEqual(await metrics("guard_trips_total"), [1]);
    assert.match(group.at(0).log(), /expiry guard tripped/);
    const listed = await group.list(0);
    const held = listed.filter((component) => component.held);
    assert.ok(held.length > 0, "a list shows who is held");
    assert.ok(held.every(({ id, liveness }) => silent.includes(id) && liveness === Liveness.LIVENESS_LATE));
    const [lost] = await metrics("components_lost");
    mostLost = Math.max(mostLost, lost ?? 0, listed.filter((one) => one.liveness === Liveness.LIVENESS_LOST).length);
    assert.ok(mostLost <= Math.floor(COMPONENTS * GUARD_SHARE), `${mostLost} lost at once`);
    const readyz = await (await fetch(`${group.at(0).healthUrl}/readyz`)).text();
    assert.match(readyz, /late \([1-9]\d* held\)/);
    fleet.revive(silent);
    await until(async () => (await metrics("components_live"))[0] === COMPONENTS, "all are live again");
    assert.deepEqual(await metrics("guard_tripped"), [0]);
    assert.equal(fleet.counts.registrations, COMPONENTS, "nobody had to register again");
  });

  it("three replicas report it, and believe it when they agree", async function () {
    shared = await startSharedRegistry(this);
    await start(shared.nats.url);
    const silent = half();
    await fleet.kill(silent);
    await until(async () => {
      const { length } = (await group.list(0)).filter(({ liveness }) => liveness === Liveness.LIVENESS_LOST);
      return length === silent.length;
    }, "all of them are lost when most replicas agree");
    const trips = await metrics("guard_trips_total");
    assert.ok(
      trips.some((count) => count > 0),
      `the guard tripped somewhere: ${trips.join()}`,
    );
    const logs = group.processes.map((one) => one.log()).join("");
    assert.match(logs, /expiry guard tripped/);
    const isLost = (id: string): boolean => shared?.verdict(id)?.isCandidate === false;
    await until(() => silent.every(isLost), "routers know");
    assert.equal(
      (await group.list(1)).filter(({ liveness }) => liveness === Liveness.LIVENESS_LIVE).length,
      COMPONENTS / 2,
    );
  });

  it("a slow death of single ones trips nothing", async () => {
    await start(undefined);
    const dying = fleet.alive().slice(0, DYING);
    let deaths = 0;
    const lost = new Set<string>();
    const look = async (): Promise<void> => {
      for (const { id, liveness } of await group.list(0)) if (liveness === Liveness.LIVENESS_LOST) lost.add(id);
    };
    let nextMs = Date.now();
    await until(async () => {
      await look();
      const next = dying[deaths];
      if (next !== undefined && Date.now() >= nextMs) {
        void fleet.kill([next]);
        deaths += 1;
        nextMs = Date.now() + EVERY_MS;
      }
      return lost.size === DYING;
    }, "all that died are lost");
    assert.deepEqual([...lost].sort(), [...dying].sort(), "and nobody else");
    assert.deepEqual(await metrics("guard_trips_total"), [0]);
    assert.deepEqual(await metrics("components_held"), [0]);
  });
});
