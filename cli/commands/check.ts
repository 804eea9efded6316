// `beamline check`: everything that is wrong with policy files, with places, before anything runs on them.
import { BeamlineError } from "../../runtime/errors.ts";
import type { Command } from "../command.ts";
import { readPolicyFiles } from "../policy-files.ts";
import { fileProblemTable } from "../status-view.ts";

/** Exit code when the files were read and something in them is wrong. */
const PROBLEMS_FOUND = 1;

export const checkCommand: Command = {
  name: "check",
  summary: "Check policy files without running anything; exit code 1 when something is wrong",
  usage: "FILE|DIR…",
  options: {},
  examples: ["npx beamline check examples/quickstart", "npx beamline check policies/ --output json"],
  run: async ({ positionals, cwd, terminal }) => {
    if (positionals.length === 0) {
      throw new BeamlineError("USAGE_INVALID", "no file is named", {
        hint: "For example: npx beamline check examples/quickstart",
      });
    }
    const { files, objectCount, policyCount, problems, warnings } = await readPolicyFiles(positionals, cwd);
    const exitCode = problems.length === 0 ? 0 : PROBLEMS_FOUND;
    if (terminal.format === "json") {
      terminal.printJson({ files: files.length, objects: objectCount, policies: policyCount, problems, warnings });
      return exitCode;
    }
    const { columns } = fileProblemTable([]);
    const rows = [
      ...fileProblemTable(problems).rows.map((row) => [terminal.style("red", "error"), ...row]),
      ...fileProblemTable(warnings).rows.map((row) => [terminal.style("yellow", "warning"), ...row]),
    ];
    if (rows.length > 0) {
      terminal.printTable({ columns: ["severity", ...columns], rows });
      terminal.print("");
    }
    const counts = `${count(problems.length, "problem")}, ${count(warnings.length, "warning")}`;
    terminal.print(
      `${count(files.length, "file")}, ${count(objectCount, "object")}, ${count(policyCount, "policy", "policies")}: ${counts}`,
    );
    return exitCode;
  },
};

function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}
