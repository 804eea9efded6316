// The life of real processes: order, deadlines, signals, exit codes, the end of the parent.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "mocha";
import { EXIT_CODES } from "../../runtime/errors.ts";
import { eventually } from "../support/await.ts";

const PROGRAM = join(import.meta.dirname, "fixtures", "lifecycle-process.ts");
const DEADLINE_MS = 10_000;

class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = "";
  errors = "";

  constructor(mode: string) {
    this.child = spawn(process.execPath, [PROGRAM, mode], { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout?.on("data", (chunk) => {
      this.output += chunk;
    });
    this.child.stderr?.on("data", (chunk) => {
      this.errors += chunk;
    });
    this.ended = new Promise((resolve) => this.child.once("close", (code) => resolve(code)));
  }

  async says(line: string): Promise<void> {
    const done = (): boolean => this.lines().includes(line);
    await eventually(done, { deadlineMs: DEADLINE_MS, describe: () => `"${line}" in ${this.output}${this.errors}` });
  }

  lines(): string[] {
    return this.output.trim().split("\n");
  }
}

const STARTED = ["start first", "start second", "start third", "started"];
const STOPPED = ["stop third", "stop second", "stop first"];

describe("lifecycle", function () {
  this.timeout(30_000);

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`starts in order, stops in reverse on ${signal}, exits 0`, async () => {
      const run = new Run("plain");
      await run.says("started");
      run.child.kill(signal);
      assert.equal(await run.ended, 0);
      assert.deepEqual(run.lines(), [...STARTED, ...STOPPED]);
    });
  }

  it("leaves a step behind that does not stop in its time, stops the others, and says so by its exit code", async () => {
    const run = new Run("stuck");
    await run.says("started");
    run.child.kill("SIGTERM");
    assert.equal(await run.ended, EXIT_CODES.DEADLINE_EXCEEDED);
    assert.deepEqual(run.lines(), [...STARTED, ...STOPPED]);
  });

  it("ends at once on a second signal", async () => {
    const run = new Run("endless");
    await run.says("started");
    run.child.kill("SIGTERM");
    await run.says("stop second");
    run.child.kill("SIGINT");
    assert.equal(await run.ended, 130);
    assert.deepEqual(run.lines(), [...STARTED, "stop third", "stop second"]);
  });

  it("stops what has started when a start fails, and exits with the error's code and text", async () => {
    const run = new Run("failing");
    assert.equal(await run.ended, EXIT_CODES.PORT_IN_USE);
    assert.deepEqual(run.lines(), ["start first", "stop second", "stop first"]);
    assert.equal(run.errors, "PORT_IN_USE: port 1 is in use\n  Choose another.\n");
  });

  it("stops when a signal comes during the start", async () => {
    const run = new Run("slow");
    await run.says("starting second");
    run.child.kill("SIGTERM");
    assert.equal(await run.ended, 0);
    assert.deepEqual(run.lines(), ["start first", "starting second", "stop second", "stop first"]);
  });

  it("stops in order and fails when a bug surfaces", async () => {
    const run = new Run("bug");
    assert.equal(await run.ended, EXIT_CODES.INTERNAL);
    assert.deepEqual(run.lines(), [...STARTED, ...STOPPED]);
    assert.match(run.errors, /not valid JSON/);
  });

  it("ends in order when its parent's pipe closes", async () => {
    const run = new Run("parent");
    await run.says("started");
    run.child.stdin?.destroy();
    assert.equal(await run.ended, 0);
    assert.deepEqual(run.lines(), [...STARTED, ...STOPPED]);
  });
});
