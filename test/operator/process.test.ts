// The operator as a process: how it ends, what it leaves behind, and what it says when it cannot start.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import type { StatusDocument } from "../../operator/status-document.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { freePort } from "../support/router-process.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { DEADLINE_MS, freePortPair } from "./harness.ts";

const MAIN = join(import.meta.dirname, "..", "..", "operator", "main.ts");

interface OperatorProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly httpPort: number;
  stderr(): string;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

describe("operator process", () => {
  let nats: TestNats;
  let folder: TempDir;
  const running: OperatorProcess[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    folder = await makeTempDir("beamline-policies-");
  });
  after(async () => {
    await nats.stop();
    await folder.remove();
  });
  afterEach(async () => {
    for (const { child, exited } of running.splice(0)) {
      child.kill("SIGKILL");
      await exited;
    }
  });

  const run = async (environment: Readonly<Record<string, string>> = {}): Promise<OperatorProcess> => {
    const httpPort = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      stdio: ["pipe", "ignore", "pipe"],
      env: {
        PATH: process.env.PATH,
        BEAMLINE_NATS_URL: nats.url,
        BEAMLINE_POLICIES_DIR: folder.path,
        BEAMLINE_STATE_DIR: join(folder.path, ".state"),
        BEAMLINE_HTTP_PORT: String(httpPort),
        BEAMLINE_ROUTERS: "2",
        BEAMLINE_ROUTER_HEALTH_PORT: String(await freePortPair()),
        BEAMLINE_ROUTER_LOG_DIR: join(folder.path, ".logs"),
        ...environment,
      },
    });
    let text = "";
    child.stderr?.on("data", (data) => {
      text += String(data);
    });
    const exited = new Promise<number | NodeJS.Signals>((resolve) =>
      child.once("close", (code, signal) => resolve(code ?? signal ?? 0)),
    );
    const made = { child, exited, httpPort, stderr: () => text };
    running.push(made);
    return made;
  };
  const status = async ({ httpPort }: OperatorProcess): Promise<StatusDocument | undefined> => {
    const response = await fetch(`http://127.0.0.1:${httpPort}/status`);
    return (await response.json()) as StatusDocument;
  };
  const routerPids = (operator: OperatorProcess): Promise<readonly number[]> =>
    eventually(
      async () => {
        const routers = (await status(operator))?.routers ?? [];
        return routers.length === 2 && routers.every(({ ready }) => ready)
          ? routers.flatMap(({ pid }) => pid ?? [])
          : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: () => `two routers are ready: ${operator.stderr()}`, everyMs: 50 },
    );

  it("ends in order on SIGTERM, with exit code 0 and without its routers", async () => {
    const operator = await run();
    const pids = await routerPids(operator);
    operator.child.kill("SIGTERM");
    assert.equal(await operator.exited, 0);
    assert.ok(!pids.some(isAlive));
  });

  it("leaves no router behind when it is killed with -9", async () => {
    const operator = await run();
    const pids = await routerPids(operator);
    operator.child.kill("SIGKILL");
    await operator.exited;
    await eventually(() => !pids.some(isAlive), { deadlineMs: DEADLINE_MS, describe: "the routers have ended" });
  });

  it("takes a bus that belongs to another Router from nobody", async () => {
    const operator = await run();
    await routerPids(operator);
    const second = await run({ BEAMLINE_ROUTER_NAME: "other", BEAMLINE_ROUTER_NAMESPACE: "team" });
    const document = await eventually(
      async () => {
        const found = await status(second);
        return (found?.router.conditions ?? []).some(({ reason }) => reason === "SubjectConflict") ? found : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: () => `the conflict is told: ${second.stderr()}`, everyMs: 50 },
    );
    const accepted = document.router.conditions.find(({ type }) => type === "Accepted");
    assert.match(accepted?.message ?? "", /belongs to Router beamline-system\/default/);
    assert.deepEqual(document.routers, []);
    const ready = await fetch(`http://127.0.0.1:${second.httpPort}/readyz`);
    assert.equal(ready.status, 503);
  });

  const failures: readonly [string, () => Promise<Readonly<Record<string, string>>>, number, RegExp][] = [
    [
      "a folder that is not there",
      async () => ({ BEAMLINE_POLICIES_DIR: "/nowhere/at/all" }),
      66,
      /INPUT_MISSING: .*\/nowhere\/at\/all/,
    ],
    [
      "NATS out of reach",
      async () => ({ BEAMLINE_NATS_URL: `nats://127.0.0.1:${await freePort()}`, BEAMLINE_NATS_TIMEOUT: "300ms" }),
      69,
      /NATS_UNREACHABLE/,
    ],
    [
      "a setting that is wrong",
      async () => ({ BEAMLINE_ROUTERS: "many", BEAMLINE_ACK_WAYT: "1s" }),
      78,
      /BEAMLINE_ROUTERS.*\n.*BEAMLINE_ACK_WAYT.*BEAMLINE_ACK_WAIT/,
    ],
    [
      "a router program that is not there",
      async () => ({ BEAMLINE_ROUTER_MAIN: "/nowhere/main.ts" }),
      71,
      /PROCESS_FAILED: .*\/nowhere\/main\.ts/,
    ],
  ];
  for (const [name, environment, code, text] of failures) {
    it(`says it once and ends with ${code}: ${name}`, async () => {
      const operator = await run(await environment());
      assert.equal(await operator.exited, code);
      assert.match(operator.stderr(), text);
      assert.doesNotMatch(operator.stderr(), /at .*\.ts:\d+/, "no stack for what is not a bug");
    });
  }

  it("says it once and ends with 71: the HTTP port is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    try {
      const operator = await run({ BEAMLINE_HTTP_PORT: String(address.port) });
      assert.equal(await operator.exited, 71);
      assert.match(operator.stderr(), new RegExp(`PORT_IN_USE: .*${address.port}`));
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
