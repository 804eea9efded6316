// A process of tests that dies, or meets an error that an earlier file left behind, must say what happened and after which file.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { Lane } from "./lane.ts";

const fixture = (name: string) => `test/support/fixtures/${name}.ts`;

describe("a process of tests", function () {
  this.timeout(60_000);
  let lane: Lane;
  afterEach(() => lane.end());

  it("that ends in a test is a failure of that file, with how it ended", async () => {
    lane = new Lane();
    const { failures } = await lane.run(fixture("ends-process"));
    assert.deepEqual(failures, [
      {
        title: fixture("ends-process"),
        text: "the test process ended with exit code 3\nran before in that process: nothing\nit wrote nothing to stderr",
      },
    ]);
    assert.equal(lane.alive, false);
  });

  it("that dies of an error between two files says its stack and the file before", async () => {
    lane = new Lane();
    assert.equal((await lane.run(fixture("fails-between-files"))).passed, 1);
    const { failures } = await lane.run(fixture("calls-what-was-left"));
    assert.deepEqual(
      failures.map(({ title }) => title),
      [fixture("calls-what-was-left")],
    );
    const text = failures[0]?.text ?? "";
    assert.match(
      text,
      /^the test process ended with exit code 1\nran before in that process: \S+fails-between-files\.ts\n/,
    );
    assert.match(text, /Error: left behind between files\n\s+at process\.<anonymous> \S+fails-between-files\.ts:\d+/);
  });

  it("survives an error that an earlier file left behind, and tells it as a failure of the test that ran", async () => {
    lane = new Lane();
    assert.equal((await lane.run(fixture("fails-in-next-file"))).passed, 1);
    const { failures } = await lane.run(fixture("calls-what-was-left"));
    assert.deepEqual(
      failures.map(({ title }) => title),
      ["waits"],
    );
    assert.match(
      failures[0]?.text ?? "",
      /left behind for the next file\n\s+at process\.<anonymous> \S+fails-in-next-file/,
    );
    assert.match(lane.ranBefore, /fails-in-next-file\.ts$/);
    assert.equal(lane.alive, true);
  });

  it("whose end came after its last report says so for the file that could not run", async () => {
    lane = new Lane();
    await lane.run(fixture("ends-process"));
    const { failures } = await lane.run(fixture("calls-what-was-left"));
    assert.match(
      failures[0]?.text ?? "",
      /^the test process ended with exit code 3\nran before in that process: \S+ends-process/,
    );
  });
});
