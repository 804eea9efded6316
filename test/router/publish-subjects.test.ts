// Answers go where a router may publish, and nowhere else: whatever subject a producer asks for.
import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { createInbox } from "@nats-io/nats-core";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { DECIDE, encodeRequest, readDecision, readError } from "./messages.ts";
import { POLICIES } from "./policies.ts";

/** Configuration, control of JetStream, intake, results, claims, other people's subjects. */
const FORBIDDEN: readonly string[] = [
  "$KV.beamline-config.beamline-system.default.head",
  "$KV.beamline-acks.beamline-system.default.router-0",
  "$JS.API.STREAM.DELETE.BEAMLINE_DLQ",
  "beamline.router.v1.submit.demo",
  "beamline.router.v1.decide",
  "beamline.router.v1.intake.dlq",
  "caf.exec.result.v1",
  "caf.exec.assign.v1.to.00000000000000000000000000000000.demo.openai",
  "some.other.service",
];
const HANDLED_MS = 10_000;

describe("subjects that answers are asked for on", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
  });
  after(() => bus?.stop());

  /** Answers of a router that are published on `subject` while `act` runs. */
  async function answersOn(subject: string, act: () => Promise<unknown>): Promise<Msg[]> {
    const seen: Msg[] = [];
    const subscription = bus.link.nc.subscribe(subject, { callback: (_error, msg) => void seen.push(msg) });
    await bus.link.nc.flush();
    await act();
    // The router's publishes before this answer are on this connection before it.
    await bus.ask("protobuf");
    subscription.unsubscribe();
    // What else is published there (requests, configuration) has no content type; every answer has.
    return seen.filter((msg) => msg.headers?.has("Content-Type"));
  }

  for (const subject of FORBIDDEN) {
    it(`a request that asks for its reply on ${subject}: nothing is written there, and it is counted`, async () => {
      const series = 'router_replies_total{outcome="forbidden"}';
      const before = (await router.metric(series)) ?? 0;
      const body = encodeRequest("json", { messageId: `to ${subject}` });
      const seen = await answersOn(subject, async () => {
        bus.link.nc.publish(DECIDE, body, { reply: subject });
        await eventually(async () => (await router.metric(series)) === before + 1, {
          deadlineMs: HANDLED_MS,
          describe: "the forbidden reply is counted",
        });
      });
      assert.deepEqual(
        seen.map((msg) => msg.string()),
        [],
      );
    });
  }

  it("none of them changed configuration, streams or intake", async () => {
    assert.equal(await bus.submitted(), 0);
    assert.equal(bus.operator.programmed(), true);
    assert.deepEqual(await bus.storedOn("caf.exec.assign.v1.to.>"), []);
    const streams = (await bus.manager.streams.list().next()).map(({ config }) => config.name).sort();
    assert.deepEqual(streams, [
      "BEAMLINE_ASSIGNMENTS",
      "BEAMLINE_DLQ",
      "BEAMLINE_PIPELINES",
      "BEAMLINE_PIPELINE_OUTPUTS",
      "BEAMLINE_SUBMIT",
      "KV_beamline-acks",
      "KV_beamline-config",
      "KV_beamline-registry",
    ]);
  });

  /** What a durable message's answer is, on the subject that it asks for. */
  async function answersTo(replyTo: string, fields: { policy?: string; tenant?: string } = {}): Promise<Msg[]> {
    return await answersOn(replyTo, async () => {
      await bus.submit(encodeRequest("protobuf", fields), { "Beamline-Reply-To": replyTo });
      await bus.settled();
    });
  }

  it("a durable message is answered on an inbox and below its tenant's replies", async () => {
    for (const replyTo of [createInbox(), "beamline.reply.v1.demo.my.queue"]) {
      const [answer, ...more] = await answersTo(replyTo);
      assert.ok(answer !== undefined && more.length === 0, replyTo);
      assert.equal(readDecision("protobuf", answer).providerId, "open_ai");
    }
  });

  it("a durable message that is refused is answered with the reason, below the replies of its subject's tenant", async () => {
    for (const replyTo of [createInbox(), "beamline.reply.v1.demo.refused"]) {
      const [refused, ...more] = await answersTo(replyTo, { tenant: "other" });
      assert.ok(refused !== undefined && more.length === 0, replyTo);
      assert.equal(readError(refused).error.details?.reason, "tenant_mismatch");
    }
    const claimed = await answersTo("beamline.reply.v1.other.queue", { tenant: "other" });
    assert.deepEqual(claimed, [], "not below those of the tenant that it only claims to be of");
  });

  it("a durable message is not answered anywhere else, and is dispatched all the same", async () => {
    const subjects = ["beamline.reply.v1.other.queue", "beamline.reply.v1.demo", ...FORBIDDEN.slice(3)];
    const before = (await bus.storedOn("caf.exec.assign.v1.to.>")).length;
    for (const replyTo of subjects) {
      assert.deepEqual(await answersTo(replyTo), [], replyTo);
    }
    assert.equal((await bus.storedOn("caf.exec.assign.v1.to.>")).length, before + subjects.length);
  });
});
