// A Pipeline in a cluster: in force, and its status follows what control planes know of its components.
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { writeVerdict } from "../../support/verdicts.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch } from "./world.ts";

const ORDERS = { namespace: "demo", name: "orders" };
const SPEC = {
  source: { id: "shop", eventTypes: ["order.created"] },
  processors: [{ name: "order-lines" }],
  consumers: [{ name: "warehouse" }],
};

describe("pipelines in a cluster", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let link: NatsLink;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await createObject(rig.client, object("Router", "default", OWN_NAMESPACE, { replicas: 1 }));
    await rig.startOperator();
    const log = createLogger({ service: "test", level: "silent" });
    link = await connectNats({ url: rig.nats.url, name: "test", timeoutMs: 5_000, log });
  });
  after(async () => {
    await link?.close();
    await rig?.[Symbol.asyncDispose]();
  });

  const whenLinked = (status: "True" | "False", reason: string) =>
    rig.whenCondition("Pipeline", ORDERS, { type: "Linked", status, reason });

  it("come into force, with the subject and durables that components need in their status", async () => {
    await createObject(rig.client, object("Pipeline", ORDERS.name, ORDERS.namespace, SPEC));
    await rig.whenCondition("Pipeline", ORDERS, { type: "Programmed", status: "True" });
    await whenLinked("False", "ComponentNotRegistered");
    const { tenantId, router, input, consumers } = ((await rig.read("Pipeline", ORDERS))?.status ?? {}) as Readonly<
      Record<string, unknown>
    >;
    assert.deepEqual([tenantId, router], ["demo", `${OWN_NAMESPACE}/default`]);
    assert.equal(input, "beamline.pipeline.v1.in.demo.orders");
    assert.deepEqual(consumers, ["pipeline_demo_orders_warehouse"]);
    const manager = await jetstreamManager(link.nc);
    await eventually(() => manager.consumers.info("BEAMLINE_PIPELINE_OUTPUTS", "pipeline_demo_orders_warehouse"), {
      deadlineMs: DEADLINE_MS,
      describe: "the durable is made",
      everyMs: 100,
    });
  });

  it("are linked when all are registered, and say which event types do not meet", async () => {
    await writeVerdict(link, "shop", { kind: "source", outputEventTypes: ["order.created"] });
    await writeVerdict(link, "order-lines", { inputEventTypes: ["order.created"], outputEventTypes: ["order.line"] });
    await writeVerdict(link, "warehouse", { kind: "consumer", inputEventTypes: ["order.line"] });
    await whenLinked("True", "Linked");
    await rig.whenReady("Pipeline", ORDERS);
    await writeVerdict(link, "warehouse", { kind: "consumer", inputEventTypes: ["invoice"], seq: 2 });
    const { message } = await whenLinked("False", "EventTypesDiffer");
    assert.match(message, /processor order-lines gives order\.line, of which consumer warehouse takes none/);
    await writeVerdict(link, "order-lines", { liveness: "lost", outputEventTypes: ["invoice"], seq: 2 });
    await whenLinked("False", "ComponentLost");
  });

  it("of a tenant that is not theirs are refused, and the generation before stays in force", async () => {
    await patch(rig.client, RESOURCE_TYPES.Pipeline, ORDERS, { spec: { tenantId: "acme" } });
    await rig.whenCondition("Pipeline", ORDERS, { type: "Accepted", status: "False", reason: "TenantNotPermitted" });
    const wanted = { type: "Programmed", status: "False", reason: "NotAccepted" } as const;
    assert.match((await rig.whenCondition("Pipeline", ORDERS, wanted)).message, /generation 1 stays in force/);
    await patch(rig.client, RESOURCE_TYPES.Pipeline, ORDERS, { spec: { tenantId: "demo" } });
    await rig.whenCondition("Pipeline", ORDERS, { type: "Programmed", status: "True" });
    const deleted = await deleteObject(rig.client, RESOURCE_TYPES.Pipeline, ORDERS);
    assert.ok(deleted.ok);
  });
});
