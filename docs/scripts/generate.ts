// Fills the tables in docs/ from the code that acts on them. With --check nothing is written, and a difference fails.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fillDocument } from "./fill-document.ts";
import { renderTables } from "./tables.ts";

const root = join(import.meta.dirname, "..", "..");
const checkOnly = process.argv.includes("--check");

const { tables, problems: renderProblems } = await renderTables();
const used = new Set<string>();
const problems: string[] = [...renderProblems];
for (const path of globSync("docs/**/*.md", { cwd: root }).sort()) {
  const before = readFileSync(join(root, path), "utf8");
  const filled = fillDocument(before, tables, path);
  for (const name of filled.names) used.add(name);
  problems.push(...filled.problems);
  if (filled.text === before) continue;
  if (checkOnly) problems.push(`${path}: its tables differ from the code; run npm run generate`);
  else writeFileSync(join(root, path), filled.text);
}
for (const name of Object.keys(tables))
  if (!used.has(name)) problems.push(`docs/scripts/tables.ts: no document shows the table "${name}"`);

for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${used.size} tables ${checkOnly ? "are up to date" : "written"}`);
process.exitCode = problems.length > 0 ? 1 : 0;
