// The example worker against a real NATS server: takes, acknowledges, answers, forgets nothing, and ends with its parent.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { AckPolicy, connect, headers, type JetStreamClient, type Msg, type NatsConnection } from "nats";
import type { SupervisedProcess } from "../../cli/supervised-process.ts";
import { createWorkerProcess } from "../../cli/worker-process.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { type Component, ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { ExecAssignment, ExecAssignmentAck, ExecResult } from "../../proto/gen/messages/beamline/worker/v1/worker.ts";
import { eventually } from "../support/await.ts";
import { TestClient } from "../support/control-plane.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../support/control-plane-process.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { freePort } from "../support/router-process.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");
const WORKER = join(EXAMPLES, "worker", "worker.ts");
const STREAM = "BEAMLINE_ASSIGNMENTS";
const CONSUMER = "provider_demo_openai";
const DEADLINE_MS = 10_000;
const FAR_FUTURE_MS = 60_000;
/** The longest wait of a client between two attempts is 30 s. */
const REGISTER_DEADLINE_MS = 40_000;

interface Assigned {
  readonly effectId: string;
  readonly encoding: "json" | "protobuf";
  readonly deadlineMs: number;
}

describe("example worker", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let controlPlanePort: number;
  let controlPlane: ControlPlaneProcess | undefined;
  let registry: TestClient | undefined;
  let nats: TestNats;
  let nc: NatsConnection;
  let jetstream: JetStreamClient;
  let worker: SupervisedProcess;
  const acks: Msg[] = [];
  const results: Msg[] = [];
  const exits: string[] = [];

  before(async function () {
    nats = await startTestNats({ context: this });
    nc = await connect({ servers: nats.url });
    jetstream = nc.jetstream();
    const manager = await nc.jetstreamManager();
    await manager.streams.add({ name: STREAM, subjects: ["caf.exec.assign.v1.to.>"] });
    await manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      filter_subject: "caf.exec.assign.v1.to.*.demo.openai",
    });
    nc.subscribe("caf.exec.assign.v1.ack", { callback: (_, msg) => void acks.push(msg) });
    nc.subscribe("caf.exec.result.v1", { callback: (_, msg) => void results.push(msg) });
    // Nothing listens there until a test starts it: the worker works without.
    controlPlanePort = await freePort();
    worker = createWorkerProcess({
      script: WORKER,
      natsUrl: nats.url,
      controlPlane: { address: `127.0.0.1:${controlPlanePort}` },
      onLine: () => undefined,
      onUnexpectedExit: (how) => exits.push(how),
    });
    worker.start();
  });

  after(async () => {
    await worker?.stop(5_000);
    registry?.close();
    await controlPlane?.end("SIGKILL");
    await nc?.close();
    await nats?.stop();
  });

  async function assign({ effectId, encoding, deadlineMs }: Assigned): Promise<string> {
    const assignmentId = `${effectId}-1`;
    const fields = {
      version: "1",
      assignment_id: assignmentId,
      request_id: "req-1",
      tenant_id: "demo",
      executor: { provider_id: "openai", channel: "nats" },
      job: { type: "chat", payload: encoding === "json" ? { prompt: "hi" } : Buffer.from("hi").toString("base64") },
      correlation: { trace_id: "0af7651916cd43dd8448eb211c80319c", run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
    };
    const body =
      encoding === "json"
        ? Buffer.from(JSON.stringify(fields))
        : ExecAssignment.encode(ExecAssignment.fromJSON(fields)).finish();
    const header = headers();
    header.set("Content-Type", encoding === "json" ? "application/json" : "application/x-protobuf");
    header.set("Beamline-Effect-Id", effectId);
    header.set("Beamline-Attempt-Token", `token-${effectId}`);
    header.set("Beamline-Deadline", String(deadlineMs));
    await jetstream.publish(`caf.exec.assign.v1.to.${effectId}.demo.openai`, body, { headers: header });
    return assignmentId;
  }

  function readResult(msg: Msg): Record<string, unknown> {
    const json = msg.headers?.get("Content-Type") === "application/json";
    return json
      ? msg.json<Record<string, unknown>>()
      : (ExecResult.toJSON(ExecResult.decode(msg.data)) as Record<string, unknown>);
  }

  function resultFor(token: string): Promise<Msg> {
    return eventually(() => results.find((msg) => msg.headers?.get("Beamline-Attempt-Token") === token), {
      deadlineMs: DEADLINE_MS,
      describe: () => `a result with ${token}; the worker ended: ${exits.join(", ") || "never"}`,
    });
  }

  async function registered(): Promise<readonly Component[]> {
    if (registry === undefined) throw new Error("no control plane was started");
    return (await registry.unary(RegistryService.list, ListRequest.fromPartial({}))).components;
  }

  it("finds the durable by itself and answers a JSON assignment in JSON, token and correlation unchanged", async () => {
    const id = await assign({ effectId: "e1", encoding: "json", deadlineMs: Date.now() + FAR_FUTURE_MS });
    const body = readResult(await resultFor("token-e1"));
    const { latency_ms, timestamp, ...rest } = body;
    assert.equal(typeof latency_ms, "number");
    assert.equal(typeof timestamp, "number");
    assert.deepEqual(rest, {
      version: "1",
      assignment_id: id,
      request_id: "req-1",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      tenant_id: "demo",
      schema_version: "1",
      attempt_token: "token-e1",
      status: "success",
      provider_id: "openai",
      job: { type: "chat" },
      cost: 0.001,
    });
    const ack = acks
      .find((msg) => msg.headers?.get("Beamline-Attempt-Token") === "token-e1")
      ?.json<Record<string, unknown>>();
    assert.equal(ack?.status, "accepted");
    assert.equal(ack?.assignment_id, id);
  });

  it("answers a protobuf assignment in protobuf", async () => {
    const id = await assign({ effectId: "e2", encoding: "protobuf", deadlineMs: Date.now() + FAR_FUTURE_MS });
    const result = await resultFor("token-e2");
    assert.equal(result.headers?.get("Content-Type"), "application/x-protobuf");
    const decoded = ExecResult.decode(result.data);
    assert.equal(decoded.assignmentId, id);
    assert.equal(decoded.attemptToken, "token-e2");
    assert.equal(decoded.runId, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    const ack = acks.find((msg) => msg.headers?.get("Beamline-Attempt-Token") === "token-e2");
    assert.equal(ExecAssignmentAck.decode(ack?.data ?? new Uint8Array()).status, "accepted");
  });

  it("ends work whose deadline has passed with status timeout", async () => {
    await assign({ effectId: "e3", encoding: "json", deadlineMs: Date.now() - 1 });
    const body = readResult(await resultFor("token-e3"));
    assert.equal(body.status, "timeout");
    assert.equal(body.error_code, "DEADLINE_EXCEEDED");
  });

  it("answers an effect it has finished again, without doing the work again", async () => {
    const first = readResult(await resultFor("token-e1"));
    const seen = results.length;
    await assign({ effectId: "e1", encoding: "json", deadlineMs: Date.now() + FAR_FUTURE_MS });
    await eventually(() => results.length > seen, { deadlineMs: DEADLINE_MS, describe: "a second result" });
    const second = readResult(results.at(-1) as Msg);
    // The time that the work took is the one measured once.
    assert.equal(second.latency_ms, first.latency_ms);
    assert.equal(second.status, "success");
  });

  it("removes what nobody can read, and goes on", async () => {
    await jetstream.publish("caf.exec.assign.v1.to.e5.demo.openai", Buffer.from("{"), {
      headers: (() => {
        const header = headers();
        header.set("Content-Type", "application/json");
        return header;
      })(),
    });
    await assign({ effectId: "e6", encoding: "json", deadlineMs: Date.now() + FAR_FUTURE_MS });
    await resultFor("token-e6");
    const manager = await nc.jetstreamManager();
    await eventually(
      async () => {
        const info = await manager.consumers.info(STREAM, CONSUMER);
        return info.num_ack_pending === 0 && info.num_pending === 0;
      },
      { deadlineMs: DEADLINE_MS, describe: "everything settled" },
    );
  });

  it("is started again after it was killed", async () => {
    const before = worker.pid;
    assert.ok(before !== undefined);
    process.kill(before, "SIGKILL");
    await eventually(() => worker.pid !== undefined && worker.pid !== before, {
      deadlineMs: DEADLINE_MS,
      describe: "a new process",
    });
    assert.deepEqual(exits, ["SIGKILL"]);
    await assign({ effectId: "e7", encoding: "json", deadlineMs: Date.now() + FAR_FUTURE_MS });
    await resultFor("token-e7");
  });

  it("registers with a control plane that comes later, and says what it has done", async () => {
    controlPlane = await startControlPlaneProcess({}, controlPlanePort);
    registry = new TestClient(controlPlane.address);
    const found = await eventually(async () => (await registered())[0], {
      deadlineMs: REGISTER_DEADLINE_MS,
      describe: "the worker registers",
    });
    assert.match(found.id, new RegExp(`-${worker.pid}$`));
    assert.deepEqual([found.metadata.provider, found.endpoint], ["demo/local-llm", nats.url]);
    await eventually(async () => (await registered())[0]?.metrics.messages_done === 1, {
      deadlineMs: REGISTER_DEADLINE_MS,
      describe: "a heartbeat with the message that it has done",
    });
  });

  it("stops in order when it is told to, and is registered no more", async () => {
    const { pid } = worker;
    assert.ok(pid !== undefined);
    await worker.stop(5_000);
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    assert.deepEqual(await registered(), []);
    assert.deepEqual(exits, ["SIGKILL"]);
  });
});

describe("example programs where no NATS answers", () => {
  for (const [name, script] of [
    ["worker", WORKER],
    ["producer", join(EXAMPLES, "producer", "producer.ts")],
    ["source", join(EXAMPLES, "pipeline", "source.ts")],
    ["consumer", join(EXAMPLES, "pipeline", "consumer.ts")],
  ] as const)
    it(`the ${name} says so in one line, with the way out`, async () => {
      const url = `nats://127.0.0.1:${await freePort()}`;
      const run = promisify(execFile)(process.execPath, [script, "--nats-url", url]);
      await assert.rejects(run, {
        code: 1,
        stderr: new RegExp(`^${name}: cannot connect to ${url}: .+\\n.*--creds\\.\\n$`),
      });
    });
});
