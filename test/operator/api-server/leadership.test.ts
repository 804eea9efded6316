// Two operators: the end of one that leads, however it comes, is soon made good and seen by nobody who asks for decisions.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { ObjectRef } from "../../../kubernetes/object.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { SteadyRequests } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";
import { countApplies, recordVersions } from "./writes.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const CHAT = { namespace: "demo", name: "chat" };
/** 15 s of the Lease and a round trip of those who wait for it. */
const FAILOVER_MS = 17_500;
const GRACEFUL_MS = 1_000;
/** Longer than the Lease, so that somebody else has it when a leader that stood still goes on. */
const STANDSTILL_MS = 20_000;
/** Holds a resync of both operators and three acknowledgements of each router. */
const BOTH_LEAD_MS = 32_000;
/** Of all objects, for one change of a policy: two by each operator. */
const MAX_WRITES_WHILE_BOTH_LEAD = 4;

describe("two operators", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await createObject(rig.client, object("Router", DEFAULT.name, DEFAULT.namespace, { replicas: 1 }));
    await createObject(rig.client, policy(CHAT.namespace, CHAT.name));
    await rig.whenLeading(await rig.startOperator("operator-0"));
    await rig.startOperator("operator-1");
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.startRouter("apart-0");
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const steady = (): Promise<SteadyRequests> =>
    SteadyRequests.start({ natsUrl: rig.nats.url, tenant: "demo", policy: CHAT.name });

  const leaderAndStandby = async (): Promise<readonly [OperatorProcess, OperatorProcess]> => {
    const leader = await rig.leader();
    const standby = rig.processes().find((each) => each.running() && each !== leader);
    assert.ok(leader !== undefined && standby !== undefined);
    return [leader, standby];
  };

  it("change places within a second when the leader is told to end", async () => {
    await using requests = await steady();
    const [leader, standby] = await leaderAndStandby();
    leader.signal("SIGTERM");
    const takenMs = await rig.whenLeading(standby);
    assert.equal(await leader.exited, 0);
    assert.ok(takenMs < GRACEFUL_MS, `taken after ${takenMs} ms`);
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    assert.deepEqual(requests.counts().failures, []);
  });

  it("change places within 17 s when the leader is killed, and a policy of the meantime comes into force", async () => {
    await rig.startOperator("operator-2");
    await using requests = await steady();
    const [leader, standby] = await leaderAndStandby();
    const generations = await readGenerations(rig);
    leader.signal("SIGKILL");
    const meantime = { namespace: "demo", name: "meantime" };
    await createObject(rig.client, policy(meantime.namespace, meantime.name));
    const takenMs = await rig.whenLeading(standby);
    assert.ok(takenMs < FAILOVER_MS, `taken after ${takenMs} ms`);
    await rig.whenReady("RoutingPolicy", meantime);
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    assert.deepEqual(await readGenerations(rig), generations);
    assert.deepEqual(requests.counts().failures, []);
  });

  it("agree after the leader stood still for longer than its Lease: it writes nothing when it goes on", async () => {
    await rig.startOperator("operator-3");
    await using requests = await steady();
    const [leader, standby] = await leaderAndStandby();
    leader.signal("SIGSTOP");
    await rig.whenLeading(standby);
    await rig.whenReady("Router", DEFAULT);
    await rig.whenReady("RoutingPolicy", CHAT);
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, CHAT, {
      spec: { providers: [{ name: "openai", weight: 5 }] },
    });
    await rig.whenReady("RoutingPolicy", CHAT);
    await delay(STANDSTILL_MS - FAILOVER_MS);
    await using policies = await recordVersions(rig, "RoutingPolicy");
    await using routers = await recordVersions(rig, "Router");
    const applies = await countApplies(rig.server);
    const lines = leader.log().length;
    leader.signal("SIGCONT");
    await eventually(
      () =>
        leader
          .log()
          .slice(lines)
          .some(({ message }) => message === "this process leads no more"),
      {
        deadlineMs: DEADLINE_MS,
        describe: () => `the old leader steps back: ${JSON.stringify(leader.log().slice(lines))}`,
      },
    );
    assert.equal(await leader.isLeading(), false);
    assert.ok(await standby.isLeading());
    await requests.whenAnswered(100);
    assert.deepEqual([policies.count(CHAT), routers.count(DEFAULT)], [0, 0]);
    assert.equal(await countApplies(rig.server), applies);
    assert.deepEqual(requests.counts().failures, []);
    assert.ok((await leader.readiness()).ready);
  });

  it("that both lead, by Leases of two names, come to the same status and leave it at that", async () => {
    const third = await rig.startOperator("operator-4", { BEAMLINE_LEASE_NAME: "another" });
    await rig.whenLeading(third);
    const first = await rig.leader();
    assert.ok(first !== undefined && first !== third);
    await eventually(async () => (await third.metrics()).get('operator_routers{state="ready"}') === 1, {
      deadlineMs: DEADLINE_MS,
      describe: "the router of the last is ready",
      everyMs: 50,
    });
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, CHAT, {
      spec: { providers: [{ name: "openai", weight: 6 }] },
    });
    await rig.whenReady("RoutingPolicy", CHAT);
    await using policies = await recordVersions(rig, "RoutingPolicy");
    await using routers = await recordVersions(rig, "Router");
    const applies = await countApplies(rig.server);
    await delay(BOTH_LEAD_MS / 2);
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, CHAT, {
      spec: { providers: [{ name: "openai", weight: 7 }] },
    });
    await delay(BOTH_LEAD_MS / 2);
    await rig.whenReady("RoutingPolicy", CHAT);
    // One by its user, one that says it is in force; one more where that took longer than anybody waits for it.
    assert.ok(policies.count(CHAT) <= 3, `${policies.count(CHAT)} versions of the policy`);
    assert.deepEqual(
      policies.transitions(CHAT, "Ready").filter((status) => status === "False"),
      [],
    );
    assert.ok(policies.transitions(CHAT, "Ready").length <= 3);
    assert.ok(routers.count(DEFAULT) <= 1, `${routers.count(DEFAULT)} versions of the Router`);
    const writes = (await countApplies(rig.server)) - applies;
    assert.ok(writes <= MAX_WRITES_WHILE_BOTH_LEAD, `${writes} writes`);
  });
});

async function readGenerations(rig: ClusterRig): Promise<readonly (number | undefined)[]> {
  const objects: readonly (readonly [ObjectKind, ObjectRef])[] = [
    ["RoutingPolicy", CHAT],
    ["Router", DEFAULT],
  ];
  return Promise.all(objects.map(async ([kind, ref]) => (await rig.read(kind, ref))?.metadata.generation));
}
