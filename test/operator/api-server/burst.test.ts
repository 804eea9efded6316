// A thousand policies at once with one bad one among them, and an operator that is replaced in the middle.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../../core/handover/subjects.ts";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { openMirror } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import { askOnce, SteadyRequests } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, policy } from "./world.ts";
import { countApplies } from "./writes.ts";

const NAMESPACES = 20;
const POLICIES_A_NAMESPACE = 50;
const ALL = NAMESPACES * POLICIES_A_NAMESPACE;
const ALL_AT_ONCE = 16;
/** Mostly one; a policy that two operators look at may get one from each. */
const MAX_WRITES_A_POLICY = 2;
const BAD = { namespace: "burst-7", name: "policy-7" };
const LATE = { namespace: "demo", name: "late" };
const CONFIG_STREAM = `KV_${namesFor(undefined).buckets.config}`;
const CHAT = { namespace: "demo", name: "chat" };

describe("a burst of policies", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;

  before(async function () {
    rig = await ClusterRig.start(this);
    const namespaces = Array.from({ length: NAMESPACES }, (_, index) => `burst-${index}`);
    for (const namespace of ["demo", ...namespaces]) await createNamespace(rig.client, namespace);
    await createObject(rig.client, object("Router", "default", OWN_NAMESPACE, { replicas: 1 }));
    await createObject(rig.client, policy(CHAT.namespace, CHAT.name));
    await rig.startOperator("operator-0");
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.startRouter("apart-0");
  });
  after(() => rig?.[Symbol.asyncDispose]());

  it("comes into force whole but for the bad one, whoever of two operators saw which part of it", async () => {
    await using requests = await SteadyRequests.start({ natsUrl: rig.nats.url, tenant: "demo", policy: CHAT.name });
    await using mirror = openMirror({ client: rig.client, type: RESOURCE_TYPES.RoutingPolicy });
    const applies = await countApplies(rig.server);
    const [operator] = rig.processes();
    let made = 0;
    const worker = async (first: number): Promise<void> => {
      for (let index = first; index < ALL; index += ALL_AT_ONCE) {
        await createObject(rig.client, burstPolicy(index));
        made++;
      }
    };
    const burst = Promise.all(Array.from({ length: ALL_AT_ONCE }, (_, index) => worker(index)));
    await eventually(() => made > ALL / 2, { deadlineMs: DEADLINE_MS, describe: () => `half of it is made: ${made}` });
    operator?.signal("SIGTERM");
    await rig.startOperator("operator-1");
    await burst;
    const count = (status: string): number => mirror.values().filter((each) => readyStatus(each) === status).length;
    await eventually(() => count("True") === ALL && count("False") === 1, {
      deadlineMs: DEADLINE_MS,
      describe: () => `${count("True")} of ${ALL} are in force, ${count("False")} are not`,
      everyMs: 100,
    });
    const bad = await rig.whenCondition("RoutingPolicy", BAD, { type: "Accepted", status: "False" });
    assert.equal(bad.reason, "InvalidExpression");
    const writes = (await countApplies(rig.server)) - applies;
    assert.ok(writes <= MAX_WRITES_A_POLICY * ALL, `${writes} writes`);
    assert.deepEqual(requests.counts().failures, []);
  });

  it("does not hide a policy that is made while an operator writes its first configuration", async () => {
    const [, operator] = rig.processes();
    operator?.signal("SIGTERM");
    await operator?.exited;
    await rig.nats.kill();
    await rm(rig.nats.dataDir, { recursive: true, force: true });
    await rig.nats.start();
    await using mirror = openMirror({ client: rig.client, type: RESOURCE_TYPES.RoutingPolicy });
    const nc = await connect({ servers: rig.nats.url });
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const starting = rig.startOperator("operator-2");
    await eventually(async () => (await jsm.streams.info(CONFIG_STREAM)).state.messages > ALL / 10, {
      deadlineMs: DEADLINE_MS,
      describe: "a part of the configuration is written",
      everyMs: 1,
    });
    rig.nats.process().kill("SIGSTOP");
    await createObject(rig.client, policy(LATE.namespace, LATE.name));
    await eventually(() => mirror.get(LATE) !== undefined, { deadlineMs: DEADLINE_MS, describe: "watches tell of it" });
    rig.nats.process().kill("SIGCONT");
    await starting;
    const late = { natsUrl: rig.nats.url, tenant: LATE.namespace, policy: LATE.name };
    await eventually(async () => (await askOnce(nc, late)) === undefined, {
      deadlineMs: DEADLINE_MS,
      describe: "routers decide by the late one",
      everyMs: 50,
    });
    await nc.close();
  });
});

/** One is bad. Together with the policy that stands before, as many as `ALL` are good. */
function burstPolicy(index: number): KubernetesObject {
  const [namespace, name] = [`burst-${index % NAMESPACES}`, `policy-${Math.floor(index / NAMESPACES)}`];
  if (namespace !== BAD.namespace || name !== BAD.name) return policy(namespace, name);
  const rules = [{ name: "broken", when: "message.nothing ==", prefer: ["openai"] }];
  return object("RoutingPolicy", name, namespace, { providers: [{ name: "openai" }], rules });
}

function readyStatus({ status }: KubernetesObject): string | undefined {
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  return conditions.find(({ type }) => type === "Ready")?.status;
}
