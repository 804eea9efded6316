// `beamline components`: what it shows of a registry, how it finds the control plane, and how it fails.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { parse, parseAllDocuments } from "yaml";
import { writeEndpoints } from "../../cli/endpoints.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../support/control-plane-process.ts";
import { freePort } from "../support/router-process.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { type CliRun, runCli } from "./run-cli.ts";

const MAIN = join(import.meta.dirname, "..", "..", "cli", "main.ts");
const DEADLINE_MS = 20_000;
const endpoint = "127.0.0.1:9000";

interface Listed {
  readonly components: readonly {
    readonly id: string;
    readonly liveness: string;
    readonly registeredAt: string;
    readonly ttl: string;
  }[];
  readonly more: boolean;
}

describe("cli components", () => {
  let folder: TempDir;
  let server: TestControlPlane;
  let client: TestClient;

  const components = (...args: readonly string[]): Promise<CliRun> =>
    runCli(["components", ...args, "--address", server.address], { cwd: folder.path });
  const ids = async (...args: readonly string[]): Promise<string[]> => {
    const { stdout, exitCode, stderr } = await components("list", "--output", "json", ...args);
    assert.equal(exitCode, 0, stderr);
    return (JSON.parse(stdout) as Listed).components.map(({ id }) => id);
  };

  before(async () => {
    folder = await makeTempDir();
    server = await startTestControlPlane();
    client = new TestClient(server.address);
    for (const id of ["resize-1", "resize-2", "scan"]) {
      const metadata = id === "scan" ? { zone: "east" } : { provider: "media/resize" };
      await client.unary(ControlPlaneService.registerProcessor, { processorId: id, endpoint, metadata });
    }
    const metadata = { output_event_types: "trade.v1" };
    await client.unary(ControlPlaneService.registerSource, { sourceId: "feed", endpoint: "", metadata });
    const heartbeat = { timestamp: undefined, metrics: { queue: 3 }, status: "UNHEALTHY" };
    await client.unary(ControlPlaneService.processorHeartbeat, { processorId: "scan", ...heartbeat });
  });
  after(async () => {
    client.close();
    await server.stop();
    await folder.remove();
  });

  it("list: a table with liveness, status, provider and endpoint", async () => {
    const { stdout, exitCode } = await components("list");
    assert.equal(exitCode, 0);
    const [heading, ...rows] = stdout.trimEnd().split("\n");
    assert.match(heading ?? "", /^KIND +ID +LIVENESS +STATUS +PROVIDER +ENDPOINT +SEEN$/);
    assert.equal(rows.length, 4);
    assert.match(rows[1] ?? "", /^processor +resize-1 +live +STARTING +media\/resize +127\.0\.0\.1:9000 +\d+ s$/);
  });

  it("list: filters, orders and a limit", async () => {
    assert.deepEqual(await ids(), ["feed", "resize-1", "resize-2", "scan"]);
    assert.deepEqual(await ids("--kind", "source"), ["feed"]);
    assert.deepEqual(await ids("--metadata", "provider=media/resize"), ["resize-1", "resize-2"]);
    assert.deepEqual(await ids("--status", "unhealthy"), ["scan"]);
    assert.deepEqual(await ids("--event-type", "trade.v1"), ["feed"]);
    assert.deepEqual(await ids("--liveness", "lost"), []);
    assert.deepEqual(await ids("--order", "seen", "--limit", "1"), ["scan"]);
    const limited = await components("list", "--limit", "2");
    assert.match(limited.stderr, /there are more: raise --limit/);
  });

  it("list: YAML with the fields of the protocol", async () => {
    const { stdout } = await components("list", "--kind", "source", "--output", "yaml");
    const { components: found, more } = parse(stdout) as Listed;
    assert.equal(found[0]?.ttl, "30s");
    assert.deepEqual([found.length, more, found[0]?.id, found[0]?.liveness], [1, false, "feed", "LIVENESS_LIVE"]);
    assert.ok(!Number.isNaN(Date.parse(found[0]?.registeredAt ?? "")), stdout);
  });

  it("get: one component in full, by two words or one", async () => {
    const { stdout } = await components("get", "processor", "scan");
    assert.match(stdout, /^status +UNHEALTHY$/m);
    assert.match(stdout, /^metric queue +3$/m);
    assert.match(stdout, /^metadata zone +east$/m);
    assert.equal((await components("get", "processor/scan")).stdout.split("\n")[1], stdout.split("\n")[1]);
  });

  it("unregister: takes a component away, once", async () => {
    await client.unary(ControlPlaneService.registerConsumer, { consumerId: "sink", endpoint: "", metadata: {} });
    assert.equal((await components("unregister", "consumer", "sink")).stdout, "unregistered consumer sink\n");
    const again = await components("unregister", "consumer", "sink");
    assert.deepEqual([again.exitCode, /INPUT_MISSING: no consumer "sink"/.test(again.stderr)], [66, true]);
  });

  const wrong: readonly [string, readonly string[], number, RegExp][] = [
    ["an unknown kind", ["list", "--kind", "sink"], 64, /--kind is "sink": it must be one of source, processor/],
    ["no name", ["get"], 64, /one component must be named by its kind and its id/],
    [
      "an unknown component",
      ["get", "processor", "nobody"],
      66,
      /INPUT_MISSING: no processor "nobody" is registered\n {2}See: npx beamline components list/,
    ],
    ["an id that none can have", ["get", "processor", "a b"], 65, /INPUT_INVALID: id: /],
    ["a token file that is not there", ["list", "--token-file", "nowhere"], 66, /nowhere cannot be read/],
    ["a certificate without its key", ["list", "--tls-cert", "c.pem"], 64, /given together/],
  ];
  for (const [name, args, exitCode, message] of wrong) {
    it(`refuses ${name}`, async () => {
      const run = await components(...args);
      assert.equal(run.exitCode, exitCode, run.stderr);
      assert.match(run.stderr, message);
    });
  }

  it("finds the control plane of a running up, and says where it looked when none answers", async () => {
    const dataDir = join(folder.path, ".beamline");
    const controlPlane = { address: server.address };
    await writeEndpoints(dataDir, { natsUrl: "nats://127.0.0.1:1", httpUrl: "http://127.0.0.1:1", controlPlane });
    const found = await runCli(["components", "list"], { cwd: folder.path });
    assert.deepEqual([found.exitCode, found.stderr], [0, ""]);
    const nowhere = `127.0.0.1:${await freePort()}`;
    const env = { BEAMLINE_CONTROLPLANE_ADDRESS: nowhere };
    const away = await runCli(["components", "list"], { cwd: folder.path, env });
    assert.equal(away.exitCode, 69);
    assert.match(away.stderr, new RegExp(`control plane ${nowhere} \\(from BEAMLINE_CONTROLPLANE_ADDRESS\\)`));
    assert.match(away.stderr, new RegExp(`connect ECONNREFUSED ${nowhere}$`, "m"));
  });

  it("does not send a key in plaintext to another machine", async () => {
    const tokenFile = join(folder.path, "key");
    await writeFile(tokenFile, "secret\n");
    const args = ["components", "list", "--address", "cp.example:1", "--token-file", tokenFile];
    const run = await runCli(args, { cwd: folder.path });
    assert.equal(run.exitCode, 64);
    assert.match(run.stderr, /the token would go to cp.example:1 in plaintext/);
    assert.doesNotMatch(run.stderr, /secret/);
  });
});

