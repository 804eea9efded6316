// Who may call: API keys and their roles on the port, the record of changes and denials, and what is refused at the start.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { parseAllDocuments } from "yaml";
import type { Role } from "../../controlplane/access/caller.ts";
import { RIGHTS, rightOf, roleMay, VIRTUAL_GROUP } from "../../controlplane/access/rights.ts";
import { SERVED } from "../../controlplane/served.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import { ComponentKind, ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { createLogger } from "../../runtime/log.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { readStream } from "../support/read-stream.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const { registerProcessor, processorHeartbeat } = ControlPlaneService;
const registration = (processorId: string, instance = "a") => ({
  processorId,
  endpoint: "127.0.0.1:9000",
  metadata: { instance_id: instance },
});
const heartbeat = { processorId: "p-1", timestamp: undefined, status: "HEALTHY", metrics: {} };
const named = (id: string) => ({ kind: ComponentKind.COMPONENT_KIND_PROCESSOR, id });
const KEYS = {
  viewer: "key-of-a-viewer",
  operator: "key-of-an-operator",
  admin: "key-of-an-admin",
  component: "key-of-c",
};
const line = (name: string, role: string, key: string) =>
  `${name} ${role} sha256:${createHash("sha256").update(key).digest("hex")}\n`;

describe("callers with API keys", () => {
  let temp: TempDir;
  let server: TestControlPlane;
  let apiKeysFile: string;
  const lines: string[] = [];
  const clients: TestClient[] = [];

  const client = (key?: string): TestClient => {
    const made = new TestClient(server.address, undefined, {}, key);
    clients.push(made);
    return made;
  };
  const records = (message: string) =>
    lines.map((text) => JSON.parse(text) as Record<string, string>).filter((record) => record.message === message);

  before(async () => {
    temp = await makeTempDir("beamline-access-");
    apiKeysFile = join(temp.path, "api-keys");
    await writeFile(
      apiKeysFile,
      Object.entries(KEYS)
        .map(([role, key]) => line(role, role, key))
        .join(""),
    );
    const log = createLogger({ service: "test", stream: { write: (text: string) => lines.push(text) } });
    server = await startTestControlPlane({ auth: "api-key", apiKeysFile }, log);
  });

  after(async () => {
    for (const each of clients) each.close();
    await server.stop();
    await temp.remove();
  });

  it("refuses who sends nothing, something malformed or an unknown key with UNAUTHENTICATED", async () => {
    for (const token of [undefined, "unknown", "two words"]) {
      const failure = await client(token).failure(registerProcessor, registration("p-0"));
      assert.deepEqual([failure.code, failure.reason], ["UNAUTHENTICATED", "UNAUTHENTICATED"], token);
    }
    const stream = readStream(client().serverStream(RegistryService.watch, { kinds: [], resumeToken: "" }));
    await assert.rejects(stream.next(), { code: 16 });
  });

  it("tells health and describes its services to everybody", async () => {
    await client().unary(HealthService.check, { service: "" });
    const reflection = client().bidiStream({
      path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      requestSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    });
    reflection.write(Buffer.from([0x3a, 0x01, 0x2a]));
    assert.ok((await readStream<Buffer>(reflection).next()) !== undefined);
    reflection.end();
  });

  it("lets each role do what the table of rights says, and nothing else", async () => {
    await client(KEYS.component).unary(registerProcessor, registration("p-1"));
    const configure = { ...named("p-1"), configuration: {}, expectedRevision: 0n };
    const calls = {
      register: (each: TestClient) => each.failure(registerProcessor, { ...registration("x"), endpoint: "" }),
      beat: (each: TestClient) => each.failure(processorHeartbeat, { ...heartbeat, processorId: "nobody" }),
      list: (each: TestClient) => each.failure(RegistryService.get, named("nobody")),
      configure: (each: TestClient) => each.failure(RegistryService.configure, { ...configure, id: "nobody" }),
    };
    // What is let through fails for another reason; that of who is not is always the same.
    const may: Readonly<Record<Role, readonly string[]>> = {
      viewer: ["list"],
      operator: ["register", "beat", "list", "configure"],
      admin: ["register", "beat", "list", "configure"],
      component: ["register", "beat", "list"],
    };
    for (const [role, key] of Object.entries(KEYS) as [Role, string][]) {
      const caller = client(key);
      for (const [call, run] of Object.entries(calls)) {
        const { code, reason } = await run(caller);
        assert.equal(code === "PERMISSION_DENIED", !may[role].includes(call), `${role} ${call}: ${code} ${reason}`);
      }
    }
    const watch = readStream(
      client(KEYS.component).serverStream(RegistryService.watch, { kinds: [], resumeToken: "" }),
    );
    await assert.rejects(watch.next(), { code: 7 });
  });

  it("records each change with caller, object and outcome, and nothing for heartbeats and repetitions", async () => {
    lines.length = 0;
    const caller = client(KEYS.operator);
    await caller.unary(registerProcessor, registration("p-2"));
    await caller.unary(registerProcessor, registration("p-2"));
    await caller.unary(registerProcessor, registration("p-2", "b"));
    await caller.unary(processorHeartbeat, { ...heartbeat, processorId: "p-2" });
    const configuration = { ...named("p-2"), configuration: { a: 1 }, expectedRevision: 0n };
    await caller.unary(RegistryService.configure, configuration);
    await caller.failure(RegistryService.configure, { ...configuration, expectedRevision: 5n });
    await caller.unary(RegistryService.unregister, { ...named("p-2"), instance: "" });
    const { processorId } = await caller.unary(registerProcessor, registration(""));
    assert.deepEqual(
      records("audit change").map(({ caller, via, method, object, outcome }) => [caller, via, method, object, outcome]),
      [
        ["RegisterProcessor", "processor/p-2", "registered"],
        ["RegisterProcessor", "processor/p-2", "taken over"],
        ["Configure", "processor/p-2", "done"],
        ["Configure", "processor/p-2", "REVISION_CONFLICT"],
        ["Unregister", "processor/p-2", "done"],
        ["RegisterProcessor", `processor/${processorId}`, "registered"],
      ].map(([method, object, outcome]) => {
        const service =
          method === "RegisterProcessor" ? "obsrvr.flow.controlplane.ControlPlane" : "beamline.control.v1.Registry";
        return ["operator", "api-key", `/${service}/${method}`, object, outcome];
      }),
    );
  });

  it("records denials with who and why, a bounded number of them, and never a key", async () => {
    lines.length = 0;
    const nobody = client("unknown-key");
    await client(KEYS.viewer).failure(registerProcessor, registration("p-3"));
    for (let i = 0; i < 150; i++) await nobody.failure(registerProcessor, registration("p-3"));
    const denials = records("audit denial");
    // Those of the tests before count as well.
    assert.ok(denials.length > 50 && denials.length <= 100, String(denials.length));
    assert.deepEqual([denials[0]?.caller, denials[0]?.outcome], ["viewer", "PERMISSION_DENIED"]);
    assert.deepEqual([denials[1]?.caller, denials[1]?.outcome], [undefined, "UNAUTHENTICATED"]);
    assert.match(String(denials[1]?.peer), /^127\.0\.0\.1:\d+$/);
    assert.equal(records("audit change").length, 0);
    for (const key of [...Object.values(KEYS), "unknown-key"]) assert.ok(!lines.join("").includes(key));
  });

  it("knows a new key and refuses a revoked one without a restart, and keeps what it knows when the file is wrong", async function () {
    this.timeout(60_000);
    const viewer = client(KEYS.viewer);
    const late = client("late");
    await writeFile(apiKeysFile, line("late", "viewer", "late"));
    await eventually(() => late.unary(RegistryService.list, LIST), { deadlineMs: 20_000, describe: "the new key" });
    assert.equal((await viewer.failure(RegistryService.list, LIST)).code, "UNAUTHENTICATED");
    lines.length = 0;
    await writeFile(apiKeysFile, "late root sha256:x\n");
    await eventually(() => records("API keys not taken").length > 0, { deadlineMs: 20_000, describe: "the refusal" });
    await late.unary(RegistryService.list, LIST);
  });
});

