// KEDA's scaler over a real connection, against a real nats-server: the lag is JetStream's own figure.
import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { providerConsumer, streamSpecs } from "../../core/handover/streams.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { ExternalScalerService } from "../../proto/gen/grpc/externalscaler/externalscaler.ts";
import type { IsActiveResponse } from "../../proto/gen/messages/externalscaler/externalscaler.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { ensureConsumer } from "../../runtime/nats/consumers.ts";
import { ensureStream } from "../../runtime/nats/streams.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";

const { isActive, streamIsActive, getMetricSpec, getMetrics, streamMetricSpec } = ExternalScalerService;
const DEADLINE_MS = 30_000;
const names = namesFor();
const openai = { namespace: "demo", name: "openai" };

/** As KEDA sends it: everything that the trigger has. */
function ref(metadata: Record<string, string>) {
  return { name: "workers", namespace: "demo", scalerMetadata: { scalerAddress: "beamline:50051", ...metadata } };
}

describe("externalscaler.ExternalScaler", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let link: NatsLink;
  let server: TestControlPlane;
  let client: TestClient;

  before(async function () {
    nats = await startTestNats({ context: this });
    const log = createLogger({ service: "test", level: "silent" });
    link = await connectNats({ url: nats.url, name: "test", timeoutMs: 5_000, log });
    const jsm = await jetstreamManager(link.nc);
    const specs = streamSpecs(names);
    for (const stream of specs.streams) await ensureStream(jsm, stream);
    for (const consumer of [...specs.consumers, providerConsumer(names, openai)]) await ensureConsumer(jsm, consumer);
    server = await startTestControlPlane({ natsUrl: nats.url });
    client = new TestClient(server.address);
    await eventually(() => client.unary(isActive, ref({ consumer: "submit" })).catch(() => undefined), {
      deadlineMs: DEADLINE_MS,
      describe: "the control plane is connected",
    });
  });
  after(async () => {
    client?.close();
    await server?.stop();
    await link?.close();
    await nats?.stop();
  });

  const lagOf = async (metadata: Record<string, string>): Promise<number> => {
    const request = { scaledObjectRef: ref(metadata), metricName: "lag" };
    const { metricValues } = await client.unary(getMetrics, request);
    assert.equal(metricValues.length, 1);
    assert.equal(Number(metricValues[0]?.metricValue), metricValues[0]?.metricValueFloat);
    return metricValues[0]?.metricValueFloat ?? Number.NaN;
  };
  const publish = async (subject: string, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await jetstream(link.nc).publish(subject, `${index}`);
  };

  it("tells the lag of the intake as JetStream has it, before and after deliveries", async () => {
    const jsm = await jetstreamManager(link.nc);
    const figure = async () => {
      const info = await jsm.consumers.info(names.streams.submit, names.consumers.decide);
      return [info.num_pending, info.num_ack_pending] as const;
    };
    assert.equal(await lagOf({ consumer: "submit" }), 0);
    await publish("beamline.router.v1.submit.demo", 25);
    assert.deepEqual(await figure(), [25, 0]);
    assert.equal(await lagOf({ consumer: "submit" }), 25);
    const consumer = await jetstream(link.nc).consumers.get(names.streams.submit, names.consumers.decide);
    const batch = await consumer.fetch({ max_messages: 10, expires: 5_000 });
    let acknowledged = 0;
    for await (const message of batch) if (acknowledged++ < 4) await message.ackAck();
    assert.deepEqual(await figure(), [15, 6]);
    assert.equal(await lagOf({ consumer: "submit" }), 21);
  });

  it("tells the lag of a provider, and only its own", async () => {
    assert.equal(await lagOf({ provider: "demo/openai" }), 0);
    await publish("caf.exec.assign.v1.to.aa.demo.openai", 3);
    await publish("caf.exec.assign.v1.to.bb.demo.other", 2);
    const jsm = await jetstreamManager(link.nc);
    const info = await jsm.consumers.info(names.streams.assignments, names.consumers.provider(openai));
    assert.equal(await lagOf({ provider: "demo/openai" }), info.num_pending + info.num_ack_pending);
    assert.equal(await lagOf({ provider: "demo/openai" }), 3);
  });

  it("is active with more than the threshold of activation", async () => {
    const active = async (threshold: string) =>
      (await client.unary(isActive, ref({ provider: "demo/openai", activationLagThreshold: threshold }))).result;
    assert.deepEqual([await active("0"), await active("2"), await active("3")], [true, true, false]);
  });

  it("tells the target of one replica", async () => {
    const spec = async (metadata: Record<string, string>) =>
      (await client.unary(getMetricSpec, ref({ consumer: "submit", ...metadata }))).metricSpecs.map(
        ({ metricName, targetSize, targetSizeFloat }) => [metricName, Number(targetSize), targetSizeFloat],
      );
    assert.deepEqual(await spec({}), [["lag", 10, 10]]);
    assert.deepEqual(await spec({ lagThreshold: "0.5" }), [["lag", 1, 0.5]]);
  });

  it("pushes whether there is work at once, and when it changes", async () => {
    const pushed: boolean[] = [];
    const stream = client.serverStream(streamIsActive, ref({ provider: "demo/openai", activationLagThreshold: "3" }));
    stream.on("data", ({ result }: IsActiveResponse) => pushed.push(result));
    stream.on("error", () => undefined);
    await eventually(() => pushed.length === 1, { deadlineMs: DEADLINE_MS, describe: "it is told at once" });
    await publish("caf.exec.assign.v1.to.cc.demo.openai", 1);
    await eventually(() => pushed.length === 2, { deadlineMs: DEADLINE_MS, describe: "the change is told" });
    assert.deepEqual(pushed, [false, true]);
    stream.cancel();
  });

  it("pushes the target once, and keeps the stream", async () => {
    const stream = client.serverStream(streamMetricSpec, ref({ consumer: "submit" }));
    stream.on("error", () => undefined);
    const [first] = await new Promise<unknown[]>((resolve) => stream.once("data", (...told) => resolve(told)));
    const { metricSpecs } = first as { metricSpecs: readonly { targetSizeFloat: number }[] };
    assert.equal(metricSpecs[0]?.targetSizeFloat, 10);
    stream.cancel();
  });

  const refused: readonly [string, Record<string, string>, string[]][] = [
    ["neither a provider nor a consumer", {}, ["scalerMetadata ONE_OF"]],
    ["both", { provider: "demo/openai", consumer: "submit" }, ["scalerMetadata ONE_OF"]],
    ["a provider without a namespace", { provider: "openai" }, ['scalerMetadata["provider"] OBJECT_NAME']],
    ["a key that nobody knows", { consumer: "submit", lag: "1" }, ['scalerMetadata["lag"] UNKNOWN_FIELD']],
    ["another consumer", { consumer: "results" }, ['scalerMetadata["consumer"] ENUM']],
    ["a threshold of 0", { consumer: "submit", lagThreshold: "0" }, ['scalerMetadata["lagThreshold"] MINIMUM']],
    ["a threshold below 0", { consumer: "submit", lagThreshold: "-1" }, ['scalerMetadata["lagThreshold"] NUMBER']],
    ["a Router that is not there", { consumer: "submit", router: "a/b" }, ['scalerMetadata["router"] UNKNOWN_ROUTER']],
  ];
  for (const [what, metadata, violations] of refused) {
    it(`answers INVALID_ARGUMENT to ${what}`, async () => {
      const failure = await client.failure(isActive, ref(metadata));
      assert.deepEqual([failure.code, failure.violations], ["INVALID_ARGUMENT", violations]);
    });
  }

  it("answers INVALID_ARGUMENT to another metric, and NOT_FOUND for a provider that has no consumer", async () => {
    const request = { scaledObjectRef: ref({ consumer: "submit" }), metricName: "s0-lag" };
    assert.deepEqual((await client.failure(getMetrics, request)).violations, ["metricName ENUM"]);
    const failure = await client.failure(isActive, ref({ provider: "demo/nobody" }));
    assert.deepEqual([failure.code, failure.reason], ["NOT_FOUND", "CONSUMER_UNKNOWN"]);
  });

  it("answers UNAVAILABLE while NATS is away, ends its streams so, and answers again when it is back", async () => {
    const stream = client.serverStream(streamIsActive, ref({ consumer: "submit" }));
    const ended = new Promise<number | undefined>((resolve) => {
      stream.on("error", (error: { code?: number }) => resolve(error.code));
    });
    await new Promise((resolve) => stream.once("data", resolve));
    await nats.kill();
    const failure = await client.failure(isActive, ref({ consumer: "submit" }));
    assert.equal(failure.code, "UNAVAILABLE");
    assert.equal(await ended, 14);
    await nats.start();
    await eventually(() => lagOf({ consumer: "submit" }).catch(() => undefined), {
      deadlineMs: DEADLINE_MS,
      describe: "the lag is known again",
    });
  });

  it("answers UNAVAILABLE where no NATS is configured", async () => {
    const alone = await startTestControlPlane();
    const caller = new TestClient(alone.address);
    const failure = await caller.failure(isActive, ref({ consumer: "submit" }));
    assert.deepEqual([failure.code, failure.reason], ["UNAVAILABLE", "DEPENDENCY_UNAVAILABLE"]);
    caller.close();
    await alone.stop();
  });
});
