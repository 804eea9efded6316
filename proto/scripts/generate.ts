// `node proto/scripts/generate.ts`: writes everything that is generated from the .proto files and checkpoint.json.
//   --check     write nothing; exit 1 when a file differs from what would be written
//   --release   also take the present descriptors as the last release, if they are compatible with the one before

import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { protoDir, runBuf } from "./buf.ts";
import { checkBreaking, releaseImage } from "./gate.ts";
import { compareFiles, type FileTexts, makeGeneratedFiles, readGeneratedFiles } from "./generated-files.ts";

async function writeFiles(made: FileTexts, standing: FileTexts): Promise<void> {
  for (const path of standing.keys()) {
    if (!made.has(path)) await rm(join(protoDir, path));
  }
  for (const [path, text] of made) {
    if (standing.get(path) === text) continue;
    await mkdir(dirname(join(protoDir, path)), { recursive: true });
    await writeFile(join(protoDir, path), text);
  }
}

async function takeRelease(): Promise<readonly string[]> {
  const exists = await stat(join(protoDir, releaseImage)).then(
    () => true,
    () => false,
  );
  const problems = exists ? await checkBreaking(protoDir) : [];
  if (problems.length > 0) return problems;
  return (await runBuf(["build", "--exclude-source-info", "--output", releaseImage], protoDir)).problems;
}

const { values } = parseArgs({ options: { check: { type: "boolean" }, release: { type: "boolean" } } });
const made = await makeGeneratedFiles(protoDir);
const standing = await readGeneratedFiles(protoDir);
const differences = compareFiles(made, standing);
if (values.check === true) {
  for (const line of differences) console.error(`proto: ${line}; run \`npm run generate\``);
  if (differences.length > 0) process.exitCode = 1;
} else {
  await writeFiles(made, standing);
  console.log(`proto: ${made.size} generated files, ${differences.length} changed`);
  if (values.release === true) {
    const problems = await takeRelease();
    for (const line of problems) console.error(`proto: not released: ${line}`);
    if (problems.length > 0) process.exitCode = 1;
  }
}
