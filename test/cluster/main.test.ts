// The command `npm run cluster`: what it says when it cannot do what it is asked.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { missingForNode } from "./requirements.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("npm run cluster", () => {
  let temp: TempDir;
  beforeEach(async () => {
    temp = await makeTempDir();
  });
  afterEach(() => temp.remove());

  function cluster(commandArguments: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const env = { ...process.env, BEAMLINE_CACHE_DIR: temp.path, ...environment };
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(import.meta.dirname, "main.ts"), ...commandArguments],
        { env },
        (error, stdout, stderr) => resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
      );
    });
  }

  it("lists all that the machine lacks at once, with the way out of each", async () => {
    const lacking = await cluster(["up"], { PATH: temp.path, KUBEBUILDER_ASSETS: "" });
    assert.equal(lacking.code, 69);
    assert.match(lacking.stderr, /^UNAVAILABLE: this machine cannot run a node:\n/);
    assert.match(lacking.stderr, /^- etcd, kube-apiserver, .*there is no Go to build them \(install Go, https:/m);
    const missing = await missingForNode({ BEAMLINE_CACHE_DIR: temp.path, PATH: temp.path });
    assert.deepEqual(
      lacking.stderr.trim().split("\n").slice(1),
      missing.map((line) => `- ${line}`),
    );
  });

  it("says how to start a cluster that is not up", async () => {
    for (const command of [["kubectl", "get", "nodes"], ["load-image", "x.tar"], ["kubeconfig"]]) {
      const { code, stderr } = await cluster(command);
      assert.equal(code, 69);
      assert.equal(stderr, "UNAVAILABLE: no cluster named beamline is up\n  Start it with `npm run cluster -- up`.\n");
    }
  });

  it("has nothing to show and nothing to end on a machine without clusters", async () => {
    assert.deepEqual(await cluster(["status"]), { code: 0, stdout: "no clusters\n", stderr: "" });
    const down = await cluster(["down", "--name", "nobody"]);
    assert.deepEqual(down, { code: 0, stdout: "", stderr: "there is no cluster named nobody\n" });
  });

  it("refuses commands, options and names that it does not know, with the usage", async () => {
    const usage = /npm run cluster -- <command> \[--name <cluster>\]/;
    for (const wrong of [[], ["upp"], ["up", "--nmae", "x"]]) {
      const { code, stderr } = await cluster(wrong);
      assert.equal(code, 64);
      assert.match(stderr, usage);
    }
    const named = await cluster(["status", "--name", "x"]);
    assert.equal(named.code, 0);
    const { code, stderr } = await cluster(["down", "--name", "../up"]);
    assert.equal(code, 64);
    assert.match(stderr, /^USAGE_INVALID: "\.\.\/up" is no name for a cluster/);
  });
});
