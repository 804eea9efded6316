// Turns the events of one test file into lines in the style of mocha's spec reporter and into counts that can be summed.
import Mocha from "mocha";
import { skipReason } from "./skip.ts";

/** A test that failed or was skipped: its full title, and the stack or the reason. */
export interface NamedText {
  readonly title: string;
  readonly text: string;
}

/** What one test file came to. */
export interface FileReport {
  readonly file: string;
  readonly passed: number;
  readonly failures: readonly NamedText[];
  readonly skips: readonly NamedText[];
  readonly lines: readonly string[];
}

/** The counts of the closing line. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Sums reports; where everything is required a skip counts as a failure. */
export function sumReports(reports: readonly FileReport[], everythingRequired: boolean): Totals {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const report of reports) {
    passed += report.passed;
    failed += report.failures.length + (everythingRequired ? report.skips.length : 0);
    skipped += everythingRequired ? 0 : report.skips.length;
  }
  return { passed, failed, skipped };
}

/** The last line of every test run. Scripts read it; its form is fixed. */
export function closingLine(totals: Totals): string {
  return `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`;
}

/** A report of a file that did not get as far as running tests. */
export function brokenFile(file: string, text: string): FileReport {
  return { file, passed: 0, failures: [{ title: file, text }], skips: [], lines: [`  ✗ ${file}`] };
}

function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** Mocha reporter that collects; `report()` is complete when the run has ended. */
export class CollectingReporter extends Mocha.reporters.Base {
  private passed = 0;
  private readonly failed: NamedText[] = [];
  private readonly skipped: NamedText[] = [];
  private readonly lines: string[] = [];
  private depth = 0;

  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const events = Mocha.Runner.constants;
    runner.on(events.EVENT_SUITE_BEGIN, (suite) => {
      this.depth++;
      if (!suite.root) this.write(suite.title);
    });
    runner.on(events.EVENT_SUITE_END, () => {
      this.depth--;
    });
    runner.on(events.EVENT_TEST_PASS, (test) => {
      this.passed++;
      const slow = test.duration !== undefined && test.duration > test.slow() ? ` (${test.duration} ms)` : "";
      this.write(`  ✓ ${test.title}${slow}`);
    });
    runner.on(events.EVENT_TEST_FAIL, (test, thrown: unknown) => {
      this.failed.push({ title: test.fullTitle(), text: describeThrown(thrown) });
      this.write(`  ✗ ${test.title}`);
    });
    runner.on(events.EVENT_TEST_PENDING, (test) => {
      const reason = skipReason(test);
      this.skipped.push({ title: test.fullTitle(), text: reason });
      this.write(`  - ${test.title} (skipped: ${reason})`);
    });
  }

  report(file: string): FileReport {
    return { file, passed: this.passed, failures: this.failed, skips: this.skipped, lines: this.lines };
  }

  private write(text: string): void {
    this.lines.push(`${"  ".repeat(Math.max(0, this.depth - 1))}${text}`);
  }
}
