// Components in other languages, Python and Go, on code generated from proto/ alone: they register, beat, go silent and come back.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../support/control-plane-process.ts";
import { foreignGo } from "../support/go.ts";
import { foreignPython } from "../support/python.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

type Message = Readonly<Record<string, unknown>>;

interface Answer {
  readonly response?: Message;
  readonly responses?: readonly Message[];
  readonly code?: string;
  readonly reason?: string;
  readonly violations?: readonly string[];
}

const PROTOS = [
  "beamline/control/v1/registry.proto",
  "controlplane/controlplane.proto",
  "flowctl/v1/common.proto",
  "flowctl/v1/control_plane.proto",
  "google/rpc/error_details.proto",
  "google/rpc/status.proto",
];
const SETTINGS = { BEAMLINE_REGISTRY_TTL: "2s" };

/** Program and arguments of a component in each language; it gets the address of the control plane as its last one. */
const LANGUAGES: Readonly<Record<string, (context: Mocha.Context, folder: string) => Promise<readonly string[]>>> = {
  Python: async (context, folder) => {
    const { program, messages } = await foreignPython(context, folder, PROTOS);
    return [program, join(import.meta.dirname, "foreign", "components.py"), messages];
  },
  Go: async (context) => [await foreignGo(context)],
};

for (const [language, prepare] of Object.entries(LANGUAGES))
  describe(`foreign components (${language}, gRPC)`, function () {
    this.timeout(420_000);
    let temp: TempDir;
    let server: ControlPlaneProcess;
    let component: ChildProcess;
    const answers: ((answer: Answer) => void)[] = [];

    const ask = (one: Message): Promise<Answer> =>
      new Promise((resolve) => {
        answers.push(resolve);
        component.stdin?.write(`${JSON.stringify(one)}\n`);
      });
    const callSeed = (method: string, request: Message) => ask({ service: "ControlPlane", method, request });
    const get = async (id: string): Promise<Message> => {
      const request = { kind: "COMPONENT_KIND_PROCESSOR", id };
      const { response } = await ask({ service: "Registry", method: "Get", request });
      return (response?.component ?? {}) as Message;
    };
    const register = (id: string, metadata: Message = {}) =>
      callSeed("RegisterProcessor", { processor_id: id, endpoint: "127.0.0.1:9000", metadata });
    const beat = (id: string) =>
      callSeed("ProcessorHeartbeat", {
        processor_id: id,
        timestamp: new Date().toISOString(),
        metrics: { queue: 1.5 },
        status: "HEALTHY",
      });

    before(async function () {
      temp = await makeTempDir("beamline-components-");
      const [program = "", ...args] = await prepare(this, temp.path);
      server = await startControlPlaneProcess(SETTINGS);
      component = spawn(program, [...args, server.address], { stdio: ["pipe", "pipe", "inherit"] });
      const lines = createInterface({ input: component.stdout as NodeJS.ReadableStream });
      lines.on("line", (line) => answers.shift()?.(JSON.parse(line) as Answer));
    });

    after(async () => {
      component?.stdin?.end();
      await server?.end("SIGKILL");
      await temp?.remove();
    });

    it("register and beat", async () => {
      assert.deepEqual((await register("resize", { version: "1" })).response, {
        processor_id: "resize",
        success: true,
      });
      assert.deepEqual((await beat("resize")).response, { success: true });
      const found = await get("resize");
      assert.deepEqual(
        [found.liveness, found.status, found.metrics, found.metadata],
        ["LIVENESS_LIVE", "HEALTHY", { queue: 1.5 }, { version: "1" }],
      );
    });

    it("go silent, are lost, and are live again with the next heartbeat", async () => {
      await eventually(async () => (await get("resize")).liveness === "LIVENESS_LOST", {
        deadlineMs: 10_000,
        describe: "the silent component is lost",
      });
      assert.deepEqual((await beat("resize")).response, { success: true });
      assert.equal((await get("resize")).liveness, "LIVENESS_LIVE");
    });

    it("get NOT_FOUND for an id that nobody registered", async () => {
      const answer = await beat("nobody");
      assert.deepEqual([answer.code, answer.reason], ["NOT_FOUND", "COMPONENT_UNKNOWN"]);
    });

    it("get INVALID_ARGUMENT with each field that is wrong", async () => {
      const bad = await callSeed("RegisterProcessor", { processor_id: "a b", endpoint: "nowhere" });
      assert.deepEqual([bad.code, bad.violations], ["INVALID_ARGUMENT", ["processor_id ID", "endpoint ENDPOINT"]]);
      const large = await register("large", { note: "x".repeat(4_097) });
      assert.deepEqual([large.code, large.violations], ["INVALID_ARGUMENT", ['metadata["note"] TOO_LONG']]);
      const oversize = await register("oversize", { note: "x".repeat(2_000_000) });
      assert.equal(oversize.code, "RESOURCE_EXHAUSTED");
    });

    it("beat over a stream and watch", async () => {
      const heartbeat = { kind: "COMPONENT_KIND_PROCESSOR", id: "resize", status: "HEALTHY" };
      const requests = [{ heartbeats: [heartbeat] }, { heartbeats: [heartbeat, { ...heartbeat, id: "nobody" }] }];
      const { responses } = await ask({ service: "Registry", method: "Heartbeats", requests });
      assert.equal(responses?.length, 2);
      assert.deepEqual(
        [responses?.[0]?.accepted, (responses?.[1]?.failures as Message[] | undefined)?.[0]?.code],
        [1, 5],
      );
      const watched = await ask({ service: "Registry", method: "Watch", request: {}, take: 2 });
      assert.deepEqual(
        watched.responses?.map(({ type }) => type),
        ["TYPE_CURRENT", "TYPE_SYNCED"],
      );
    });

    it("speak the wire of the published flowctl SDKs", async () => {
      const info = {
        id: "ledger",
        type: "COMPONENT_TYPE_SOURCE",
        endpoint: "127.0.0.1:1",
        output_event_types: ["l.v1"],
      };
      const registered = await ask({
        service: "ControlPlaneService",
        method: "RegisterComponent",
        request: { component: info, component_id: "ledger-1" },
      });
      assert.deepEqual(registered.response, { service_id: "ledger-1" });
      const request = { service_id: "ledger-1", status: "HEALTH_STATUS_UNKNOWN", metrics: { processed_count: "7" } };
      assert.deepEqual((await ask({ service: "ControlPlaneService", method: "Heartbeat", request })).response, {});
      const { response } = await ask({
        service: "ControlPlaneService",
        method: "GetComponentStatus",
        request: { service_id: "ledger-1" },
      });
      assert.deepEqual([response?.status, response?.metrics], ["HEALTH_STATUS_HEALTHY", { processed_count: "7" }]);
      const callFlowctl = (method: string, one: Message) =>
        ask({ service: "ControlPlaneService", method, request: one });
      const unknown = await callFlowctl("Heartbeat", { service_id: "nobody", status: "HEALTH_STATUS_HEALTHY" });
      assert.deepEqual([unknown.code, unknown.reason], ["NOT_FOUND", "COMPONENT_UNKNOWN"]);
      const bad = await callFlowctl("RegisterComponent", {
        component: { ...info, endpoint: "nowhere" },
        component_id: "a b",
      });
      assert.equal(bad.code, "INVALID_ARGUMENT");
      assert.deepEqual(bad.violations, ["component_id ID", "component.endpoint ENDPOINT"]);
    });

    it("register again when the control plane was killed and started anew", async () => {
      const port = Number(server.address.split(":")[1]);
      await server.end("SIGKILL");
      assert.equal((await beat("resize")).code, "UNAVAILABLE");
      server = await startControlPlaneProcess(SETTINGS, port);
      const answer = await eventually(
        async () => {
          const beaten = await beat("resize");
          return beaten.code === "UNAVAILABLE" ? undefined : beaten;
        },
        { deadlineMs: 20_000, describe: "the control plane answers again" },
      );
      assert.equal(answer.code, "NOT_FOUND");
      assert.deepEqual((await register("resize")).response, { processor_id: "resize", success: true });
      assert.deepEqual((await beat("resize")).response, { success: true });
    });

    it("are sent away when the control plane is told to end, which ends with code 0", async () => {
      assert.equal(await server.end("SIGTERM"), 0);
      assert.equal((await beat("resize")).code, "UNAVAILABLE");
    });
  });
