// Where programs come from, what is said when they come from nowhere, and that builds do not run side by side.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, it } from "mocha";
import { BeamlineError } from "../../runtime/errors.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { withBuildLock } from "./build-lock.ts";
import { findOnPath } from "./executable.ts";
import { cachedProgramPath, findProgram } from "./find-program.ts";
import { PROGRAMS } from "./programs.ts";
import { missingForApiServer } from "./requirements.ts";

const run = promisify(execFile);

describe("finding the cluster's programs", () => {
  let temp: TempDir;
  beforeEach(async () => {
    temp = await makeTempDir();
  });
  afterEach(() => temp.remove());

  async function putProgram(path: string): Promise<string> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "#!/bin/sh\n");
    await chmod(path, 0o755);
    return path;
  }

  it("takes KUBEBUILDER_ASSETS before the cache, and the cache for what is not there", async () => {
    const assets = join(temp.path, "assets");
    const environment = { BEAMLINE_CACHE_DIR: join(temp.path, "cache"), KUBEBUILDER_ASSETS: assets, PATH: "" };
    const given = await putProgram(join(assets, "etcd"));
    await putProgram(cachedProgramPath("etcd", environment));
    const cached = await putProgram(cachedProgramPath("kube-apiserver", environment));
    assert.equal(cached, join(temp.path, "cache", "bin", "kube-apiserver", "1.35.4", "kube-apiserver"));
    assert.equal(await findProgram("etcd", { environment, progress: assert.fail }), given);
    assert.equal(await findProgram("kube-apiserver", { environment, progress: assert.fail }), cached);
  });

  it("says what lacks and the way out on a machine without Go", async () => {
    const environment = { BEAMLINE_CACHE_DIR: temp.path, PATH: "" };
    await assert.rejects(findProgram("etcd", { environment, progress: assert.fail }), (error) => {
      assert.ok(error instanceof BeamlineError);
      assert.equal(error.code, "UNAVAILABLE");
      assert.match(error.message, /^etcd 3\.6\.6 is not at .*, and there is no Go to build it$/);
      assert.match(error.hint ?? "", /Install Go .* KUBEBUILDER_ASSETS/);
      return true;
    });
    const missing = await missingForApiServer(environment);
    assert.match(missing[0] ?? "", /^etcd, kube-apiserver: neither in KUBEBUILDER_ASSETS nor in the cache/);
  });

  it("keeps the log of a build that fails, and names it", async function () {
    const go = await findOnPath("go");
    skipUnless(this, go !== undefined, "Go is not installed (https://go.dev/dl/)");
    const environment = {
      ...process.env,
      BEAMLINE_CACHE_DIR: join(temp.path, "cache"),
      KUBEBUILDER_ASSETS: "",
      // No module can be had: as on a machine that is cut off.
      GOMODCACHE: join(temp.path, "modules"),
      GOPROXY: "off",
      GOFLAGS: "-modcacherw",
    };
    const lines: string[] = [];
    const log = join(dirname(cachedProgramPath("etcd", environment)), "build.log");
    await assert.rejects(findProgram("etcd", { environment, progress: (line) => lines.push(line) }), (error) => {
      assert.ok(error instanceof BeamlineError);
      assert.equal(error.code, "PROCESS_FAILED");
      assert.match(error.message, /^etcd 3\.6\.6 could not be built: .*GOPROXY=off/);
      assert.equal(error.hint, `Go's whole output is in ${log}.`);
      return true;
    });
    assert.match(await readFile(log, "utf8"), /GOPROXY=off/);
    assert.match(lines[0] ?? "", /^building etcd 3\.6\.6 with Go, about \d+ s/);
  });

  it("pins in every go.mod the version that it says it builds", async () => {
    for (const [name, { moduleDir, goPackage, version }] of Object.entries(PROGRAMS)) {
      // The one program whose source is here.
      if (name === "pause") continue;
      const text = await readFile(join(moduleDir, "go.mod"), "utf8");
      const pinned = [...text.matchAll(/^(?:require)?\s+([\w./-]+) v([\w.+-]+)(?: \/\/ indirect)?$/gm)].find(
        ([, module]) => goPackage === module || goPackage.startsWith(`${module}/`),
      );
      assert.equal(pinned?.[2], version, name);
      assert.ok(text.includes(goPackage), `${name}: the go.mod has ${goPackage} as a tool`);
    }
  });

  it("builds one after another, and takes over the lock of a process that is gone", async () => {
    const lock = join(temp.path, "locks", ".build.lock");
    await mkdir(dirname(lock));
    const { stdout } = await run("sh", ["-c", "echo $$"]);
    await writeFile(lock, stdout.trim());
    const events: string[] = [];
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const first = withBuildLock(lock, assert.fail, async () => {
      events.push("first begins");
      begun.resolve();
      await held.promise;
      events.push("first ends");
    });
    await begun.promise;
    const second = withBuildLock(
      lock,
      (line) => {
        assert.match(line, new RegExp(`^waiting for process ${process.pid}, which is building`));
        events.push("second waits");
        held.resolve();
      },
      async () => void events.push("second begins"),
    );
    await Promise.all([first, second]);
    assert.deepEqual(events, ["first begins", "second waits", "first ends", "second begins"]);
  });
});