describe("cli components watch", function () {
  this.timeout(90_000);
  let server: ControlPlaneProcess;
  const watches: Watched[] = [];

  interface Watched {
    readonly child: ChildProcess;
    readonly output: { stdout: string; stderr: string };
  }
  const watch = (...args: readonly string[]): Watched => {
    const child = spawn(process.execPath, [MAIN, "components", "watch", "--address", server.address, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text;
    });
    const watched = { child, output };
    watches.push(watched);
    return watched;
  };
  const shows = ({ output }: Watched, pattern: RegExp): Promise<boolean> =>
    eventually(() => pattern.test(output.stdout), {
      deadlineMs: DEADLINE_MS,
      describe: () => `${pattern} in ${output.stdout} ${output.stderr}`,
    });
  const register = async (id: string): Promise<void> => {
    const client = new TestClient(server.address);
    await client.unary(ControlPlaneService.registerProcessor, { processorId: id, endpoint, metadata: {} });
    client.close();
  };
  const finish = async ({ child }: Watched): Promise<number | null> => {
    const exited = once(child, "exit");
    child.kill("SIGINT");
    await exited;
    return child.exitCode;
  };

  before(async () => {
    server = await startControlPlaneProcess({});
  });
  after(async () => {
    for (const { child } of watches) child.kill("SIGKILL");
    await server?.end("SIGKILL");
  });

  it("shows what there is, what changes, and where to go on; a resumed one tells nothing twice", async () => {
    await register("one");
    const first = watch();
    await shows(first, /^CHANGE +KIND +ID +LIVENESS .*\ncurrent +processor +one +live/);
    await register("two");
    await shows(first, /^registered +processor +two/m);
    const columns = first.output.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.search(/ID |one |two /));
    assert.equal(new Set(columns).size, 1, first.output.stdout);
    assert.equal(first.output.stdout.match(/CHANGE/g)?.length, 1);
    assert.equal(await finish(first), 0);
    const token = /--resume (\S+)/.exec(first.output.stderr)?.[1] ?? "";
    await register("three");
    const second = watch("--resume", token, "--output", "json");
    await shows(second, /"three"/);
    const lines = second.output.stdout.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { component: { id: string } }).component.id),
      ["three"],
    );
    assert.equal(await finish(second), 0);
  });

  it("writes YAML documents", async () => {
    await register("yaml");
    const watched = watch("--output", "yaml");
    await shows(watched, /TYPE_SYNCED[\s\S]*resumeToken/);
    await finish(watched);
    const types = parseAllDocuments(watched.output.stdout).map((document) => document.toJS()?.type);
    assert.deepEqual(new Set(types), new Set(["TYPE_CURRENT", "TYPE_SYNCED"]));
  });

  it("goes on with a control plane that was killed and started anew", async () => {
    const watched = watch();
    await eventually(() => /changes follow/.test(watched.output.stderr), {
      deadlineMs: DEADLINE_MS,
      describe: "the watch stands",
    });
    const port = Number(server.address.split(":")[1]);
    await server.end("SIGKILL");
    server = await startControlPlaneProcess({}, port);
    await register("after");
    await shows(watched, /(?:current|registered) +processor +after/);
    const client = new TestClient(server.address);
    await client.unary(RegistryService.unregister, {
      kind: ComponentKind.COMPONENT_KIND_PROCESSOR,
      id: "after",
      instance: "",
    });
    client.close();
    await shows(watched, /^removed +processor +after/m);
    assert.equal(await finish(watched), 0);
  });

  it("fails at once when nothing listens at its address", async () => {
    const run = await runCli(["components", "watch", "--address", `127.0.0.1:${await freePort()}`]);
    assert.equal(run.exitCode, 69);
  });
});
