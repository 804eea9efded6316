// Components belong to whoever registered them: on every way to heartbeat, unregister and register, with API keys and over NATS.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import { entryKey } from "../../core/registry/entries.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ControlPlaneServiceService as FlowctlService } from "../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import {
  ComponentKind,
  Heartbeat,
  type HeartbeatsResponse,
  Liveness,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { ComponentInfo, ComponentType, HealthStatus } from "../../proto/gen/messages/flowctl/v1/common.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { createLogger } from "../../runtime/log.ts";
import { putKey } from "../../runtime/nats/kv.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { readStream } from "../support/read-stream.ts";
import { type SharedRegistry, startSharedRegistry } from "../support/shared-registry.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const { registerProcessor, registerSource, processorHeartbeat } = ControlPlaneService;
const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
const endpoint = "127.0.0.1:9000";
const ROLES = { ours: "component", theirs: "component", operator: "operator", admin: "admin" } as const;
type Name = keyof typeof ROLES;
const DEADLINE_MS = 20_000;
const FOREIGN = /^processor "p" was registered by api-key:ours: only it, or who may act on components of others, /;

describe("components of callers with API keys", function () {
  this.timeout(60_000);
  let temp: TempDir;
  let shared: SharedRegistry;
  const replicas: TestControlPlane[] = [];
  const clients: TestClient[] = [];
  const lines: string[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    temp = await makeTempDir("beamline-owners-");
    const apiKeysFile = join(temp.path, "api-keys");
    const digest = (name: string): string => createHash("sha256").update(`key-${name}`).digest("hex");
    const file = Object.entries(ROLES).map(([name, role]) => `${name} ${role} sha256:${digest(name)}\n`);
    await writeFile(apiKeysFile, file.join(""));
    shared = await startSharedRegistry(this);
    const log = createLogger({ service: "test", stream: { write: (text: string) => lines.push(text) } });
    for (let index = 0; index < 2; index++)
      replicas.push(
        await startTestControlPlane({ auth: "api-key", apiKeysFile, natsUrl: shared.nats.url, replicas: 2 }, log),
      );
  });

  after(async () => {
    for (const each of clients) each.close();
    for (const replica of replicas) await replica.stop();
    await shared?.stop();
    await temp.remove();
  });

  const as = (name: Name, replica = 0): TestClient => {
    const made = new TestClient((replicas[replica] as TestControlPlane).address, undefined, {}, `key-${name}`);
    clients.push(made);
    return made;
  };
  const wanted = (processorId: string, metadata: Record<string, string> = {}) => ({ processorId, endpoint, metadata });
  const said = (processorId: string) => ({ processorId, status: "STOPPING", metrics: {}, timestamp: undefined });
  const beat = (id: string) => Heartbeat.fromPartial({ kind, id, status: "STOPPING" });
  const component = (id: string) => ({
    component: ComponentInfo.fromPartial({ id, type: ComponentType.COMPONENT_TYPE_PROCESSOR, endpoint }),
    componentId: "",
  });
  const stopping = (serviceId: string) => ({ serviceId, status: HealthStatus.HEALTH_STATUS_STOPPING, metrics: {} });
  const get = async (id: string, replica = 0) =>
    (await as("admin", replica).unary(RegistryService.get, { kind, id })).component;
  const until = (condition: () => Promise<boolean>, describe: string) =>
    eventually(condition, { deadlineMs: DEADLINE_MS, describe });

  it("are spoken for by who registered them and by operators, and by no other component", async () => {
    await as("ours").unary(registerProcessor, wanted("p", { instance_id: "a" }));
    const before = await get("p");
    const stranger = as("theirs");
    const refused = [
      await stranger.failure(processorHeartbeat, said("p")),
      await stranger.failure(registerProcessor, wanted("p")),
      await stranger.failure(registerProcessor, wanted("p", { instance_id: "a" })),
      await stranger.failure(RegistryService.unregister, { kind, id: "p", instance: "" }),
      await stranger.failure(RegistryService.unregister, { kind, id: "p", instance: "a" }),
      await stranger.failure(FlowctlService.registerComponent, component("p")),
      await stranger.failure(FlowctlService.unregisterComponent, { serviceId: "p" }),
      await stranger.failure(FlowctlService.heartbeat, stopping("p")),
    ];
    for (const { code, reason, message } of refused) {
      assert.deepEqual([code, reason], ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
      assert.match(message, FOREIGN);
    }
    const denials = lines.map((text) => JSON.parse(text)).filter(({ message }) => message === "audit denial");
    assert.equal(denials.length, refused.length);
    assert.deepEqual([denials[0].caller, denials[0].outcome], ["theirs", "PERMISSION_DENIED"]);
    assert.match(denials[0].reason, FOREIGN);
    assert.deepEqual(await get("p"), before, "nothing of it has changed");
    for (const name of ["ours", "operator", "admin"] as const) await as(name).unary(processorHeartbeat, said("p"));
    assert.equal((await get("p"))?.status, "STOPPING");
    await as("operator").unary(registerProcessor, wanted("p"));
    assert.equal((await as("ours").failure(processorHeartbeat, said("p"))).code, "PERMISSION_DENIED");
    await as("admin").unary(RegistryService.unregister, { kind, id: "p", instance: "" });
    await as("theirs").unary(registerProcessor, wanted("p"));
  });

  it("are told apart within one batch and on one stream", async () => {
    await as("ours").unary(registerProcessor, wanted("batch-a"));
    await as("theirs").unary(registerProcessor, wanted("batch-b"));
    const heartbeats = [beat("batch-a"), beat("nobody"), beat("batch-b"), beat("batch-a")];
    const expected = [
      [0, "PERMISSION_DENIED"],
      [1, "COMPONENT_UNKNOWN"],
      [3, "PERMISSION_DENIED"],
    ];
    const show = ({ failures }: HeartbeatsResponse) => failures.map(({ index, reason }) => [index, reason]);
    const answer = await as("theirs").unary(RegistryService.batchHeartbeat, { heartbeats });
    assert.deepEqual([answer.accepted, show(answer)], [1, expected]);
    const stream = as("theirs").bidiStream(RegistryService.heartbeats);
    stream.write({ heartbeats });
    const streamed = await readStream<HeartbeatsResponse>(stream).next();
    assert.deepEqual(show(streamed as HeartbeatsResponse), expected);
    stream.end();
    assert.equal((await get("batch-a"))?.status, "STARTING");
  });

  it("of one id and several kinds are not mixed up by calls that name no kind", async () => {
    await as("ours").unary(registerProcessor, wanted("kinds"));
    await as("theirs").unary(registerSource, { sourceId: "kinds", endpoint, metadata: {} });
    await as("ours").unary(FlowctlService.heartbeat, stopping("kinds"));
    assert.equal((await get("kinds"))?.status, "STOPPING");
  });

  it("go to whoever registers once they are lost, after a heartbeat was answered that nobody has the id", async () => {
    await as("ours").unary(registerProcessor, wanted("brief", { heartbeat_ttl: "1s" }));
    const stranger = as("theirs");
    await until(async () => (await get("brief"))?.liveness === Liveness.LIVENESS_LOST, "it is lost");
    assert.equal((await stranger.failure(processorHeartbeat, said("brief"))).reason, "COMPONENT_UNKNOWN");
    await stranger.unary(registerProcessor, wanted("brief"));
    assert.equal((await as("ours").failure(processorHeartbeat, said("brief"))).code, "PERMISSION_DENIED");
  });

  it("have the same owner on every replica, and one that starts reads it from the bucket", async () => {
    await as("ours", 0).unary(registerProcessor, wanted("q"));
    await until(async () => get("q", 1).then(Boolean, () => false), "the other replica knows it");
    assert.equal((await as("theirs", 1).failure(processorHeartbeat, said("q"))).code, "PERMISSION_DENIED");
    await as("ours", 1).unary(processorHeartbeat, said("q"));
    const own = replicas[1] as TestControlPlane;
    await own.stop();
    const config = { auth: "api-key" as const, apiKeysFile: join(temp.path, "api-keys") };
    replicas[1] = await startTestControlPlane({ ...config, natsUrl: shared.nats.url, replicas: 2 });
    assert.equal((await as("theirs", 1).failure(processorHeartbeat, said("q"))).code, "PERMISSION_DENIED");
    await as("ours", 1).unary(processorHeartbeat, said("q"));
  });

  it("of an earlier release are everybody's until somebody registers them", async () => {
    const entry = {
      ...{ instance: "i", endpoint, metadata: {}, ttlMs: 60_000, registeredAtMs: Date.now(), seq: Date.now() },
      ...{ capabilities: { inputEventTypes: [], outputEventTypes: [], source: "metadata" }, seenAtMs: Date.now() },
    };
    const key = entryKey(nodeCodec, "registration", { kind: "processor", id: "old" });
    const bytes = nodeCodec.encodeUtf8(JSON.stringify(entry));
    await putKey(shared.link.mux, REGISTRY_BUCKET, key, bytes, { timeoutMs: DEADLINE_MS });
    await until(async () => get("old").then(Boolean, () => false), "it is read");
    await as("theirs").unary(processorHeartbeat, said("old"));
    await as("ours").unary(registerProcessor, wanted("old", { instance_id: "i" }));
    assert.equal((await as("theirs").failure(processorHeartbeat, said("old"))).code, "PERMISSION_DENIED");
  });
});
