// Objects that come, go and change while the operator is away, slow, or not the only one who writes them.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import type { ObjectRef } from "../../../kubernetes/object.ts";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { askOnce } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";
import { countApplies, countWrites, recordVersions, whenQuiet } from "./writes.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const { RoutingPolicy } = RESOURCE_TYPES;
const RESYNCS = 'operator_work_total{work="streams",result="ok"}';
/** How often somebody else writes each object, and for how long. */
const STORM_EVERY_MS = 20;
const STORM_MS = 6_000;
/** Of the operator for one object: one a second, the first at once and one after the end. */
const MAX_STORM_WRITES = STORM_MS / 1_000 + 2;

describe("objects in a cluster", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let operator: OperatorProcess;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await createObject(rig.client, object("Router", DEFAULT.name, DEFAULT.namespace, { replicas: 1 }));
    operator = await rig.startOperator();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const at = (name: string): ObjectRef => ({ namespace: "demo", name });
  const make = (name: string) => createObject(rig.client, policy("demo", name));
  const remove = async (name: string): Promise<void> => {
    const deleted = await deleteObject(rig.client, RoutingPolicy, at(name));
    assert.ok(deleted.ok);
  };
  const setWeight = (name: string, weight: number): Promise<void> =>
    patch(rig.client, RoutingPolicy, at(name), { spec: { providers: [{ name: "openai", weight }] } });

  /** Ends the operator in order and starts the next one. */
  const replaceOperator = async (meanwhile: () => Promise<void> = async () => undefined): Promise<void> => {
    operator.signal("SIGTERM");
    assert.equal(await operator.exited, 0);
    await meanwhile();
    operator = await rig.startOperator(`operator-${rig.processes().length}`);
    await rig.whenLeading(operator);
  };

  /** What a request to a policy is answered with; undefined for a decision. */
  const ask = async (name: string): Promise<string | undefined> => {
    const nc = await connect({ servers: rig.nats.url });
    try {
      return await askOnce(nc, { natsUrl: rig.nats.url, tenant: "demo", policy: name });
    } finally {
      await nc.close();
    }
  };

  it("that came and went without an operator leave only what is there now", async () => {
    for (const name of ["again", "gone"]) await make(name);
    await rig.whenReady("RoutingPolicy", at("again"));
    await rig.whenReady("RoutingPolicy", at("gone"));
    await setWeight("again", 2);
    await rig.whenReady("RoutingPolicy", at("again"));
    const before = await rig.read("RoutingPolicy", at("again"));
    await using versions = await recordVersions(rig, "RoutingPolicy");
    await replaceOperator(async () => {
      for (const name of ["again", "gone"]) await remove(name);
      for (const name of ["again", "new", "flash"]) await make(name);
      await remove("flash");
    });
    for (const name of ["again", "new"]) await rig.whenReady("RoutingPolicy", at(name));
    const after = await rig.read("RoutingPolicy", at("again"));
    assert.notEqual(after?.metadata.uid, before?.metadata.uid);
    assert.deepEqual(generationsOf(after?.status?.conditions), [1]);
    assert.deepEqual([await ask("again"), await ask("new")], [undefined, undefined]);
    assert.match((await ask("gone")) ?? "", /gone/);
    assert.match((await ask("flash")) ?? "", /flash/);
    assert.ok(versions.count(at("new")) <= 3, `${versions.count(at("new"))} versions of a new policy`);
  });

  it("that are made anew under their name while the operator stands still have a status of their own", async () => {
    await make("renewed");
    await rig.whenReady("RoutingPolicy", at("renewed"));
    await using versions = await recordVersions(rig, "RoutingPolicy");
    // It has just seen the second generation, and its status is on its way when it is stopped.
    await setWeight("renewed", 2);
    operator.signal("SIGSTOP");
    await remove("renewed");
    const { metadata } = await make("renewed");
    operator.signal("SIGCONT");
    await rig.whenReady("RoutingPolicy", at("renewed"));
    const renewed = await rig.read("RoutingPolicy", at("renewed"));
    assert.equal(renewed?.metadata.uid, metadata.uid);
    const ofRenewed = versions.all(at("renewed")).filter((each) => each.metadata.uid === metadata.uid);
    const observed = ofRenewed.map(({ status }) => generationsOf((status as StatusLike | undefined)?.conditions));
    assert.deepEqual([...new Set(observed.flat())], [1]);
    assert.equal(await ask("renewed"), undefined);
  });

  it("whose name passes through many lives end with the last", async () => {
    let uid: string | undefined;
    for (let life = 0; life < 20; life++) {
      if (uid !== undefined) await remove("phoenix");
      ({ uid } = (await make("phoenix")).metadata);
    }
    await rig.whenReady("RoutingPolicy", at("phoenix"));
    assert.equal((await rig.read("RoutingPolicy", at("phoenix")))?.metadata.uid, uid);
    assert.equal(await ask("phoenix"), undefined);
  });

  it("that somebody else writes 50 times a second get their status through, in few writes", async () => {
    const names = ["storm-0", "storm-1", "storm-2"];
    for (const name of names) await make(name);
    for (const name of names) await rig.whenReady("RoutingPolicy", at(name));
    const applies = await countApplies(rig.server);
    const startMs = performance.now();
    let written = 0;
    const storm = names.map(async (name, index) => {
      const foreign = { type: "Foreign", reason: "Storm", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" };
      for (let round = 0; performance.now() - startMs < STORM_MS; round++) {
        const labels = { metadata: { labels: { round: String(round) }, annotations: { round: String(round) } } };
        const conditions = [{ ...foreign, status: "True", observedGeneration: round }];
        if (index === 0) await patch(rig.client, RoutingPolicy, at(name), { status: { conditions } }, "status");
        else await patch(rig.client, RoutingPolicy, at(name), labels);
        written++;
        await pauseUntil(startMs + round * STORM_EVERY_MS);
      }
    });
    await setWeight("storm-0", 2);
    await setWeight("storm-1", 2);
    await rig.whenReady("RoutingPolicy", at("storm-1"));
    const duringMs = performance.now() - startMs;
    await Promise.all(storm);
    for (const name of names) await rig.whenReady("RoutingPolicy", at(name));
    const wrote = (await countApplies(rig.server)) - applies;
    assert.ok(wrote <= MAX_STORM_WRITES * names.length, `${wrote} writes of ours beside ${written} of theirs`);
    assert.ok(duringMs < STORM_MS, "in the middle of the storm");
    for (const name of names) await remove(name);
  });

  it("cost no write at all when an operator starts anew and when all is compared again", async () => {
    await createObject(rig.client, object("Provider", "openai", "demo"));
    await createObject(rig.client, object("Tenant", "acme", undefined, { namespaces: ["demo"] }));
    await rig.whenReady("Provider", at("openai"));
    await rig.whenReady("Tenant", { name: "acme" });
    await patch(rig.client, RESOURCE_TYPES.Router, DEFAULT, { spec: { replicas: 0 } });
    await rig.whenCondition("Router", DEFAULT, { type: "Available", status: "False" });
    await rig.whenCondition("RoutingPolicy", at("new"), { type: "Programmed", status: "Unknown" });
    await rig.whenCondition("Provider", at("openai"), { type: "Programmed", status: "Unknown" });
    await rig.whenCondition("Tenant", { name: "acme" }, { type: "Programmed", status: "Unknown" });
    await whenQuiet(rig.server);
    await using policies = await recordVersions(rig, "RoutingPolicy");
    await using routers = await recordVersions(rig, "Router");
    const before = await countWrites(rig.server);
    await replaceOperator();
    await eventually(async () => ((await operator.metrics()).get(RESYNCS) ?? 0) > 0, {
      deadlineMs: DEADLINE_MS,
      describe: "a resync",
      everyMs: 250,
    });
    assert.deepEqual(await countWrites(rig.server), before);
    assert.deepEqual([policies.total(), routers.total()], [0, 0]);
  });
});

interface StatusLike {
  readonly conditions?: readonly Condition[];
}

function generationsOf(conditions: readonly Condition[] = []): readonly number[] {
  return [...new Set(conditions.map(({ observedGeneration }) => observedGeneration))];
}

async function pauseUntil(untilMs: number): Promise<void> {
  const leftMs = untilMs - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}