const LIST = ListRequest.fromPartial({ pageSize: 1 });

describe("the table of rights", () => {
  it("has a row for every method that is served", () => {
    for (const { definition } of SERVED)
      for (const { path } of Object.values(definition)) assert.ok(rightOf(path), path);
    assert.throws(() => rightOf("/beamline.control.v1.Registry/Other"), /no row in the table of rights/);
  });

  it("lets a viewer change nothing, and an admin do everything", () => {
    for (const row of Object.values(RIGHTS).flatMap((methods) => Object.values(methods))) {
      if (row === "open") continue;
      assert.ok(roleMay("admin", row));
      if (row.change || row.budget === "heartbeats") assert.ok(!roleMay("viewer", row));
      if (roleMay("viewer", row)) assert.ok(roleMay("operator", row));
    }
  });

  it("has the rights for policies, which are asked for as those on the real objects", () => {
    const upsert = rightOf("/beamline.flow.v1.RouterAdmin/UpsertPolicy");
    assert.ok(upsert !== "open");
    assert.deepEqual(
      [upsert.group, upsert.resource, upsert.verbs],
      ["beamline.dev", "routingpolicies", ["create", "patch"]],
    );
    assert.deepEqual(
      [roleMay("viewer", upsert), roleMay("operator", upsert), roleMay("component", upsert)],
      [false, true, false],
    );
  });
});

