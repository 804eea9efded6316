// The six calls of obsrvr.flow.controlplane.ControlPlane over a real connection: success, the codes of failure, and their fields.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind, Liveness } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";

const { registerProcessor, registerSource, registerConsumer } = ControlPlaneService;
const { processorHeartbeat, sourceHeartbeat, consumerHeartbeat } = ControlPlaneService;

const endpoint = "127.0.0.1:9000";
const beat = { timestamp: undefined, metrics: { queue: 3 }, status: "healthy" };

describe("obsrvr.flow.controlplane.ControlPlane", () => {
  let server: TestControlPlane;
  let client: TestClient;

  const get = async (kind: ComponentKind, id: string) => {
    const { component } = await client.unary(RegistryService.get, { kind, id });
    assert.ok(component);
    return component;
  };

  before(async () => {
    server = await startTestControlPlane();
    client = new TestClient(server.address);
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it("registers a component of each kind under its id, and takes its heartbeats", async () => {
    const metadata = { version: "1.2", output_event_types: "ledger.v1, trade.v1" };
    assert.deepEqual(
      { ...(await client.unary(registerProcessor, { processorId: "p-1", endpoint, metadata })), _unknownFields: 0 },
      { processorId: "p-1", success: true, message: "", _unknownFields: 0 },
    );
    assert.equal((await client.unary(registerSource, { sourceId: "s-1", endpoint, metadata })).sourceId, "s-1");
    assert.equal((await client.unary(registerConsumer, { consumerId: "c-1", endpoint, metadata })).consumerId, "c-1");
    for (const answer of [
      await client.unary(processorHeartbeat, { processorId: "p-1", ...beat }),
      await client.unary(sourceHeartbeat, { sourceId: "s-1", ...beat }),
      await client.unary(consumerHeartbeat, { consumerId: "c-1", ...beat }),
    ])
      assert.deepEqual([answer.success, answer.message], [true, ""]);
    const component = await get(ComponentKind.COMPONENT_KIND_PROCESSOR, "p-1");
    assert.deepEqual(
      [component.endpoint, component.status, component.liveness, component.metrics.queue, component.metadata.version],
      [endpoint, "healthy", Liveness.LIVENESS_LIVE, 3, "1.2"],
    );
    assert.deepEqual(component.outputEventTypes, ["ledger.v1", "trade.v1"]);
  });

  it("keeps one id apart by kind", async () => {
    await client.unary(registerSource, { sourceId: "twin", endpoint, metadata: {} });
    const failure = await client.failure(consumerHeartbeat, { consumerId: "twin", ...beat });
    assert.equal(failure.code, "NOT_FOUND");
  });

  it("makes up an id for who has none", async () => {
    const { processorId } = await client.unary(registerProcessor, { processorId: "", endpoint, metadata: {} });
    assert.match(processorId, /^processor-[0-9a-f]{24}$/);
    await client.unary(processorHeartbeat, { processorId, ...beat });
  });

  it("answers NOT_FOUND to heartbeats of an id that is not registered, so that its component registers", async () => {
    const failure = await client.failure(processorHeartbeat, { processorId: "nobody", ...beat });
    assert.deepEqual(failure, {
      code: "NOT_FOUND",
      message: 'no processor "nobody" is registered: register it',
      reason: "COMPONENT_UNKNOWN",
      values: { kind: "processor", id: "nobody" },
    });
  });

  const refused: readonly [
    string,
    { processorId?: string; endpoint?: string; metadata?: Record<string, string> },
    string[],
  ][] = [
    ["an id with a space", { processorId: "a b" }, ["processor_id ID"]],
    ["an id that is too long", { processorId: "x".repeat(129) }, ["processor_id ID"]],
    ["no endpoint", { endpoint: "" }, ["endpoint REQUIRED"]],
    ["an endpoint without a port", { endpoint: "example" }, ["endpoint ENDPOINT"]],
    ["an endpoint with a password", { endpoint: "grpc://u:p@example:80" }, ["endpoint ENDPOINT_CREDENTIALS"]],
    ["a value that is too long", { metadata: { note: "x".repeat(4_097) } }, ['metadata["note"] TOO_LONG']],
    [
      "metadata that is too large in all",
      { metadata: Object.fromEntries(["a", "b", "c", "d", "e"].map((key) => [key, "x".repeat(4_000)])) },
      ["metadata TOO_LONG"],
    ],
    ["two things at once", { processorId: "a b", endpoint: "example" }, ["processor_id ID", "endpoint ENDPOINT"]],
  ];
  for (const [what, change, violations] of refused) {
    it(`answers INVALID_ARGUMENT to ${what}, and names the field`, async () => {
      const request = { processorId: "p-2", endpoint, metadata: {}, ...change };
      const failure = await client.failure(registerProcessor, request);
      assert.deepEqual(
        [failure.code, failure.reason, failure.violations],
        ["INVALID_ARGUMENT", "FIELDS_INVALID", violations],
      );
    });
  }

  it("names the field by the request's own name for each kind", async () => {
    const source = await client.failure(registerSource, { sourceId: "a b", endpoint, metadata: {} });
    assert.deepEqual(source.violations, ["source_id ID"]);
    const consumer = await client.failure(consumerHeartbeat, { consumerId: "", ...beat });
    assert.deepEqual(consumer.violations, ["consumer_id ID"]);
  });

  it("answers INVALID_ARGUMENT to metrics that are no numbers, and keeps what was reported before", async () => {
    await client.unary(registerProcessor, { processorId: "p-3", endpoint, metadata: {} });
    await client.unary(processorHeartbeat, { processorId: "p-3", ...beat });
    const metrics = { queue: Number.NaN, rate: Number.POSITIVE_INFINITY };
    const failure = await client.failure(processorHeartbeat, { processorId: "p-3", ...beat, metrics });
    assert.deepEqual(failure.violations, ['metrics["queue"] FINITE', 'metrics["rate"] FINITE']);
    assert.equal((await get(ComponentKind.COMPONENT_KIND_PROCESSOR, "p-3")).metrics.queue, 3);
  });

  it("keeps a status that it does not know as it was written", async () => {
    await client.unary(registerProcessor, { processorId: "p-4", endpoint, metadata: {} });
    await client.unary(processorHeartbeat, { processorId: "p-4", ...beat, status: "Warming up" });
    assert.equal((await get(ComponentKind.COMPONENT_KIND_PROCESSOR, "p-4")).status, "Warming up");
  });
});

describe("a component that goes silent", function () {
  this.timeout(30_000);
  let server: TestControlPlane;
  let client: TestClient;

  before(async () => {
    server = await startTestControlPlane({ ttlMs: 1_000 });
    client = new TestClient(server.address);
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it("becomes late, then lost, and live again with its next heartbeat", async () => {
    await client.unary(registerProcessor, { processorId: "p-1", endpoint, metadata: {} });
    const liveness = async () => {
      const { component } = await client.unary(RegistryService.get, {
        kind: ComponentKind.COMPONENT_KIND_PROCESSOR,
        id: "p-1",
      });
      return component?.liveness;
    };
    for (const wanted of [Liveness.LIVENESS_LATE, Liveness.LIVENESS_LOST])
      await eventually(async () => (await liveness()) === wanted, {
        deadlineMs: 5_000,
        describe: `liveness ${wanted}`,
      });
    await client.unary(processorHeartbeat, { processorId: "p-1", ...beat });
    assert.equal(await liveness(), Liveness.LIVENESS_LIVE);
  });
});

describe("a full registry", () => {
  it("answers RESOURCE_EXHAUSTED and when to come back, and still takes whoever is in it", async () => {
    const server = await startTestControlPlane({ maxComponents: 1 });
    const client = new TestClient(server.address);
    try {
      await client.unary(registerProcessor, { processorId: "p-1", endpoint, metadata: {} });
      const failure = await client.failure(registerProcessor, { processorId: "p-2", endpoint, metadata: {} });
      assert.deepEqual(
        [failure.code, failure.reason, failure.retryAfterMs],
        ["RESOURCE_EXHAUSTED", "REGISTRY_FULL", 30_000],
      );
      await client.unary(registerProcessor, { processorId: "p-1", endpoint, metadata: {} });
    } finally {
      client.close();
      await server.stop();
    }
  });
});
