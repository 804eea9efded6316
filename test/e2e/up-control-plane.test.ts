// The control plane of `beamline up`: where it is, who may call it, what the worker says to it, and that it comes back.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { RouterAdminService } from "../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import { ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../support/await.ts";
import { TestClient } from "../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS, testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { commandOf, type RunningUp, requireProcessTable, startUp, WORKER } from "./up-process.ts";

const DEADLINE_MS = 40_000;
const OWNER_ONLY = 0o600;
const MODE_BITS = 0o777;
const CONTROL_PLANE = /controlplane\/main\.ts/;

interface Listed {
  readonly id: string;
  readonly instance: string;
  readonly liveness: string;
  readonly metadata: Readonly<Record<string, string>>;
}

async function listComponents(up: RunningUp): Promise<readonly Listed[]> {
  const run = await up.cli("components", "list", "--output", "json");
  assert.equal(run.exitCode, 0, run.stderr);
  return (JSON.parse(run.stdout) as { components: readonly Listed[] }).components;
}

/** The worker, once it has registered. */
function registeredWorker(up: RunningUp): Promise<Listed> {
  return eventually(async () => (await listComponents(up)).find(({ liveness }) => liveness === "LIVENESS_LIVE"), {
    deadlineMs: DEADLINE_MS,
    everyMs: 200,
    describe: "the worker is registered and lives",
  });
}

async function requireTools(context: Mocha.Context): Promise<void> {
  const program = await testNatsServer().catch(() => undefined);
  skipUnless(context, program !== undefined, "no nats-server can be had");
  requireProcessTable(context);
}

describe("beamline up: the control plane", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let up: RunningUp;

  before(async function () {
    await requireTools(this);
    up = await startUp({ flags: ["--worker", WORKER] });
  });
  after(() => up?.dispose());

  it("knows the worker, which `components list` shows without any flag", async () => {
    const worker = await registeredWorker(up);
    assert.equal(worker.metadata.provider, "demo/local-llm");
    const table = await up.cli("components", "list");
    assert.match(table.stdout, new RegExp(`^processor +${worker.id} +live +HEALTHY +demo/local-llm`, "m"));
  });

  it("is told of by status and doctor", async () => {
    const address = up.controlPlane?.address ?? "";
    assert.match((await up.cli("status")).stdout, new RegExp(`^Control plane ${address} serves`, "m"));
    const doctor = await up.cli("doctor");
    assert.equal(doctor.exitCode, 0, doctor.stdout);
    assert.match(
      doctor.stdout,
      new RegExp(`^control-plane +well +serves at ${address} \\(from a running beamline up\\)`, "m"),
    );
  });

  it("puts policies into the folder, where they come into force", async () => {
    const client = new TestClient(up.controlPlane?.address ?? "");
    const policy = { policyId: "made", providers: [{ id: "openai", weight: 1 }], sticky: false, rules: [] };
    await client.unary(RouterAdminService.upsertPolicy, { tenantId: "demo", policy });
    client.close();
    await eventually(
      async () => {
        const found = (await up.status()).policies.find(({ policyId }) => policyId === "made");
        return found?.conditions.some(({ type, status }) => type === "Ready" && status === "True");
      },
      { deadlineMs: DEADLINE_MS, describe: "the policy is in force" },
    );
  });

  it("is started again when it was killed, and still knows the worker", async () => {
    const before = await registeredWorker(up);
    const killed = up.controlPlane?.pid ?? 0;
    assert.match(commandOf(killed), CONTROL_PLANE);
    process.kill(killed, "SIGKILL");
    await eventually(() => up.descendants().some((pid) => pid !== killed && CONTROL_PLANE.test(commandOf(pid))), {
      deadlineMs: DEADLINE_MS,
      everyMs: 200,
      describe: "another process in its place",
    });
    await eventually(async () => (await up.cli("doctor", "control-plane")).exitCode === 0, {
      deadlineMs: DEADLINE_MS,
      everyMs: 200,
      describe: "it serves again",
    });
    const worker = await registeredWorker(up);
    assert.deepEqual([worker.id, worker.instance], [before.id, before.instance]);
  });
});

describe("beamline up --secure: the control plane", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let up: RunningUp;

  before(async function () {
    await requireTools(this);
    up = await startUp({ flags: ["--secure", "--worker", WORKER] });
  });
  after(() => up?.dispose());

  it("makes an API key once, for its owner's eyes only", async () => {
    const { newKey = "", tokenFile = "" } = up.controlPlane ?? {};
    assert.match(newKey, /^beamline_/);
    assert.equal((await readFile(tokenFile, "utf8")).trim(), newKey);
    for (const path of [tokenFile, join(up.folder.path, ".beamline", "api-keys")])
      assert.equal((await stat(path)).mode & MODE_BITS, OWNER_ONLY, path);
    assert.doesNotMatch(await readFile(join(up.folder.path, ".beamline", "api-keys"), "utf8"), new RegExp(newKey));
  });

  it("is well by `doctor`, and so is NATS with the credentials that up has made", async () => {
    const doctor = await up.cli("doctor");
    assert.equal(doctor.exitCode, 0, doctor.stdout);
    assert.match(doctor.stdout, /^nats +well .* lets us in with .*operator\.creds$/m);
  });

  it("lets in the owner's commands and the worker, each with its own key, and nobody without", async () => {
    await registeredWorker(up);
    const address = up.controlPlane?.address ?? "";
    const client = new TestClient(address, credentials.createInsecure());
    const nobody = await client.failure(RegistryService.list, ListRequest.fromPartial({}));
    assert.equal(nobody.code, "UNAUTHENTICATED");
    client.close();
    const elsewhere = await up.cli("components", "list", "--data-dir", "nowhere", "--address", address);
    assert.equal(elsewhere.exitCode, 77);
    assert.match(elsewhere.stderr, /Give an API key or a token: --token-file FILE/);
    const workerKey = join(up.folder.path, ".beamline", "control-plane", "worker.key");
    const watched = await up.cli("components", "watch", "--token-file", workerKey);
    assert.equal(watched.exitCode, 77, "a component may not do what a viewer may");
    assert.match(watched.stderr, /PERMISSION_DENIED/);
  });
});

describe("beamline up --control-plane-port 0", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let up: RunningUp;

  before(async function () {
    await requireTools(this);
    up = await startUp({ flags: ["--worker", WORKER, "--control-plane-port", "0"] });
  });
  after(() => up?.dispose());

  it("runs none, and everything else as before", async () => {
    assert.equal(up.controlPlane, undefined);
    const decided = await up.cli("decide", "--tenant", "demo", "--policy", "chat", "--type", "chat");
    assert.equal(decided.exitCode, 0, decided.stderr);
    assert.doesNotMatch((await up.cli("status")).stdout, /Control plane/);
  });
});
