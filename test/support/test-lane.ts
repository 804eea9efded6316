// A child process that runs test files one after another, as its parent names them, and reports each.
import { join } from "node:path";
import Mocha from "mocha";
import { brokenFile, CollectingReporter, type FileReport } from "./reporter.ts";
import { everythingRequired } from "./skip.ts";

/** For tests that set none: far beyond any healthy test, so that only a hang is ended by it. */
const DEFAULT_TIMEOUT_MS = 120_000;
const root = join(import.meta.dirname, "..", "..");

async function runFile(file: string): Promise<FileReport> {
  let reporter: CollectingReporter | undefined;
  class Reporter extends CollectingReporter {
    constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
      super(runner, options);
      reporter = this;
    }
  }
  const mocha = new Mocha({ timeout: DEFAULT_TIMEOUT_MS, reporter: Reporter, forbidOnly: everythingRequired() });
  mocha.addFile(join(root, file));
  await mocha.loadFilesAsync();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const runner = mocha.run(() => resolve());
  await ended;
  // Mocha leaves its handler of uncaught errors in place, where it would end the process (exit code 7) over an error that
  // belongs to a later file. Without it such an error is that file's failure.
  runner.dispose();
  if (reporter === undefined) throw new Error(`mocha ran ${file} without a reporter`);
  return reporter.report(file);
}

process.on("message", (file: string) => {
  runFile(file)
    .catch((thrown: unknown) =>
      brokenFile(file, thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)),
    )
    .then((report) => process.send?.(report));
});
// Whatever a test left open must not keep the run alive.
process.on("disconnect", () => process.exit(0));
