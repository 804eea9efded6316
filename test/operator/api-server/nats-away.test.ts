// NATS is away, restarted, or comes back with nothing in its store: the status says what is known, and all becomes true again.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { DEFAULT_STREAM_SETTINGS, streamSpecs } from "../../../core/handover/streams.ts";
import { namesFor } from "../../../core/handover/subjects.ts";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { askOnce, SteadyRequests } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const CHAT = { namespace: "demo", name: "chat" };
const NAMES = namesFor(undefined);
/** Lines of an operator in one of these tests, none of which lasts longer than a minute. */
const MAX_LINES = 120;
/** Far less than the 10 s for which a server is tried. */
const END_MS = 2_000;

describe("a NATS that is away", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let operator: OperatorProcess;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await createObject(rig.client, object("Router", DEFAULT.name, DEFAULT.namespace, { replicas: 1 }));
    await createObject(rig.client, policy(CHAT.namespace, CHAT.name));
    operator = await rig.startOperator();
    await rig.whenReady("RoutingPolicy", CHAT);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const setWeight = (weight: number): Promise<void> =>
    patch(rig.client, RESOURCE_TYPES.RoutingPolicy, CHAT, { spec: { providers: [{ name: "openai", weight }] } });

  /** What a request to a policy is answered with; undefined for a decision. */
  const ask = async (name: string): Promise<string | undefined> => {
    const nc = await connect({ servers: rig.nats.url });
    try {
      return await askOnce(nc, { natsUrl: rig.nats.url, tenant: "demo", policy: name });
    } finally {
      await nc.close();
    }
  };

  it("for a moment, as when it is restarted, is made good by itself", async () => {
    await rig.nats.restart("SIGKILL");
    await setWeight(2);
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    assert.equal(await ask("chat"), undefined);
  });

  it("leaves a new policy accepted and not in force, and a deleted one is out of the configuration afterwards", async () => {
    await createObject(rig.client, policy("demo", "doomed"));
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name: "doomed" });
    const lines = operator.log().length;
    await rig.nats.kill();
    await rig.whenCondition("Router", DEFAULT, { type: "Available", status: "False" });
    const ref = { namespace: "demo", name: "meantime" };
    await createObject(rig.client, policy(ref.namespace, ref.name));
    assert.ok((await deleteObject(rig.client, RESOURCE_TYPES.RoutingPolicy, { namespace: "demo", name: "doomed" })).ok);
    await rig.whenCondition("RoutingPolicy", ref, { type: "Accepted", status: "True" });
    await rig.whenCondition("RoutingPolicy", ref, { type: "Programmed", status: "Unknown" });
    await rig.whenCondition("RoutingPolicy", CHAT, { type: "Ready", status: "Unknown" });
    await rig.nats.start();
    await rig.whenReady("RoutingPolicy", ref);
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    assert.equal(await ask("meantime"), undefined);
    assert.match((await ask("doomed")) ?? "", /doomed/);
    assert.ok(operator.log().length - lines < MAX_LINES, `${operator.log().length - lines} lines`);
  });

  it("has its streams, buckets and consumers made again when it comes back with an empty store", async () => {
    await rig.nats.kill();
    await rm(rig.nats.dataDir, { recursive: true, force: true });
    await rig.nats.start();
    await setWeight(3);
    const nc = await connect({ servers: rig.nats.url });
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const provider = NAMES.consumers.provider({ namespace: "demo", name: "openai" });
    await eventually(() => hasAll(jsm, provider), { deadlineMs: DEADLINE_MS, describe: "all is there", everyMs: 50 });
    await nc.close();
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    assert.equal(await ask("chat"), undefined);
  });

  it("is said of a Router when an operator begins without it, and of policies that nobody has seen", async () => {
    operator.signal("SIGTERM");
    assert.equal(await operator.exited, 0);
    await rig.nats.kill();
    operator = await rig.startOperator("operator-1", { BEAMLINE_NATS_TIMEOUT: "2s" });
    const accepted = await rig.whenCondition("Router", DEFAULT, { type: "Accepted", status: "Unknown" });
    assert.equal(accepted.reason, "NatsUnreachable");
    assert.match(accepted.message, /NATS at .* did not answer/);
    const ref = { namespace: "demo", name: "unseen" };
    await createObject(rig.client, policy(ref.namespace, ref.name));
    const unseen = await rig.whenCondition("RoutingPolicy", ref, { type: "Ready", status: "Unknown" });
    assert.equal(unseen.reason, "RouterNotServed");
    assert.match(unseen.message, /Router beamline-system\/default is not served now: NATS at/);
    await rig.nats.start();
    await rig.whenReady("RoutingPolicy", ref);
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    await using requests = await SteadyRequests.start({ natsUrl: rig.nats.url, tenant: "demo", policy: "unseen" });
    await requests.whenAnswered(5);
    assert.ok(operator.log().length < MAX_LINES, `${operator.log().length} lines`);
  });

  it("does not keep a leader from ending in time", async () => {
    await rig.nats.kill();
    operator.signal("SIGTERM");
    const startMs = performance.now();
    assert.equal(await operator.exited, 0);
    assert.ok(performance.now() - startMs < END_MS);
    const second = await rig.startOperator("operator-2");
    await rig.whenLeading(second);
    const restartMs = performance.now();
    second.signal("SIGTERM");
    assert.equal(await second.exited, 0);
    assert.ok(performance.now() - restartMs < END_MS, "while it tries to connect");
    const third = await rig.startOperator("operator-3");
    assert.ok((await rig.whenLeading(third)) < END_MS, "the Lease was given back");
    await rig.nats.start();
    await rig.whenReady("RoutingPolicy", CHAT);
  });
});

/** Throws the server's answer about the first that is missing. */
async function hasAll(jsm: JetStreamManager, providerConsumer: string): Promise<boolean> {
  const { streams, consumers, buckets } = streamSpecs(NAMES, DEFAULT_STREAM_SETTINGS);
  for (const { name } of [...streams, ...buckets.map((bucket) => ({ name: `KV_${bucket.name}` }))]) {
    await jsm.streams.info(name);
  }
  for (const { stream, durableName } of consumers) await jsm.consumers.info(stream, durableName);
  await jsm.consumers.info(NAMES.streams.assignments, providerConsumer);
  return true;
}
