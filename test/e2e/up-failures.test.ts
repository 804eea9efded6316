// What can be wrong when `beamline up` starts: each gives one clear error, its exit code, and leaves nothing behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import { writeEndpoints } from "../../cli/endpoints.ts";
import { findFreePort } from "../../cli/nats-server-probe.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { type CliResult, portFlags, QUICKSTART, runMain } from "./up-process.ts";

const HOST = "127.0.0.1";
const PORT_IN_USE = 71;
const DISK = 73;
const SERVER = 69;
const WRONG_CONFIGURATION = 78;

describe("beamline up: what can be wrong", () => {
  let folder: TempDir;
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const mounts: string[] = [];

  before(async () => {
    folder = await makeTempDir("beamline-up-");
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    for (const path of mounts.splice(0)) execFileSync("umount", [path]);
  });
  after(() => folder?.remove());

  async function up(...flags: readonly string[]): Promise<CliResult> {
    const run = await runMain(["up", "--policies", QUICKSTART, ...flags], folder.path);
    assert.equal(run.stdout, "");
    return run;
  }

  /** One error: its code, what it says, a way out; no second one and no stack. */
  function assertOneError(run: CliResult, exitCode: number, says: RegExp): void {
    const lines = run.stderr.trimEnd().split("\n");
    assert.equal(run.exitCode, exitCode, run.stderr);
    assert.match(run.stderr, says);
    const errors = lines.filter((line) => /^[A-Z_]+: /.test(line));
    assert.equal(errors.length, 1, run.stderr);
    assert.ok(!lines.some((line) => /^ +at /.test(line)), run.stderr);
  }

  async function listen(greeting?: string): Promise<number> {
    const server = createServer((socket) => {
      socket.on("error", () => socket.destroy());
      sockets.push(socket);
      if (greeting !== undefined) socket.write(greeting);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    return (server.address() as AddressInfo).port;
  }

  for (const [flag, what] of [
    ["--nats-port", "NATS"],
    ["--http-port", "HTTP \\(status, metrics\\)"],
    ["--health-port", "health of router 0"],
    ["--control-plane-port", "control plane \\(gRPC\\)"],
  ] as const) {
    it(`names the port that is in use and ${flag}`, async () => {
      const port = await listen();
      const run = await up(...(await portFlags()), flag, String(port));
      assertOneError(run, PORT_IN_USE, new RegExp(`^PORT_IN_USE: ${what} needs ${HOST}:${port}, .*\\n.*${flag}`));
    });
  }

  it("names a folder that does not exist", async () => {
    const run = await runMain(["up", "--policies", "nowhere"], folder.path);
    assertOneError(run, 66, /^INPUT_MISSING: --policies names .*nowhere, which does not exist/);
  });

  it("refuses a data folder on which another one runs", async () => {
    const dataDir = join(folder.path, "taken");
    await writeEndpoints(dataDir, { natsUrl: "nats://127.0.0.1:1", httpUrl: "http://127.0.0.1:1" });
    const run = await up(...(await portFlags()), "--data-dir", dataDir);
    assertOneError(
      run,
      WRONG_CONFIGURATION,
      new RegExp(`^CONFIG_INVALID: data folder .*taken is used by process ${process.pid}`),
    );
  });

  it("says that no NATS server answers at --nats-url", async () => {
    const port = await findFreePort(HOST);
    const run = await up(...(await portFlags()), "--nats-url", `nats://${HOST}:${port}`);
    assertOneError(run, SERVER, new RegExp(`^NATS_UNREACHABLE: NATS at nats://${HOST}:${port} did not answer`, "m"));
  });

  it("refuses a NATS server that is too old, with its version", async () => {
    const info = {
      server_id: "OLD",
      server_name: "old",
      version: "2.10.29",
      proto: 1,
      headers: true,
      max_payload: 1_048_576,
    };
    const port = await listen(`INFO ${JSON.stringify(info)}\r\nPONG\r\n`);
    const run = await up(...(await portFlags()), "--nats-url", `nats://${HOST}:${port}`);
    assertOneError(
      run,
      SERVER,
      /^NATS_TOO_OLD: nats-server at .* has version 2\.10\.29; 2\.12\.0 or newer is required/m,
    );
  });

  it("refuses to start a program that is no nats-server", async () => {
    const run = await up(...(await portFlags()), "--nats-server", join(folder.path, "no-such-program"));
    assertOneError(run, SERVER, /^NATS_SERVER_MISSING: .* does not run as nats-server/m);
  });

  it("says that the disk is full", async function () {
    skipUnless(this, process.getuid?.() === 0, "mounting a small tmpfs needs root");
    const dataDir = await mount("full", "-t", "tmpfs", "-o", "size=1m", "tmpfs");
    const run = await up(...(await portFlags()), "--data-dir", dataDir);
    assertOneError(run, DISK, /^STORAGE_FULL: data folder .*full /);
  });

  it("says that the data folder is read-only", async function () {
    skipUnless(this, process.getuid?.() === 0, "a read-only bind mount needs root");
    const source = join(folder.path, "source");
    await mkdir(source);
    const dataDir = await mount("read-only", "--bind", source);
    execFileSync("mount", ["-o", "remount,ro,bind", dataDir]);
    const run = await up(...(await portFlags()), "--data-dir", dataDir);
    assertOneError(run, DISK, /^STORAGE_READ_ONLY: data folder .*read-only cannot be written to \(EROFS\)/);
  });

  async function mount(name: string, ...args: readonly string[]): Promise<string> {
    const path = join(folder.path, name);
    await mkdir(path);
    execFileSync("mount", [...args, path]);
    mounts.push(path);
    return path;
  }
});
