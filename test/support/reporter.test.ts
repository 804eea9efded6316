// The test command's own counting: a failure, a skip and a hook that fails must each be seen.
import assert from "node:assert/strict";
import Mocha, { describe, it } from "mocha";
import { brokenFile, CollectingReporter, closingLine, type FileReport, sumReports } from "./reporter.ts";
import { everythingRequired, skipUnless } from "./skip.ts";

/** Runs a suite of its own, apart from the one that is running. */
async function runSuite(fill: (suite: Mocha.Suite) => void): Promise<FileReport> {
  const reporters: CollectingReporter[] = [];
  class Reporter extends CollectingReporter {
    constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
      super(runner, options);
      reporters.push(this);
    }
  }
  const mocha = new Mocha({ reporter: Reporter });
  fill(Mocha.Suite.create(mocha.suite, "suite"));
  await new Promise<void>((resolve) => {
    mocha.run(() => resolve());
  });
  const [reporter] = reporters;
  assert.ok(reporter, "mocha made no reporter");
  return reporter.report("some.test.ts");
}

describe("the test command", () => {
  it("counts passes, failures and skips, and keeps their texts", async () => {
    const report = await runSuite((suite) => {
      suite.addTest(new Mocha.Test("passes", () => {}));
      suite.addTest(new Mocha.Test("fails", () => assert.equal(1, 2)));
      suite.addTest(new Mocha.Test("pending"));
    });
    assert.equal(closingLine(sumReports([report], false)), "1 passed, 1 failed, 1 skipped");
    assert.match(report.failures[0]?.text ?? "", /AssertionError/);
    assert.deepEqual(report.lines, [
      "  suite",
      "    ✓ passes",
      "    ✗ fails",
      "    - pending (skipped: no reason given)",
    ]);
  });

  it("counts a suite whose hook fails as failed", async () => {
    const report = await runSuite((suite) => {
      suite.beforeAll(() => assert.fail("no server"));
      suite.addTest(new Mocha.Test("never runs", () => {}));
    });
    assert.equal(closingLine(sumReports([report], false)), "0 passed, 1 failed, 0 skipped");
  });

  it("gives the reason of a skip, from the test or from the suite around it", async function () {
    if (everythingRequired()) {
      assert.throws(() => skipUnless(this, false, "nothing is missing"), /BEAMLINE_REQUIRE=all/);
      return;
    }
    const report = await runSuite((suite) => {
      suite.beforeAll(function () {
        skipUnless(this, false, "needs root");
      });
      suite.addTest(new Mocha.Test("mounts", () => {}));
    });
    assert.deepEqual(report.skips, [{ title: "suite mounts", text: "needs root" }]);
  });

  it("counts skips as failures where everything is required", () => {
    const report: FileReport = { ...brokenFile("a.test.ts", "why"), skips: [{ title: "b", text: "c" }] };
    assert.equal(closingLine(sumReports([report], true)), "0 passed, 2 failed, 0 skipped");
    assert.equal(closingLine(sumReports([report, report], false)), "0 passed, 2 failed, 2 skipped");
  });
});
