// The client library against control planes that are processes of their own: killed, silent, several, asked for a token.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";
import { type ControlPlane, connectControlPlane } from "../../../controlplane/client/connect.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import { type Component, ComponentKind, Liveness } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../../support/await.ts";
import { TestClient } from "../../support/control-plane.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../../support/control-plane-process.ts";
import { freePort } from "../../support/router-process.ts";
import { ComponentEvents } from "./component-events.ts";

const PROCESSOR = ComponentKind.COMPONENT_KIND_PROCESSOR;
const ENDPOINT = "127.0.0.1:9000";
const TTL_MS = 2_000;
const DEADLINE_MS = 20_000;

describe("client library: a component", function () {
  this.timeout(90_000);
  let server: ControlPlaneProcess;
  let reader: TestClient;
  let controlPlane: ControlPlane | undefined;

  const get = async (id: string): Promise<Component> => {
    const { component } = await reader.unary(RegistryService.get, { kind: PROCESSOR, id });
    if (component === undefined) throw new Error("an answer without a component");
    return component;
  };
  const port = (): number => Number(server.address.split(":")[1]);
  const restart = async (signal: NodeJS.Signals): Promise<void> => {
    const at = port();
    await server.end(signal);
    server = await startControlPlaneProcess({}, at);
  };
  const connect = (addresses: readonly string[] = [server.address]): ControlPlane => {
    controlPlane = connectControlPlane({ addresses });
    return controlPlane;
  };

  before(async () => {
    server = await startControlPlaneProcess({});
    reader = new TestClient(server.address);
  });
  afterEach(() => controlPlane?.close());
  after(async () => {
    reader?.close();
    await server?.end("SIGKILL");
  });

  it("registers, beats with its metrics, and stays live for longer than its time to live", async () => {
    const events = new ComponentEvents();
    const metadata = { provider: "demo/local-llm" };
    const component = connect().registerProcessor({
      id: "steady",
      endpoint: ENDPOINT,
      metadata,
      ttlMs: 1_000,
      onEvent: events.listener,
    });
    component.setMetrics({ done: 7, broken: Number.NaN });
    const { instance } = await events.next("registered", { deadlineMs: DEADLINE_MS });
    const first = await eventually(
      async () => {
        const now = await get("steady");
        return now.metrics.done === 7 ? now : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "the first heartbeat is heard" },
    );
    assert.deepEqual([first.instance, first.status, first.metadata.provider], [instance, "HEALTHY", "demo/local-llm"]);
    assert.deepEqual(first.metrics, { done: 7 });
    assert.match((await events.next("reportTrimmed", { deadlineMs: 1 })).message, /"broken" is not a finite number/);
    await eventually(
      async () => {
        const now = await get("steady");
        assert.notEqual(now.liveness, Liveness.LIVENESS_LOST);
        return (now.lastSeenAt?.seconds ?? 0n) - (now.registeredAt?.seconds ?? 0n) > 2n;
      },
      { deadlineMs: DEADLINE_MS, describe: "it beats for two times to live" },
    );
  });

  it("reports a changed status at once", async () => {
    const events = new ComponentEvents();
    const component = connect().registerProcessor({ id: "moody", endpoint: ENDPOINT, onEvent: events.listener });
    await events.next("registered", { deadlineMs: DEADLINE_MS });
    await eventually(async () => (await get("moody")).status === "HEALTHY", {
      deadlineMs: DEADLINE_MS,
      describe: "the first heartbeat is heard",
    });
    component.setStatus("UNHEALTHY");
    // The next heartbeat of its own would come after 9 s.
    await eventually(async () => (await get("moody")).status === "UNHEALTHY", {
      deadlineMs: 5_000,
      describe: "the change is reported",
    });
  });

  it("takes the id that the control plane makes up", async () => {
    const events = new ComponentEvents();
    const component = connect().registerSource({ metadata: { output_event_types: "a.v1" }, onEvent: events.listener });
    assert.equal(component.id, "");
    const { id } = await events.next("registered", { deadlineMs: DEADLINE_MS });
    assert.match(id, /^source-/);
    assert.equal(component.id, id);
  });

  it("registers again after the control plane was killed and started anew", async () => {
    const events = new ComponentEvents();
    connect().registerProcessor({ id: "again", endpoint: ENDPOINT, ttlMs: TTL_MS, onEvent: events.listener });
    await events.next("registered", { deadlineMs: DEADLINE_MS });
    await restart("SIGKILL");
    await events.next("forgotten", { deadlineMs: DEADLINE_MS });
    const from = events.kinds().indexOf("forgotten");
    await events.next("registered", { deadlineMs: DEADLINE_MS, from });
    assert.equal((await get("again")).liveness, Liveness.LIVENESS_LIVE);
  });

  it("registers with a control plane that comes later, and tells once that there is none", async () => {
    const events = new ComponentEvents();
    const at = await freePort();
    const component = connect([`127.0.0.1:${at}`]).registerProcessor({
      id: "early",
      endpoint: ENDPOINT,
      onEvent: events.listener,
    });
    await events.next("unreachable", { deadlineMs: DEADLINE_MS });
    assert.equal(component.state, "registering");
    const late = await startControlPlaneProcess({}, at);
    try {
      await events.next("registered", { deadlineMs: 40_000 });
      assert.deepEqual(events.kinds(), ["unreachable", "reached", "registered"]);
    } finally {
      await late.end("SIGKILL");
    }
  });

  it("goes to another replica when the one that it talks to does not answer any more", async () => {
    const events = new ComponentEvents();
    const other = await startControlPlaneProcess({});
    const replicas = new Map([
      [server.address, server],
      [other.address, other],
    ]);
    connect([...replicas.keys()]).registerProcessor({
      id: "mobile",
      endpoint: ENDPOINT,
      ttlMs: TTL_MS,
      onEvent: events.listener,
    });
    const { address } = await events.next("registered", { deadlineMs: DEADLINE_MS });
    const silenced = replicas.get(address)?.pid ?? 0;
    process.kill(silenced, "SIGSTOP");
    try {
      await events.next("registered", { deadlineMs: DEADLINE_MS, from: events.told.length });
      const last = events.told.findLast(({ kind }) => kind === "registered");
      assert.notEqual(last?.kind === "registered" && last.address, address);
    } finally {
      process.kill(silenced, "SIGCONT");
      await other.end("SIGKILL");
    }
  });

  it("ends when another instance takes its id, and does not take it back", async () => {
    const events = new ComponentEvents();
    const component = connect().registerProcessor({
      id: "contested",
      endpoint: ENDPOINT,
      ttlMs: TTL_MS,
      onEvent: events.listener,
    });
    await events.next("registered", { deadlineMs: DEADLINE_MS });
    const metadata = { instance_id: "successor" };
    await reader.unary(ControlPlaneService.registerProcessor, {
      processorId: "contested",
      endpoint: ENDPOINT,
      metadata,
    });
    await events.next("superseded", { deadlineMs: DEADLINE_MS });
    assert.equal(component.state, "superseded");
    await component.drain();
    assert.equal((await get("contested")).instance, "successor");
    assert.deepEqual(events.kinds(), ["registered", "superseded"]);
  });

  it("tells what is wrong with a registration, and goes on", async () => {
    const events = new ComponentEvents();
    const component = connect().registerProcessor({ id: "a b", endpoint: "nowhere", onEvent: events.listener });
    const { code, violations } = await events.next("refused", { deadlineMs: DEADLINE_MS });
    assert.equal(code, "INVALID_ARGUMENT");
    assert.deepEqual(
      violations.map(({ field, reason }) => `${field} ${reason}`),
      ["processor_id ID", "endpoint ENDPOINT"],
    );
    assert.equal(component.state, "registering");
  });

  it("drains: says STOPPING while it finishes its work, then is gone", async () => {
    const events = new ComponentEvents();
    const component = connect().registerProcessor({ id: "leaving", endpoint: ENDPOINT, onEvent: events.listener });
    await events.next("registered", { deadlineMs: DEADLINE_MS });
    const seen: string[] = [];
    await component.drain(async () => {
      await eventually(async () => (await get("leaving")).status === "STOPPING", {
        deadlineMs: DEADLINE_MS,
        describe: "STOPPING is reported",
      });
      seen.push("work");
    });
    assert.deepEqual(seen, ["work"]);
    assert.equal((await reader.failure(RegistryService.get, { kind: PROCESSOR, id: "leaving" })).code, "NOT_FOUND");
    assert.deepEqual(events.kinds(), ["registered", "unregistered"]);
  });

  it("drains within its bounds when no control plane answers", async () => {
    const component = connect([`127.0.0.1:${await freePort()}`]).registerProcessor({ id: "alone", endpoint: ENDPOINT });
    let worked = false;
    await component.drain(async () => {
      worked = true;
    });
    assert.deepEqual([worked, component.state], [true, "ended"]);
  });

  it("survives a listener that throws", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => {
      warnings.push(warning.message);
    };
    process.on("warning", onWarning);
    const component = connect().registerProcessor({
      id: "clumsy",
      endpoint: ENDPOINT,
      onEvent: () => {
        throw new Error("a listener's own");
      },
    });
    try {
      await eventually(() => component.state === "registered" && warnings.length > 0, {
        deadlineMs: DEADLINE_MS,
        describe: "it registers, and the listener's error is told",
      });
      assert.match(warnings[0] ?? "", /onEvent threw: Error: a listener's own/);
    } finally {
      process.off("warning", onWarning);
    }
  });
});