/** Rights as `verb resource.group`. */
function rightsOf(role: Role): string[] {
  const rows = Object.values(RIGHTS)
    .flatMap((methods) => Object.values(methods))
    .flatMap((row) => (row === "open" || row.ofOthers === undefined ? [row] : [row, row.ofOthers]));
  const held = rows.filter((row) => row !== "open" && row.group === VIRTUAL_GROUP && roleMay(role, row));
  const named = held.flatMap((row) => (row === "open" ? [] : row.verbs.map((verb) => `${verb} ${row.resource}`)));
  return [...new Set(named)].sort();
}

describe("the ClusterRoles of the chart", () => {
  interface ClusterRole {
    readonly kind?: string;
    readonly metadata?: { readonly name: string };
    readonly rules?: readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[];
  }
  const rendering = join(import.meta.dirname, "..", "golden", "chart", "default.out.yaml");
  const documents = parseAllDocuments(readFileSync(rendering, "utf8")).map((one) => one.toJS() as ClusterRole | null);
  const rulesOf = (suffix: string): string[] => {
    const role = documents.find((one) => one?.kind === "ClusterRole" && one.metadata?.name.endsWith(suffix));
    assert.ok(role, suffix);
    const rules = role.rules?.filter(({ apiGroups }) => apiGroups.includes(VIRTUAL_GROUP)) ?? [];
    return rules
      .flatMap(({ resources, verbs }) => resources.flatMap((one) => verbs.map((verb) => `${verb} ${one}`)))
      .sort();
  };

  it("give components and viewers what the table of rights says, and editors all that an operator lacks then", () => {
    assert.deepEqual(rulesOf("-component"), rightsOf("component"));
    assert.deepEqual(rulesOf("-components-view"), rightsOf("viewer"));
    const edit = [...rulesOf("-components-view"), ...rulesOf("-components-edit")];
    for (const right of rightsOf("operator")) assert.ok(edit.includes(right), right);
  });
});

describe("a start that would let everybody in", () => {
  it("is refused beyond this machine until it is said explicitly", async () => {
    await assert.rejects(startTestControlPlane({ address: "0.0.0.0:0" }), {
      code: "CONFIG_INVALID",
      message: /nothing says who may call/,
    });
    const open = await startTestControlPlane({ address: "0.0.0.0:0", auth: "none" });
    await open.stop();
  });

  it("is refused with what its way to prove needs and lacks", async () => {
    await assert.rejects(startTestControlPlane({ auth: "api-key" }), { message: /no file of keys is named/ });
    await assert.rejects(startTestControlPlane({ auth: "certificate" }), { message: /no client CA is named/ });
    await assert.rejects(startTestControlPlane({ auth: "api-key", apiKeysFile: "/nonexistent/keys" }), {
      code: "INPUT_MISSING",
      hint: /beamline api-key create/,
    });
  });
});
