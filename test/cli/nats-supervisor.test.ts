// The nats-server of `up`: comes back when it is killed, and its failures are told.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { findFreePort, readServerName } from "../../cli/nats-server-probe.ts";
import { NatsSupervisor } from "../../cli/nats-supervisor.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const HOST = "127.0.0.1";

describe("cli nats supervisor", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let folder: TempDir;
  let supervisor: NatsSupervisor;
  const notes: string[] = [];
  const failures: unknown[] = [];

  before(async function () {
    const program = await testNatsServer().catch(() => undefined);
    skipUnless(this, program !== undefined, "no nats-server can be had");
    folder = await makeTempDir();
    supervisor = new NatsSupervisor({
      host: HOST,
      port: await findFreePort(HOST),
      dataDir: folder.path,
      program: program?.path,
      onLine: () => undefined,
      note: (line) => notes.push(line),
      onFailure: (error) => failures.push(error),
    });
    await supervisor.start();
  });
  after(async () => {
    await supervisor?.stop(5_000);
    await folder?.remove();
  });

  it("starts the server again on the same port after a kill -9, and says so", async () => {
    const first = supervisor.pid ?? 0;
    process.kill(first, "SIGKILL");
    await eventually(() => supervisor.pid !== first, { deadlineMs: 10_000, describe: "another process" });
    assert.deepEqual(notes, ["nats-server ended (SIGKILL): starting it again"]);
    const { port } = new URL(supervisor.url);
    assert.match((await readServerName(HOST, Number(port))) ?? "", /^beamline-/);
    assert.deepEqual(failures, []);
  });

  it("ends it for good when stopped", async () => {
    const last = supervisor.pid ?? 0;
    await supervisor.stop(5_000);
    assert.throws(() => process.kill(last, 0), { code: "ESRCH" });
    assert.equal(notes.length, 1);
  });
});
