// Three replicas under everything that happens to them, with components that beat all the while: nobody is lost who lives, nobody
// is kept who died, and watchers are told everything once. `BEAMLINE_SCALE=full` runs 10,000 components with the usual times.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";
import { Liveness } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../../support/nats.ts";
import { type SharedRegistry, startSharedRegistry } from "../../support/shared-registry.ts";
import { Fleet } from "./fleet.ts";
import { Following } from "./following.ts";
import { ReplicaGroup } from "./replica-group.ts";

const FULL = process.env.BEAMLINE_SCALE === "full";
const COMPONENTS = FULL ? 10_000 : 400;
const TTL_MS = FULL ? 30_000 : 9_000;
/** Longer than a time to live, so that whoever is stopped missed everything. */
const STOPPED_MS = FULL ? 40_000 : 12_000;
/** How much later than its time to live a component may be called lost. */
const LATE_BY_MS = 2_000;
/** Dead at once in each phase: less than the share that the guard lets go without evidence. */
const DEAD = FULL ? 50 : 8;
const DEADLINE_MS = 60_000;
const PATIENCE_MS = 180_000;

describe("three replicas of a control plane", function () {
  this.timeout(FULL ? 600_000 : 240_000);
  let shared: SharedRegistry;
  let group: ReplicaGroup;
  let fleet: Fleet;
  let followings: Following[];
  const dead = new Set<string>();
  const falselyLost: string[] = [];
  let starved = 0;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    shared = await startSharedRegistry(this);
    group = await ReplicaGroup.start(shared.nats.url, { BEAMLINE_REGISTRY_TTL: `${TTL_MS}ms` });
    followings = group.addresses.map(
      (address, index) =>
        new Following(address, (id) => {
          if (dead.has(id)) return;
          // By whoever had no chance to hear it, nobody is lost falsely: on a busy machine the components themselves are late.
          const sign = fleet.signOfLife(id, TTL_MS);
          if (sign === undefined) starved += 1;
          else falselyLost.push(`by replica ${index}: ${sign}`);
        }),
    );
    fleet = new Fleet({ components: COMPONENTS, ttlMs: TTL_MS, addresses: group.addresses });
    fleet.start();
    await allLive();
  });
  after(async () => {
    for (const following of followings ?? []) following.stop();
    await fleet?.stop();
    await group?.stop();
    await shared?.stop();
  });
  afterEach(() => {
    const some = falselyLost.slice(0, 5).join(", ");
    assert.equal(falselyLost.length, 0, `components that beat were called lost: ${some}; ${figures()}`);
    for (const { problems } of followings) assert.deepEqual(problems, []);
  });

  const until = (condition: () => boolean | Promise<boolean>, describe: string | (() => string)) =>
    eventually(condition, { deadlineMs: PATIENCE_MS, describe, everyMs: 100 });

  /** Every replica, every watcher and the routers agree that whoever beats is live. */
  async function allLive(): Promise<void> {
    const alive = fleet.alive();
    const isLive = ({ liveness }: Following): boolean =>
      alive.every((id) => liveness.get(id) === Liveness.LIVENESS_LIVE);
    const missing = (): string =>
      followings
        .map(({ liveness }) => alive.filter((id) => liveness.get(id) !== Liveness.LIVENESS_LIVE).length)
        .join(", ");
    await until(
      () => followings.every(isLive),
      () => `all ${alive.length} are live for every replica; not for each of them: ${missing()}; ${figures()}`,
    );
    const isCandidate = (id: string): boolean => shared.verdict(id)?.isCandidate === true;
    await until(
      () => alive.every(isCandidate),
      () => `routers may call all; not ${alive.filter((id) => !isCandidate(id)).length}`,
    );
  }

  function figures(): string {
    return JSON.stringify({ starved, fleet: fleet.counts, watchers: followings.map(({ counts }) => counts) });
  }

  /** Some die: all that can tell say so in time. `judges` are the replicas that can. */
  async function dieAndBeLost(judges: readonly number[]): Promise<void> {
    const chosen = fleet
      .alive()
      .filter((_, index) => index % 7 === 3)
      .slice(0, DEAD);
    for (const id of chosen) dead.add(id);
    await fleet.kill(chosen);
    const lastHeardMs = Math.max(...chosen.map((id) => fleet.lastHeardMs(id)));
    const isLost = (index: number, id: string): boolean =>
      followings[index]?.liveness.get(id) === Liveness.LIVENESS_LOST;
    const kept = (): string[] =>
      judges.flatMap((index) => chosen.filter((id) => !isLost(index, id)).map((id) => `${id} by ${index}`));
    await eventually(() => kept().length === 0, {
      deadlineMs: lastHeardMs + TTL_MS + LATE_BY_MS - Date.now(),
      describe: () =>
        `lost within ${LATE_BY_MS} ms of their time; kept: ${kept().slice(0, 9).join(", ")}; ${figures()}`,
    });
    const known = (id: string): boolean => shared.verdict(id)?.isCandidate === false;
    await until(
      () => chosen.every(known),
      () =>
        `routers know; not of ${chosen
          .filter((id) => !known(id))
          .slice(0, 9)
          .join(", ")}`,
    );
  }

  it("calls the dead lost in time", () => dieAndBeLost([0, 1, 2]));

  it("goes on when one is killed with -9 and started again", async () => {
    const leader = (await group.leader()) ?? 0;
    await group.at(leader).end("SIGKILL");
    await dieAndBeLost([0, 1, 2].filter((index) => index !== leader));
    await until(async () => (await group.leader()) !== undefined, "another one leads");
    await group.restart(leader);
    assert.ok((await group.list(leader)).length >= fleet.alive().length, "it has read what the others know");
    const expired = (): boolean => (followings[leader]?.counts.expired ?? 0) > 0;
    await until(
      () => expired() && followings[leader]?.isSynced === true,
      "its watcher lists again: a token of the process before leads nowhere",
    );
    await allLive();
  });

  it("goes on when one is stopped for longer than a time to live and continued", async () => {
    const stopped = (await group.leader()) ?? 0;
    const others = [0, 1, 2].filter((index) => index !== stopped);
    group.signal(stopped, "SIGSTOP");
    const continueAtMs = Date.now() + STOPPED_MS;
    try {
      await dieAndBeLost(others);
      await until(() => Date.now() >= continueAtMs, "it has been stopped for long enough");
    } finally {
      group.signal(stopped, "SIGCONT");
    }
    await allLive();
    const lost = (id: string): boolean => followings[stopped]?.liveness.get(id) === Liveness.LIVENESS_LOST;
    await until(
      () => [...dead].every((id) => lost(id) || followings[stopped]?.liveness.has(id) === false),
      "it learns who died meanwhile",
    );
  });

  it("goes on when NATS is started again", async () => {
    await shared.nats.kill();
    await until(async () => (await group.metric(0, "controlplane_registry_store_connected")) === 0, "it is noticed");
    await shared.nats.start();
    await until(async () => (await group.metric(0, "controlplane_registry_store_connected")) === 1, "it is noticed");
    await allLive();
    const settledMs = Date.now() + TTL_MS;
    await until(() => Date.now() >= settledMs, "a time to live has passed");
    await dieAndBeLost([0, 1, 2]);
  });

  it("and in the end all three say the same", async () => {
    const summary = async (index: number): Promise<string> =>
      JSON.stringify(
        (await group.list(index))
          .map(({ id, instance, liveness }) => [id, instance, liveness])
          .sort(([left], [right]) => (String(left) < String(right) ? -1 : 1)),
      );
    await eventually(
      async () => {
        const [first, ...others] = await Promise.all([0, 1, 2].map(summary));
        return others.every((other) => other === first);
      },
      { deadlineMs: DEADLINE_MS, describe: "three equal lists", everyMs: 500 },
    );
    const { beats, failedCalls, registrations } = fleet.counts;
    assert.ok(beats > COMPONENTS && registrations >= COMPONENTS, `${beats} ${registrations} ${failedCalls}`);
  });
});
