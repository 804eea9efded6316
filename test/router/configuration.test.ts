// The configuration protocol on a real nats-server: from the first head to a bucket that is deleted under load.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { parseAck } from "../../core/config/acknowledge.ts";
import { ackKey } from "../../core/config/keys.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { getKey } from "../../runtime/nats/kv.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { startTestOperator, type TestOperator } from "../support/operator.ts";
import { Bus, IN_FORCE_MS } from "./bus.ts";
import { startLoad } from "./load.ts";
import { type LocalRouter, startLocalRouter, untilServing } from "./local-router.ts";
import { readDecision } from "./messages.ts";
import { chatPolicy, POLICIES, policiesWith } from "./policies.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
const IO_MS = 5_000;
/** Acknowledgements are renewed in this time. */
const ACK_PERIOD_MS = 10_000;
const EXPIRED_MS = 15_000;
const UNDER_WAY_MS = 10_000;

describe("the configuration of a router", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
  });
  after(() => bus?.stop());

  const ackOf = async (pod: string) => {
    const found = await getKey(bus.link.mux, bus.names.buckets.acks, ackKey(ROUTER, pod), IO_MS);
    return found.kind === "found" ? parseAck(nodeCodec, found.data) : undefined;
  };
  const inForce = (revision: () => number) =>
    eventually(async () => (await router.metric("router_config_revision")) === revision(), {
      deadlineMs: IN_FORCE_MS,
      describe: () => `revision ${revision()} is in force`,
    });

  it("is acknowledged with its head, and again after each change", async () => {
    const first = await eventually(() => ackOf("router-0"), { deadlineMs: IN_FORCE_MS, describe: "acknowledged" });
    assert.equal(first.appliedRevision, bus.operator.revision());
    assert.deepEqual([first.rejected, first.rejectedCount], [[], 0]);
    await bus.applyPolicies(policiesWith(chatPolicy(0, 1)));
    const second = await ackOf("router-0");
    assert.equal(second?.appliedRevision, bus.operator.revision());
    assert.equal(second?.podUid, first.podUid);
    assert.ok(bus.operator.revision() > first.appliedRevision);
    assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "anthropic");
  });

  it("is swapped without a lost request under load", async () => {
    await using load = startLoad(bus);
    for (let turn = 0; turn < 5; turn++) {
      await bus.applyPolicies(policiesWith(chatPolicy(turn + 2, 1)));
    }
    assert.ok(load.answered() > 0);
    assert.deepEqual(await load.stop(), []);
    await bus.applyPolicies(POLICIES);
  });

  it("heals by itself when its bucket is deleted and made again under load", async () => {
    await using load = startLoad(bus);
    await eventually(() => load.answered() > 100, { deadlineMs: UNDER_WAY_MS, describe: "the load is under way" });
    const epochBefore = (await ackOf("router-0"))?.epoch;
    await bus.manager.streams.delete("KV_beamline-config");
    await eventually(async () => (await ackOf("router-0"))?.epoch !== epochBefore && bus.operator.programmed(), {
      deadlineMs: 2 * IN_FORCE_MS,
      describe: "the head of the new bucket is in force",
    });
    await inForce(() => bus.operator.revision());
    const answered = load.answered();
    await eventually(() => load.answered() > answered + 100, {
      deadlineMs: UNDER_WAY_MS,
      describe: "the load goes on",
    });
    assert.deepEqual(await load.stop(), []);
    await bus.applyPolicies(policiesWith(chatPolicy(0, 1)));
    assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "anthropic");
    await bus.applyPolicies(POLICIES);
  });

  it("is acknowledged again by itself when the bucket of acknowledgements was made again", async () => {
    await bus.manager.streams.delete("KV_beamline-acks");
    const again = await eventually(() => ackOf("router-0"), {
      deadlineMs: ACK_PERIOD_MS + IO_MS,
      describe: "acknowledged without any change",
    });
    assert.equal(again.appliedRevision, bus.operator.revision());
  });

  it("survives a restart of the server, and changes made at once after it", async () => {
    await bus.nats.restart("SIGKILL");
    await eventually(() => bus.link.connected(), { deadlineMs: IN_FORCE_MS, describe: "connected" });
    await bus.applyPolicies(policiesWith(chatPolicy(0, 1)));
    assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "anthropic");
    await bus.applyPolicies(POLICIES);
  });

  it("comes from the bucket alone when no operator runs, and its acknowledgement expires with the router", async () => {
    await bus.operator.stop();
    await router.stop();
    // Shorter than the 60 s of the product, so that the end can be awaited; renewal is every 10 s.
    const { config } = await bus.manager.streams.info("KV_beamline-acks");
    assert.equal(config.max_age, 60_000_000_000);
    const second = 1_000_000_000;
    await bus.manager.streams.update("KV_beamline-acks", { max_age: 2 * second, duplicate_window: second });
    router = await bus.startRouter({ BEAMLINE_POD_NAME: "router-alone" });
    assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "open_ai");
    await eventually(() => ackOf("router-alone"), { deadlineMs: IN_FORCE_MS, describe: "acknowledged" });
    await router.stop();
    await eventually(async () => (await ackOf("router-alone")) === undefined, {
      deadlineMs: EXPIRED_MS,
      describe: "the acknowledgement has expired",
    });
  });
});

describe("a router before its configuration", () => {
  let nats: TestNats;
  let operator: TestOperator | undefined;
  let router: LocalRouter | undefined;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
  });
  after(async () => {
    await router?.stop();
    await operator?.stop();
    await nats?.stop();
  });

  it("is alive and not ready, and serves as soon as there is one", async () => {
    router = await startLocalRouter({ BEAMLINE_NATS_URL: nats.url }, { untilReady: false });
    const readiness = await fetch(`${router.healthUrl}/readyz`);
    assert.equal(readiness.status, 503);
    assert.deepEqual(((await readiness.json()) as { failing: string[] }).failing, ["configuration"]);
    assert.equal((await fetch(`${router.healthUrl}/livez`)).status, 200);
    operator = await startTestOperator({ natsUrl: nats.url, policies: "examples/quickstart" });
    await untilServing(router);
  });
});
