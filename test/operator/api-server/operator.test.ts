// The operator on a real API server: objects become configuration, routers run, and every status is true.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };

describe("the operator on an API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await rig.startOperator();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  it("makes the installation's Router for the first policy, and puts both in force", async () => {
    assert.equal(await rig.read("Router", DEFAULT), undefined);
    await createObject(rig.client, policy("demo", "chat"));
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name: "chat" });
    const router = await rig.whenReady("Router", DEFAULT);
    assert.equal(router.message, "the Router takes messages");
    const { status } = (await rig.read("RoutingPolicy", { namespace: "demo", name: "chat" })) ?? {};
    const { conditions = [], ...fields } = status ?? {};
    assert.deepEqual(
      conditions.map(({ type, status: value }) => `${type}=${value}`),
      ["Accepted=True", "ResolvedRefs=True", "Programmed=True", "Ready=True"],
    );
    assert.deepEqual(fields, {
      observedGeneration: 1,
      tenantId: "demo",
      policyId: "chat",
      router: "beamline-system/default",
    });
  });

  it("tells a policy that breaks a rule at once, and keeps the generation before in force", async () => {
    const ref = { namespace: "demo", name: "chat" };
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, ref, {
      spec: { rules: [{ name: "broken", when: "message.nothing ==", prefer: ["openai"] }] },
    });
    const accepted = await rig.whenCondition("RoutingPolicy", ref, { type: "Accepted", status: "False" });
    assert.equal(accepted.reason, "InvalidExpression");
    assert.match(accepted.message, /generation 1 stays in force/);
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, ref, { spec: { rules: null } });
    await rig.whenReady("RoutingPolicy", ref);
  });

  it("says of a policy whose Router does not exist that there is none", async () => {
    const ref = { namespace: "demo", name: "lost" };
    await createObject(
      rig.client,
      object("RoutingPolicy", "lost", "demo", {
        routerRef: { namespace: "demo", name: "nowhere" },
        providers: [{ name: "openai" }],
      }),
    );
    const accepted = await rig.whenCondition("RoutingPolicy", ref, { type: "Accepted", status: "False" });
    assert.equal(accepted.reason, "RouterNotFound");
  });

  it("refuses a Router a bus that another one owns", async () => {
    await createObject(rig.client, object("Router", "second", OWN_NAMESPACE, { replicas: 0 }));
    const accepted = await rig.whenCondition(
      "Router",
      { namespace: OWN_NAMESPACE, name: "second" },
      { type: "Accepted", status: "False" },
    );
    assert.equal(accepted.reason, "SubjectConflict");
    await deleteObject(rig.client, RESOURCE_TYPES.Router, { namespace: OWN_NAMESPACE, name: "second" });
  });

  it("leaves the bus of a Router that is deleted to the next one", async () => {
    const first = { namespace: "demo", name: "first" };
    const next = { namespace: "demo", name: "next" };
    const ownBus = { replicas: 0, subjects: { prefix: "demo" } };
    await createObject(rig.client, object("Router", first.name, first.namespace, ownBus));
    await rig.whenCondition("Router", first, { type: "Accepted", status: "True" });
    await createObject(rig.client, object("Router", next.name, next.namespace, ownBus));
    await rig.whenCondition("Router", next, { type: "Accepted", status: "False", reason: "SubjectConflict" });
    await deleteObject(rig.client, RESOURCE_TYPES.Router, first);
    await rig.whenCondition("Router", next, { type: "Accepted", status: "True" });
    await deleteObject(rig.client, RESOURCE_TYPES.Router, next);
  });

  it("takes a policy that is deleted out of the configuration", async () => {
    const ref = { namespace: "demo", name: "chat" };
    const before = (await readMetrics(rig)).get('operator_objects{kind="RoutingPolicy",result="accepted"}');
    assert.equal(before, 1);
    await deleteObject(rig.client, RESOURCE_TYPES.RoutingPolicy, ref);
    await eventually(
      async () => (await readMetrics(rig)).get('operator_objects{kind="RoutingPolicy",result="accepted"}') === 0,
      { deadlineMs: DEADLINE_MS, describe: "no policy is in force" },
    );
  });
});

function readMetrics(rig: ClusterRig): Promise<ReadonlyMap<string, number>> {
  const [operator] = rig.processes();
  if (operator === undefined) throw new Error("no operator runs");
  return operator.metrics();
}
