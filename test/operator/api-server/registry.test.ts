// Processors in a cluster's statuses: named on the Provider and its policies, told once for all Routers that use them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { writeVerdict } from "../../support/verdicts.ts";
import { ClusterRig } from "./cluster-rig.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object } from "./world.ts";

const CHAT = { namespace: "demo", name: "chat" };
const ELSEWHERE = { namespace: "demo", name: "elsewhere" };
const RESIZE = { namespace: "demo", name: "resize" };
const PREFIXED = { namespace: OWN_NAMESPACE, name: "prefixed" };

describe("processors in the statuses of an API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let link: NatsLink;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await createObject(
      rig.client,
      object("Router", PREFIXED.name, PREFIXED.namespace, { replicas: 0, subjects: { prefix: "two" } }),
    );
    await createObject(rig.client, object("Provider", "resize", "demo", { registration: "Required" }));
    const providers = [{ name: "resize" }];
    await createObject(rig.client, object("RoutingPolicy", "chat", "demo", { providers }));
    await createObject(rig.client, object("RoutingPolicy", "elsewhere", "demo", { providers, routerRef: PREFIXED }));
    await rig.startOperator("operator-0");
    const log = createLogger({ service: "test", level: "silent" });
    link = await connectNats({ url: rig.nats.url, name: "test", timeoutMs: 5_000, log });
  });
  after(async () => {
    await link?.close();
    await rig?.[Symbol.asyncDispose]();
  });

  const statusOf = async (kind: "Provider" | "RoutingPolicy", ref: typeof CHAT): Promise<Record<string, unknown>> =>
    ((await rig.read(kind, ref))?.status ?? {}) as Record<string, unknown>;

  it("says of policies of all Routers in the account that nobody is registered", async () => {
    await rig.whenCondition("Provider", RESIZE, { type: "Ready", status: "False", reason: "NoProcessor" });
    await rig.whenCondition("RoutingPolicy", CHAT, { type: "Ready", status: "False", reason: "NoProcessors" });
    await rig.whenCondition("RoutingPolicy", ELSEWHERE, { type: "Ready", status: "False", reason: "NoProcessors" });
  });

  it("names the processor that registers, in fields that the API server keeps", async () => {
    await writeVerdict(link, "resize-1", { provider: "demo/resize" });
    await rig.whenCondition("RoutingPolicy", CHAT, { type: "Ready", status: "True" });
    await rig.whenCondition("RoutingPolicy", ELSEWHERE, { type: "Registered", status: "True" });
    await rig.whenCondition("Provider", RESIZE, { type: "Registered", status: "True" });
    const processors = { live: 1, late: 0, lost: 0, names: ["resize-1"] };
    assert.deepEqual((await statusOf("Provider", RESIZE)).processors, processors);
    assert.deepEqual((await statusOf("RoutingPolicy", CHAT)).providers, [{ name: "resize", processors }]);
    assert.deepEqual((await statusOf("RoutingPolicy", ELSEWHERE)).providers, [{ name: "resize", processors }]);
  });

  it("says that it is lost", async () => {
    await writeVerdict(link, "resize-1", { provider: "demo/resize", liveness: "lost" });
    await rig.whenCondition("RoutingPolicy", CHAT, { type: "Ready", status: "False", reason: "NoProcessors" });
  });
});
