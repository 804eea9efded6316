// Control planes while NATS is away, after it came back, and when it came back with nothing.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import { ControlPlaneServiceService as FlowctlService } from "../../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import {
  ComponentKind,
  DiscoverRequest,
  Heartbeat,
  ListRequest,
} from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { ComponentType } from "../../../proto/gen/messages/flowctl/v1/common.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS } from "../../support/nats.ts";
import { type SharedRegistry, startSharedRegistry } from "../../support/shared-registry.ts";

const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
const endpoint = "127.0.0.1:9000";
const DEADLINE_MS = 20_000;
/** Room for a few components. */
const SMALL_BYTES = 4_096;
const MANY = 30;
/** Of each call while NATS is away. */
const CALL_DEADLINE_MS = 2_000;

describe("control planes and a NATS that goes", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let shared: SharedRegistry;
  let replicas: TestControlPlane[];
  let clients: TestClient[];

  const start = async (): Promise<number> => {
    const replica = await startTestControlPlane({ natsUrl: shared.nats.url, replicas: 2 });
    replicas.push(replica);
    clients.push(new TestClient(replica.address));
    return replicas.length - 1;
  };
  const client = (index: number): TestClient => clients[index] as TestClient;
  const until = (condition: () => unknown, describe: string) =>
    eventually(async () => Boolean(await condition()), { deadlineMs: DEADLINE_MS, describe });
  const page = async (index: number, path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${replicas[index]?.healthPort}${path}`);
    assert.equal(answer.status, 200, "it stays ready");
    return answer.text();
  };
  const register = (index: number, processorId: string) =>
    client(index).unary(ControlPlaneService.registerProcessor, { processorId, endpoint, metadata: {} });
  const knows = (index: number, id: string): Promise<boolean> =>
    client(index)
      .unary(RegistryService.get, { kind, id })
      .then(
        () => true,
        () => false,
      );
  const killNats = async (): Promise<void> => {
    await shared.nats.kill();
    for (const index of replicas.keys())
      await until(async () => (await page(index, "/readyz")).includes("disconnected"), "it notices");
  };

  beforeEach(async function () {
    shared = await startSharedRegistry(this);
    replicas = [];
    clients = [];
    await start();
    await start();
  });
  afterEach(async () => {
    for (const one of clients) one.close();
    for (const one of replicas) await one.stop();
    await shared?.stop();
  });

  it("answers every call within its deadline while NATS is away, and tells the others when it is back", async () => {
    await register(0, "before");
    await until(() => knows(1, "before"), "the other one knows it");
    await killNats();

    const deadline = () => ({ deadline: Date.now() + CALL_DEADLINE_MS });
    const name = { kind, id: "before" };
    const heartbeats = [Heartbeat.fromPartial({ ...name, status: "HEALTHY" })];
    const ask = client(0);
    await ask.unary(
      ControlPlaneService.registerProcessor,
      { processorId: "during", endpoint, metadata: {} },
      deadline(),
    );
    const beat = { processorId: "before", status: "HEALTHY", metrics: {}, timestamp: undefined };
    await ask.unary(ControlPlaneService.processorHeartbeat, beat, deadline());
    await ask.unary(RegistryService.batchHeartbeat, { heartbeats }, deadline());
    const { components } = await ask.unary(RegistryService.list, ListRequest.fromPartial({}), deadline());
    assert.deepEqual(components.map(({ id }) => id).sort(), ["before", "during"]);
    const found = await ask.unary(RegistryService.discover, DiscoverRequest.fromPartial({ kind }), deadline());
    assert.equal(found.components.length, 2);
    await ask.unary(RegistryService.get, name, deadline());
    const everything = { typeFilter: ComponentType.COMPONENT_TYPE_PROCESSOR, includeUnhealthy: true };
    await ask.unary(FlowctlService.listComponents, everything, deadline());
    // What one replica alone knew, another would undo: it is refused, and at once.
    const request = { ...name, configuration: { mode: "x" }, expectedRevision: 0n };
    const failure = await ask.failure(RegistryService.configure, request, deadline());
    assert.deepEqual([failure.code, failure.reason], ["UNAVAILABLE", "DEPENDENCY_UNAVAILABLE"]);
    await ask.unary(RegistryService.unregister, { ...name, instance: "" }, deadline());

    const aged = async (): Promise<boolean> =>
      Number(await ask.header(RegistryService.list, ListRequest.fromPartial({}), "beamline-shared-age-ms")) > 1_500;
    await until(aged, "answers say that what is shared is old");
    assert.match(await page(0, "/metrics"), /^controlplane_registry_store_connected 0$/m);

    await shared.nats.start();
    await until(() => knows(1, "during"), "the other one learns what was registered meanwhile");
    await until(async () => !(await knows(1, "before")), "and what was removed");
    await until(() => shared.verdict("during")?.isCandidate, "routers learn it");
    await until(
      () => shared.mirror.state === "current" && shared.verdict("before") === undefined,
      "and that it is gone",
    );
    await ask.unary(RegistryService.configure, { ...request, id: "during" }, deadline());
    assert.match(await page(0, "/metrics"), /^controlplane_registry_store_connected 1$/m);
  });

  it("fills a bucket that came back empty: registrations, verdicts and configurations", async () => {
    for (const id of ["a", "b", "c"]) await register(0, id);
    const configured = { kind, id: "a", configuration: { mode: "kept" }, expectedRevision: 0n };
    const { revision } = await client(0).unary(RegistryService.configure, configured);
    await until(() => shared.verdict("c"), "routers know them");
    await killNats();
    await shared.startEmpty();
    await until(() => shared.mirror.state === "missing", "there is no bucket");
    await register(1, "d");
    await shared.makeBucket();
    await until(() => ["a", "b", "c", "d"].every((id) => shared.verdict(id)?.isCandidate), "verdicts are back");
    await until(() => knows(0, "d"), "what was registered without a bucket is shared");
    // A replica that starts has nothing but the bucket.
    const third = await start();
    for (const id of ["a", "b", "c", "d"]) assert.ok(await knows(third, id), `${id} is in the bucket`);
    await until(async () => {
      const { component } = await client(third).unary(RegistryService.get, { kind, id: "a" });
      return component?.configuration?.desiredRevision === revision;
    }, "the configuration is back");
  });

  it("serves from memory what a full bucket does not take, says so, and writes it when there is room", async () => {
    await shared.removeBucket();
    await until(async () => (await page(0, "/readyz")).includes("missing"), "it says that the bucket is missing");
    await shared.makeBucket(SMALL_BYTES);
    await until(async () => (await page(0, "/readyz")).includes("current"), "it reads the small one");
    const ids = Array.from({ length: MANY }, (_, index) => `many-${index}`);
    for (const id of ids) await register(0, id);
    await until(async () => /last write failed: .*maximum bytes/.test(await page(0, "/readyz")), "it says why");
    assert.match(await page(0, "/metrics"), /^controlplane_registry_writes_total\{outcome="full"\} [1-9]/m);
    for (const id of ids) assert.ok(await knows(0, id));
    await shared.removeBucket();
    await until(() => shared.mirror.state === "missing", "it is gone");
    await shared.makeBucket();
    for (const id of ids) await until(() => knows(1, id), `the other one knows ${id}`);
    await until(() => ids.every((id) => shared.verdict(id)?.isCandidate), "routers know all");
    await until(async () => !/failed/.test(await page(0, "/readyz")), "nothing fails any more");
  });

  it("starts without NATS, serves, and shares when NATS comes", async () => {
    await shared.nats.kill();
    const late = await start();
    await register(late, "alone");
    assert.ok(await knows(late, "alone"));
    assert.match(await page(late, "/readyz"), /disconnected, never read/);
    const header = await client(late).header(
      RegistryService.list,
      ListRequest.fromPartial({}),
      "beamline-shared-age-ms",
    );
    assert.equal(header, "unknown");
    await shared.nats.start();
    await until(() => knows(0, "alone"), "another one knows it");
    await until(() => shared.verdict("alone")?.isCandidate, "routers know it");
  });
});
