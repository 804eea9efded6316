// beamline.control.v1.Registry over a real connection: reading, discovery, removal, heartbeats of many, configuration.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "mocha";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import {
  ComponentKind,
  Heartbeat,
  type HeartbeatsResponse,
  ListOrder,
  ListRequest,
  type WatchConfigurationResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { readStream } from "../support/read-stream.ts";

const PROCESSOR = ComponentKind.COMPONENT_KIND_PROCESSOR;
const SOURCE = ComponentKind.COMPONENT_KIND_SOURCE;
const { registerProcessor, registerSource, processorHeartbeat } = ControlPlaneService;
const endpoint = "127.0.0.1:9000";

describe("beamline.control.v1.Registry", () => {
  let server: TestControlPlane;
  let client: TestClient;

  const register = (processorId: string, metadata: Record<string, string> = {}) =>
    client.unary(registerProcessor, { processorId, endpoint, metadata });
  const beat = (id: string, more: Partial<Heartbeat> = {}) =>
    Heartbeat.fromPartial({ kind: PROCESSOR, id, status: "HEALTHY", ...more });
  const ids = async (request: Parameters<typeof ListRequest.fromPartial>[0]) => {
    const { components } = await client.unary(RegistryService.list, ListRequest.fromPartial(request));
    return components.map(({ id }) => id);
  };

  before(async () => {
    server = await startTestControlPlane();
    client = new TestClient(server.address);
    for (const id of ["a", "b", "c", "d", "e"]) await register(id, { zone: id < "c" ? "west" : "east" });
    await client.unary(registerSource, {
      sourceId: "feed",
      endpoint: "",
      metadata: { output_event_types: "trade.v1" },
    });
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it("lists by page, each component once", async () => {
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await client.unary(RegistryService.list, ListRequest.fromPartial({ pageSize: 2, pageToken }));
      assert.ok(page.components.length <= 2);
      seen.push(...page.components.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    assert.deepEqual(seen, ["a", "b", "c", "d", "e", "feed"]);
  });

  it("filters by kind, property, status and event type, and orders", async () => {
    assert.deepEqual(await ids({ filter: { kinds: [SOURCE] } }), ["feed"]);
    assert.deepEqual(await ids({ filter: { metadata: { zone: "west" } } }), ["a", "b"]);
    assert.deepEqual(await ids({ filter: { eventTypes: ["trade.v1"] } }), ["feed"]);
    await client.unary(processorHeartbeat, {
      processorId: "d",
      timestamp: undefined,
      metrics: {},
      status: "UNHEALTHY",
    });
    assert.deepEqual(await ids({ filter: { statuses: ["unhealthy"] } }), ["d"]);
    assert.deepEqual(await ids({ order: ListOrder.LIST_ORDER_LAST_SEEN_AT, pageSize: 1 }), ["d"]);
  });

  it("refuses a page token of another list, a negative page and an unknown order", async () => {
    const page = await client.unary(RegistryService.list, ListRequest.fromPartial({ pageSize: 1 }));
    const order = ListOrder.LIST_ORDER_LAST_SEEN_AT;
    for (const [request, violation] of [
      [{ pageToken: page.nextPageToken, order }, "page_token PAGE_TOKEN"],
      [{ pageToken: "nonsense" }, "page_token PAGE_TOKEN"],
      [{ pageSize: -1 }, "page_size MINIMUM"],
      [{ order: 77 as ListOrder }, "order KNOWN"],
    ] as const) {
      const failure = await client.failure(RegistryService.list, ListRequest.fromPartial(request));
      assert.deepEqual(failure.violations, [violation]);
    }
  });

  it("answers with fewer components than asked for rather than with more than clients take", async () => {
    const large = await startTestControlPlane();
    const own = new TestClient(large.address);
    try {
      const metadata = Object.fromEntries(["k", "l", "m", "n"].map((key) => [key, key.repeat(4_000)]));
      for (let i = 0; i < 200; i++) await own.unary(registerProcessor, { processorId: `p-${i}`, endpoint, metadata });
      const page = await own.unary(RegistryService.list, ListRequest.fromPartial({ pageSize: 1_000 }));
      assert.ok(page.components.length < 200 && page.nextPageToken !== "", `${page.components.length} components`);
      const found = await own.unary(RegistryService.discover, {
        inputEventTypes: [],
        outputEventTypes: [],
        kind: PROCESSOR,
        metadata: {},
      });
      assert.ok(found.components.length > 0 && found.components.length < 200);
    } finally {
      own.close();
      await large.stop();
    }
  });

  it("discovers who may be sent messages, and not who is unhealthy", async () => {
    await register("taker", { input_event_types: "trade.v1" });
    await register("sick", { input_event_types: "trade.v1" });
    const discover = async () => {
      const request = { inputEventTypes: ["trade.v1"], outputEventTypes: [], kind: PROCESSOR, metadata: {} };
      const { components } = await client.unary(RegistryService.discover, request);
      return components.map(({ id }) => id).toSorted();
    };
    assert.deepEqual(await discover(), ["sick", "taker"]);
    await client.unary(processorHeartbeat, {
      processorId: "sick",
      timestamp: undefined,
      metrics: {},
      status: "STOPPING",
    });
    assert.deepEqual(await discover(), ["taker"]);
  });

  it("unregisters, but not the successor of the instance that asks", async () => {
    await register("brief", { instance_id: "one" });
    await register("brief", { instance_id: "two" });
    const stale = await client.failure(RegistryService.unregister, { kind: PROCESSOR, id: "brief", instance: "one" });
    assert.deepEqual([stale.code, stale.reason], ["NOT_FOUND", "INSTANCE_SUPERSEDED"]);
    await client.unary(RegistryService.unregister, { kind: PROCESSOR, id: "brief", instance: "two" });
    const gone = await client.failure(RegistryService.get, { kind: PROCESSOR, id: "brief" });
    assert.deepEqual([gone.code, gone.reason], ["NOT_FOUND", "COMPONENT_UNKNOWN"]);
  });

  it("refuses a request that names no kind", async () => {
    const failure = await client.failure(RegistryService.get, { kind: 0, id: "a b" });
    assert.deepEqual(failure.violations, ["kind REQUIRED", "id ID"]);
  });

  it("takes the heartbeats of a batch that it can, and tells of the others by their place", async () => {
    await register("fenced", { instance_id: "new" });
    const heartbeats = [
      beat("a"),
      beat("nobody"),
      beat("fenced", { instance: "old" }),
      beat("b", { metrics: { load: Number.NaN } }),
      beat("fenced", { instance: "new" }),
      beat("c", { kind: ComponentKind.COMPONENT_KIND_UNSPECIFIED }),
    ];
    const { accepted, failures } = await client.unary(RegistryService.batchHeartbeat, { heartbeats });
    assert.equal(accepted, 2);
    assert.deepEqual(
      failures.map(({ index, code }) => [index, code]),
      [
        [1, 5],
        [2, 5],
        [3, 3],
        [5, 3],
      ],
    );
  });

  for (const count of [0, 501]) {
    it(`refuses a batch of ${count} heartbeats`, async () => {
      const heartbeats = Array.from({ length: count }, () => beat("a"));
      const failure = await client.failure(RegistryService.batchHeartbeat, { heartbeats });
      assert.deepEqual(failure.violations, ["heartbeats COUNT"]);
    });
  }

  it("answers each request of a heartbeat stream in order, also when they come faster than they are read", async () => {
    const stream = client.bidiStream(RegistryService.heartbeats);
    const answers = readStream<HeartbeatsResponse>(stream);
    for (let i = 0; i < 200; i++) stream.write({ heartbeats: [beat("a"), ...(i % 2 === 0 ? [] : [beat("nobody")])] });
    for (let i = 0; i < 200; i++) assert.equal((await answers.next())?.failures.length, i % 2, `answer ${i}`);
    stream.end();
    assert.equal(await answers.next(), undefined);
  });

  it("ends a heartbeat stream with the fields that are wrong in it", async () => {
    const stream = client.bidiStream(RegistryService.heartbeats);
    stream.write({ heartbeats: [] });
    stream.resume();
    const [error] = (await once(stream, "error")) as [{ code: number }];
    assert.equal(error.code, 3);
  });

  it("gives a component its configuration now and after changes, and shows what became of it", async () => {
    await register("tuned");
    const name = { kind: PROCESSOR, id: "tuned" };
    const configurations = readStream<WatchConfigurationResponse>(
      client.serverStream(RegistryService.watchConfiguration, name),
    );
    assert.equal((await configurations.next())?.revision, 0n);
    const configure = (configuration: Record<string, unknown>, expectedRevision = 0n) =>
      client.unary(RegistryService.configure, { ...name, configuration, expectedRevision });
    const first = await configure({ width: 3, deep: { b: 1, a: [null, true, "x"] } });
    const told = await configurations.next();
    assert.deepEqual(
      [told?.revision, told?.digest, told?.configuration],
      [first.revision, first.digest, { width: 3, deep: { b: 1, a: [null, true, "x"] } }],
    );
    // Equal but for the order of keys: another revision, the same digest.
    const second = await configure({ deep: { a: [null, true, "x"], b: 1 }, width: 3 }, first.revision);
    assert.equal(second.digest, first.digest);
    assert.ok(second.revision > first.revision);
    assert.equal((await configurations.next())?.revision, second.revision);
    const configuration = {
      appliedRevision: first.revision,
      refusedRevision: second.revision,
      error: "width must be even",
    };
    await client.unary(RegistryService.batchHeartbeat, { heartbeats: [beat("tuned", { configuration })] });
    const { component } = await client.unary(RegistryService.get, name);
    const { desiredRevision, appliedRevision, error } = component?.configuration ?? {};
    assert.deepEqual(
      [desiredRevision, appliedRevision, error],
      [second.revision, first.revision, "width must be even"],
    );
    const conflict = await client.failure(RegistryService.configure, {
      ...name,
      configuration: {},
      expectedRevision: first.revision,
    });
    assert.deepEqual([conflict.code, conflict.reason], ["ABORTED", "REVISION_CONFLICT"]);
    await client.unary(RegistryService.unregister, { ...name, instance: "" });
    await assert.rejects(configurations.next(), { code: 5 });
  });

  it("refuses a configuration that is too large, none, or for nobody", async () => {
    const name = { kind: PROCESSOR, id: "a", expectedRevision: 0n };
    const large = await client.failure(RegistryService.configure, {
      ...name,
      configuration: { x: "x".repeat(65_536) },
    });
    assert.deepEqual(large.violations, ["configuration TOO_LONG"]);
    const none = await client.failure(RegistryService.configure, { ...name, configuration: undefined });
    assert.deepEqual(none.violations, ["configuration REQUIRED"]);
    const nobody = await client.failure(RegistryService.configure, { ...name, id: "nobody", configuration: {} });
    assert.equal(nobody.code, "NOT_FOUND");
  });
});
