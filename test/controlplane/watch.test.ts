// Watching the registry over a real connection: everything once, in order, also over a resumption and with a slow client.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import {
  ComponentKind,
  Heartbeat,
  ListRequest,
  WatchResponse_Type as Type,
  type WatchResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { readStream } from "../support/read-stream.ts";

const { registerProcessor, registerSource, processorHeartbeat } = ControlPlaneService;
const endpoint = "127.0.0.1:9000";

describe("watching the registry", function () {
  this.timeout(60_000);
  let server: TestControlPlane;
  let client: TestClient;

  const register = (processorId: string) => client.unary(registerProcessor, { processorId, endpoint, metadata: {} });
  const report = (processorId: string, status: string) =>
    client.unary(processorHeartbeat, { processorId, status, metrics: {}, timestamp: undefined });
  const watch = (resumeToken = "", kinds: ComponentKind[] = []) => {
    const stream = client.serverStream(RegistryService.watch, { kinds, resumeToken });
    return { stream, reader: readStream<WatchResponse>(stream) };
  };
  const summary = (response: WatchResponse | undefined) =>
    response === undefined
      ? "end"
      : `${Type.TYPE_CURRENT === response.type ? "current" : response.type} ${response.component?.id ?? ""}`;

  before(async () => {
    server = await startTestControlPlane();
    client = new TestClient(server.address);
    await register("a");
    await client.unary(registerSource, { sourceId: "s", endpoint: "", metadata: {} });
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it("tells the components as they stand, then changes, and goes on after a token without loss or repetition", async () => {
    const first = watch();
    assert.deepEqual(
      [summary(await first.reader.next()), summary(await first.reader.next())],
      ["current a", "current s"],
    );
    const synced = await first.reader.next();
    assert.equal(synced?.type, Type.TYPE_SYNCED);
    await register("b");
    const registered = await first.reader.next();
    assert.deepEqual([registered?.type, registered?.component?.id], [Type.TYPE_REGISTERED, "b"]);
    first.stream.on("error", () => undefined);
    first.stream.cancel();
    await report("b", "HEALTHY");
    await report("b", "HEALTHY");
    await report("b", "UNHEALTHY");
    await client.unary(RegistryService.unregister, {
      kind: ComponentKind.COMPONENT_KIND_PROCESSOR,
      id: "b",
      instance: "",
    });
    const second = watch(registered?.resumeToken);
    const changes: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const change = await second.reader.next();
      changes.push([change?.type, change?.component?.status]);
    }
    assert.deepEqual(changes, [
      [Type.TYPE_STATUS_CHANGED, "HEALTHY"],
      [Type.TYPE_STATUS_CHANGED, "UNHEALTHY"],
      [Type.TYPE_REMOVED, "UNHEALTHY"],
    ]);
    second.stream.on("error", () => undefined);
    second.stream.cancel();
  });

  it("misses nothing between a list and a watch from its token", async () => {
    const { resumeToken } = await client.unary(RegistryService.list, ListRequest.fromPartial({}));
    await register("after-list");
    const { stream, reader } = watch(resumeToken);
    assert.equal((await reader.next())?.component?.id, "after-list");
    stream.on("error", () => undefined);
    stream.cancel();
  });

  it("tells of the kinds that were asked for only", async () => {
    const { stream, reader } = watch("", [ComponentKind.COMPONENT_KIND_SOURCE]);
    assert.equal(summary(await reader.next()), "current s");
    assert.equal((await reader.next())?.type, Type.TYPE_SYNCED);
    await register("unseen");
    await client.unary(registerSource, { sourceId: "seen", endpoint: "", metadata: {} });
    assert.equal((await reader.next())?.component?.id, "seen");
    stream.on("error", () => undefined);
    stream.cancel();
  });

  it("refuses a token that is none with its field, and one of another registry with OUT_OF_RANGE", async () => {
    await assert.rejects(watch("nonsense").reader.next(), { code: 3 });
    await assert.rejects(watch("0123456789abcdef.1").reader.next(), { code: 11 });
  });

  it("ends a client that does not read once changes are dropped, and a client that reads gets every one", async () => {
    const slow = watch();
    slow.stream.pause();
    const fast = watch();
    const seen: string[] = [];
    fast.stream.on("data", (response: WatchResponse) => {
      if (response.type === Type.TYPE_STATUS_CHANGED) seen.push(response.component?.status ?? "");
    });
    await register("flapping");
    const CHANGES = 40_000;
    const BATCH = 500;
    for (let sent = 0; sent < CHANGES; sent += BATCH) {
      const heartbeats = Array.from({ length: BATCH }, (_, i) =>
        Heartbeat.fromPartial({ kind: ComponentKind.COMPONENT_KIND_PROCESSOR, id: "flapping", status: `s${sent + i}` }),
      );
      await client.unary(RegistryService.batchHeartbeat, { heartbeats });
      await eventually(() => seen.length === sent + BATCH, {
        deadlineMs: 20_000,
        describe: () => `saw ${seen.length}`,
      });
    }
    assert.deepEqual(
      seen,
      Array.from({ length: CHANGES }, (_, i) => `s${i}`),
    );
    fast.stream.on("error", () => undefined);
    fast.stream.cancel();
    const failed = new Promise<{ code: number }>((resolve) => {
      slow.stream.on("error", (error) => resolve(error as Error & { code: number }));
    });
    slow.stream.resume();
    assert.equal((await failed).code, 10);
  });

  it("ends when the control plane does, and says where to go on", async () => {
    const own = await startTestControlPlane();
    const other = new TestClient(own.address);
    const stream = other.serverStream(RegistryService.watch, { kinds: [], resumeToken: "" });
    const reader = readStream<WatchResponse>(stream);
    assert.equal((await reader.next())?.type, Type.TYPE_SYNCED);
    const ended = assert.rejects(reader.next(), { code: 14 });
    await own.stop();
    await ended;
    other.close();
  });

  it("opens as many as the limit says", async () => {
    const own = await startTestControlPlane({ maxStreams: 1 });
    const other = new TestClient(own.address);
    const open = readStream<WatchResponse>(other.serverStream(RegistryService.watch, { kinds: [], resumeToken: "" }));
    await open.next();
    const refused = readStream<WatchResponse>(
      other.serverStream(RegistryService.watch, { kinds: [], resumeToken: "" }),
    );
    await assert.rejects(refused.next(), { code: 8 });
    const ended = assert.rejects(open.next(), { code: 14 });
    await own.stop();
    await ended;
    other.close();
  });
});
