// Three control planes and one registry: what one is told, all know; routers are told by the one that leads.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { REGISTRY_BUCKET } from "../../../core/handover/subjects.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import {
  type Component,
  ComponentKind,
  Heartbeat,
  ListRequest,
  Liveness,
  type WatchConfigurationResponse,
} from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { putKey } from "../../../runtime/nats/kv.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS } from "../../support/nats.ts";
import { readStream } from "../../support/read-stream.ts";
import { type SharedRegistry, startSharedRegistry } from "../../support/shared-registry.ts";

const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
const endpoint = "127.0.0.1:9000";
const REPLICAS = 3;
/** In which a change reaches routers. */
const VERDICT_DEADLINE_MS = 1_000;
const DEADLINE_MS = 15_000;

describe("control planes that share a registry", function () {
  this.timeout(60_000);
  let shared: SharedRegistry;
  const replicas: TestControlPlane[] = [];
  const clients: TestClient[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    shared = await startSharedRegistry(this);
    for (let index = 0; index < REPLICAS; index++) {
      const replica = await startTestControlPlane({ natsUrl: shared.nats.url, replicas: REPLICAS });
      replicas.push(replica);
      clients.push(new TestClient(replica.address));
    }
    await until(async () => (await leaders()) === 1, "one replica leads");
  });
  after(async () => {
    for (const client of clients) client.close();
    for (const replica of replicas) await replica.stop();
    await shared?.stop();
  });

  const client = (index: number): TestClient => clients[index] as TestClient;
  const until = (condition: () => unknown, describe: string, deadlineMs = DEADLINE_MS) =>
    eventually(async () => Boolean(await condition()), { deadlineMs, describe });
  const page = async (replica: TestControlPlane, path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${replica.healthPort}${path}`)).text();
  const leaders = async (): Promise<number> => {
    const pages = await Promise.all(replicas.map((replica) => page(replica, "/metrics")));
    return pages.filter((text) => /^controlplane_registry_leader 1$/m.test(text)).length;
  };
  const register = (index: number, processorId: string, metadata: Record<string, string> = {}) =>
    client(index).unary(ControlPlaneService.registerProcessor, { processorId, endpoint, metadata });
  const report = (index: number, processorId: string, status: string) =>
    client(index).unary(ControlPlaneService.processorHeartbeat, {
      processorId,
      status,
      metrics: { queue: 3 },
      timestamp: undefined,
    });
  const beat = (index: number, id: string, instance: string) =>
    client(index).unary(RegistryService.batchHeartbeat, {
      heartbeats: [Heartbeat.fromPartial({ kind, id, instance, status: "HEALTHY" })],
    });
  const get = async (index: number, id: string): Promise<Component | undefined> =>
    client(index)
      .unary(RegistryService.get, { kind, id })
      .then(
        ({ component }) => component,
        () => undefined,
      );
  const everywhere = async (id: string, condition: (component: Component | undefined) => boolean): Promise<boolean> => {
    const found = await Promise.all(replicas.map((_, index) => get(index, id)));
    return found.every(condition);
  };

  it("a registration, what it reports, an update and the end of it are known to every replica and to routers", async () => {
    const metadata = { input_event_types: "image.v1", max_concurrent: "4", provider: "demo/images" };
    await register(0, "a", metadata);
    await until(() => shared.verdict("a")?.isCandidate, "routers know of it", VERDICT_DEADLINE_MS);
    const { provider, maxConcurrent, liveness, inputEventTypes } = shared.verdict("a") ?? {};
    assert.deepEqual(
      { provider, maxConcurrent, liveness, inputEventTypes },
      { provider: "demo/images", maxConcurrent: 4, liveness: "live", inputEventTypes: ["image.v1"] },
    );
    await until(() => everywhere("a", (component) => component !== undefined), "every replica knows of it");
    for (const [index, status] of [
      [1, "UNHEALTHY"],
      [2, "HEALTHY"],
      [0, "STOPPING"],
    ] as const) {
      await report(index, "a", status);
      const says = `routers know that it is ${status}`;
      await until(() => shared.verdict("a")?.reported === status, says, VERDICT_DEADLINE_MS);
      assert.equal(shared.verdict("a")?.isCandidate, status === "HEALTHY");
      const known = (component: Component | undefined): boolean =>
        component?.status === status && component.metrics.queue === 3;
      await until(() => everywhere("a", known), `every replica knows that it is ${status}`);
    }
    await client(1).unary(RegistryService.unregister, { kind, id: "a", instance: "" });
    await until(() => shared.verdict("a") === undefined, "routers forget it", VERDICT_DEADLINE_MS);
    await until(() => everywhere("a", (component) => component === undefined), "every replica forgets it");
  });

  it("an instance that takes over on one replica fences the one before on all", async () => {
    await register(0, "b", { instance_id: "first" });
    await until(() => everywhere("b", (component) => component?.instance === "first"), "all know the first");
    await register(1, "b", { instance_id: "second" });
    await until(() => everywhere("b", (component) => component?.instance === "second"), "all know the second");
    for (const index of replicas.keys()) {
      const { failures } = await beat(index, "b", "first");
      assert.match(failures[0]?.message ?? "", /another instance/);
      assert.deepEqual((await beat(index, "b", "second")).failures, []);
    }
    await until(() => shared.verdict("b")?.instance === "second", "routers call the second", VERDICT_DEADLINE_MS);
  });

  it("a component lives for all replicas while one of them hears it, and is lost for all when none does", async () => {
    await register(0, "c", { heartbeat_ttl: "4s" });
    const lost = (component: Component | undefined): boolean => component?.liveness === Liveness.LIVENESS_LOST;
    const silentAtMs = Date.now() + 8_000;
    const isOver = async (): Promise<boolean> => {
      await report(0, "c", "HEALTHY");
      for (const index of replicas.keys()) assert.ok(!lost(await get(index, "c")), `lost for replica ${index}`);
      return Date.now() >= silentAtMs;
    };
    // A failure is no reason to wait on: it is told at once.
    let failure: unknown;
    const isOverOrWrong = () =>
      isOver().catch((error: unknown) => {
        failure = error;
        return true;
      });
    await eventually(isOverOrWrong, { deadlineMs: DEADLINE_MS, describe: "two times to live are over", everyMs: 500 });
    assert.equal(failure, undefined);
    await until(() => everywhere("c", lost), "every replica says that it is lost", 6_000);
    await until(() => shared.verdict("c")?.liveness === "lost", "routers know", VERDICT_DEADLINE_MS);
    assert.equal(shared.verdict("c")?.isCandidate, false);
    await report(2, "c", "HEALTHY");
    await until(() => shared.verdict("c")?.isCandidate, "one heartbeat brings it back", VERDICT_DEADLINE_MS);
  });

  it("a configuration is written by one replica at a time and known to all", async () => {
    await register(0, "d");
    await until(() => everywhere("d", (component) => component !== undefined), "all know it");
    const stream = client(2).serverStream(RegistryService.watchConfiguration, { kind, id: "d" });
    stream.on("error", () => undefined);
    const reader = readStream<WatchConfigurationResponse>(stream);
    assert.equal((await reader.next())?.revision, 0n);
    const configure = (index: number, mode: string, expectedRevision: bigint) =>
      client(index).unary(RegistryService.configure, { kind, id: "d", configuration: { mode }, expectedRevision });
    const first = await configure(0, "one", 0n);
    const told = await reader.next();
    assert.deepEqual([told?.revision, told?.configuration], [first.revision, { mode: "one" }]);
    const known = (component: Component | undefined): boolean =>
      component?.configuration?.desiredRevision === first.revision;
    await until(() => everywhere("d", known), "all know the configuration");
    const both = await Promise.allSettled([0, 1, 2].map((index) => configure(index, `by ${index}`, first.revision)));
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1, "one of three at once");
    const second = await reader.next();
    assert.match(JSON.stringify(second?.configuration), /by \d/);
    stream.cancel();
  });

  it("an entry that is none is ignored, counted, and written over when the component is known", async () => {
    const put = async (key: string, text: string): Promise<void> => {
      const stored = await putKey(shared.link.mux, REGISTRY_BUCKET, key, Buffer.from(text), { timeoutMs: DEADLINE_MS });
      assert.equal(stored.kind, "stored");
    };
    await register(0, "e");
    await until(() => shared.verdict("e"), "routers know of it");
    const id = Buffer.from("e").toString("base64url");
    for (const key of [`verdict.processor.${id}`, `registration.processor.${id}`, "registration.processor", "x"])
      await put(key, "{}");
    await register(0, "late");
    await until(() => everywhere("late", (component) => component !== undefined), "every replica knows it");
    const old = { instance: "old", endpoint, metadata: {}, ttlMs: 30_000, registeredAtMs: 1, seq: 1, seenAtMs: 1 };
    const capabilities = { inputEventTypes: [], outputEventTypes: [], source: "metadata" };
    // As of a replica whose write was long under way.
    await put(
      `registration.processor.${Buffer.from("late").toString("base64url")}`,
      JSON.stringify({ ...old, capabilities }),
    );
    const ignored = async (): Promise<boolean> =>
      (await Promise.all(replicas.map((replica) => page(replica, "/metrics")))).every((text) =>
        /^controlplane_registry_ignored_entries_total [3-9]/m.test(text),
      );
    await until(ignored, "every replica counts them");
    const late = await startTestControlPlane({ natsUrl: shared.nats.url, replicas: REPLICAS });
    const newcomer = new TestClient(late.address);
    const found = await newcomer.unary(RegistryService.get, { kind, id: "e" });
    assert.equal(found.component?.id, "e", "a replica that starts reads what was put right");
    const latest = await newcomer.unary(RegistryService.get, { kind, id: "late" });
    assert.notEqual(latest.component?.instance, "old", "an older registration does not stand over a newer one");
    assert.notEqual((await get(0, "late"))?.instance, "old");
    newcomer.close();
    await late.stop();
  });

  it("says how old what it knows of the others is", async () => {
    await until(
      async () => /shared registry current, \d s old/.test(await page(replicas[0] as TestControlPlane, "/readyz")),
      "readyz says so",
    );
    const header = await client(0).header(
      RegistryService.list,
      ListRequest.fromPartial({ pageSize: 1 }),
      "beamline-shared-age-ms",
    );
    assert.ok(Number(header) < DEADLINE_MS, `${header}`);
  });
});
