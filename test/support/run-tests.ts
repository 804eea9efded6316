// The one test command: runs every test file, two at a time, those that need the machine to themselves at the end.
// Arguments are parts of paths (`npm test -- core`); `--cluster` first means the tests of CLUSTER and no others. The last line is
// always `N passed, N failed, N skipped`.
import { globSync } from "node:fs";
import { join } from "node:path";
import { Lane } from "./lane.ts";
import { brokenFile, closingLine, type FileReport, sumReports } from "./reporter.ts";
import { everythingRequired } from "./skip.ts";

const root = join(import.meta.dirname, "..", "..");
/** `npm run test:cluster`: needs Go and root, and takes minutes. */
const CLUSTER = ["test/cluster/", "test/chart/", "test/kubernetes/api-server/", "test/operator/api-server/"];
/** Have commands of their own: `npm run test:cluster`, `npm run bench`. */
const OTHER_COMMANDS = [...CLUSTER, "test/bench/"];
/** Real processes under load: alone on the machine, so that a neighbour's load is no cause of failure. */
const ALONE = ["test/e2e/", ...CLUSTER];
/** Started first, because the run ends when the longest file does. */
const LONGEST_FIRST = ["test/sim/", "test/property/"];
const PARALLEL_LANES = 2;

function startsWithAny(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}

function findFiles(filters: readonly string[], cluster: boolean): string[] {
  return globSync("test/**/*.test.ts", { cwd: root })
    .filter((file) => (cluster ? startsWithAny(file, CLUSTER) : !startsWithAny(file, OTHER_COMMANDS)))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort((a, b) => {
      const order = Number(startsWithAny(b, LONGEST_FIRST)) - Number(startsWithAny(a, LONGEST_FIRST));
      return order !== 0 ? order : a < b ? -1 : 1;
    });
}

function printReport(report: FileReport, lane: Lane): void {
  console.log(`\n${report.file}`);
  for (const line of report.lines) console.log(line);
  if (report.failures.length === 0) return;
  console.log(`\n  ran before in the process of ${report.file}: ${lane.ranBefore}`);
  if (lane.output.trim() !== "") console.log(`\n  printed by ${report.file}:\n${lane.output.trimEnd()}`);
}

async function runLane(queue: string[], reports: FileReport[]): Promise<void> {
  let lane = new Lane();
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    if (!lane.alive) lane = new Lane();
    const report = await lane.run(file);
    reports.push(report);
    printReport(report, lane);
  }
  lane.end();
}

async function runAll(files: readonly string[]): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  const together = files.filter((file) => !startsWithAny(file, ALONE));
  const alone = files.filter((file) => startsWithAny(file, ALONE));
  const lanes = Math.min(PARALLEL_LANES, together.length);
  await Promise.all(Array.from({ length: lanes }, () => runLane(together, reports)));
  if (alone.length > 0) await runLane(alone, reports);
  return reports;
}

function printSummary(reports: readonly FileReport[], required: boolean): void {
  const failures = reports.flatMap((report) => report.failures);
  const skips = reports.flatMap((report) => report.skips);
  console.log("");
  for (const [index, failure] of failures.entries()) console.log(`${index + 1}) ${failure.title}\n${failure.text}\n`);
  const word = required ? "skipped, which is a failure with BEAMLINE_REQUIRE=all" : "skipped";
  for (const skip of skips) console.log(`${word}: ${skip.title}: ${skip.text}`);
}

const cluster = process.argv[2] === "--cluster";
const filters = process.argv.slice(cluster ? 3 : 2);
const files = findFiles(filters, cluster);
const required = everythingRequired();
const reports =
  files.length > 0 ? await runAll(files) : [brokenFile("test", `no test file has ${filters.join(" or ")} in its path`)];
printSummary(reports, required);
const totals = sumReports(reports, required);
console.log(closingLine(totals));
// All skipped, aloud, is no failure: a machine may lack what they need. No test at all is a typing error.
process.exitCode = totals.failed > 0 || totals.passed + totals.skipped === 0 ? 1 : 0;
