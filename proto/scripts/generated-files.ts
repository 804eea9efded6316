// Makes every generated file of proto/ in memory, so that one function serves writing and comparing.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FileRegistry } from "@bufbuild/protobuf";
import { buildRegistry, runBuf } from "./buf.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { renderDescriptors } from "./descriptors.ts";
import { updateReadme } from "./readme-lists.ts";
import { renderSchemaTable } from "./schema-table.ts";
import { renderServices } from "./services.ts";

/** The folder that holds generated code and nothing else, relative to proto/. */
const generatedDir = "gen";

/** Texts by path relative to proto/. */
export type FileTexts = ReadonlyMap<string, string>;

/**
 * All generated files for the .proto files in `dir`: what buf generates, the schema table, the descriptors, the checkpoint,
 * and README.md with its lists. Throws an Error with the tool's own words when something does not compile.
 */
export async function makeGeneratedFiles(dir: string): Promise<FileTexts> {
  const [registry, files] = await Promise.all([buildRegistry(dir), generateCode(dir)]);
  const checkpoint = parseCheckpoint(await readFile(join(dir, "checkpoint.json"), "utf8"));
  cutServices(registry, files);
  files.set(join(generatedDir, "messages", "schema.ts"), renderSchemaTable(registry));
  files.set(join(generatedDir, "descriptors.ts"), renderDescriptors(registry));
  files.set(join(generatedDir, "checkpoint.ts"), renderCheckpoint(checkpoint));
  files.set("README.md", updateReadme(await readFile(join(dir, "README.md"), "utf8"), registry));
  return files;
}

/** The generated files that stand in `dir`, README.md among them. */
export async function readGeneratedFiles(dir: string): Promise<FileTexts> {
  const files = await readTexts(dir, generatedDir);
  files.set("README.md", await readFile(join(dir, "README.md"), "utf8"));
  return files;
}

/** One line for each file that is missing, too much, or different; empty when `standing` equals `made`. */
export function compareFiles(made: FileTexts, standing: FileTexts): string[] {
  const problems: string[] = [];
  for (const path of [...new Set([...made.keys(), ...standing.keys()])].sort()) {
    if (!standing.has(path)) problems.push(`${path} is missing`);
    else if (!made.has(path)) problems.push(`${path} is not generated from any .proto file`);
    else if (made.get(path) !== standing.get(path)) problems.push(`${path} differs from what is generated`);
  }
  return problems;
}

async function generateCode(dir: string): Promise<Map<string, string>> {
  const target = await mkdtemp(join(tmpdir(), "beamline-proto-"));
  try {
    const run = await runBuf(["generate", "--output", target], dir);
    if (run.problems.length > 0) throw new Error(`no code could be generated:\n${run.problems.join("\n")}`);
    return await readTexts(target, generatedDir);
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

/** Leaves in gen/grpc what is about services. */
function cutServices(registry: FileRegistry, files: Map<string, string>): void {
  for (const file of registry.files) {
    const path = join(generatedDir, "grpc", `${file.name}.ts`);
    const services = renderServices(file, files.get(path) ?? "");
    if (services === undefined) files.delete(path);
    else files.set(path, services);
  }
}

async function readTexts(root: string, below: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const entry of await readdir(join(root, below), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    texts.set(path.slice(root.length + 1), await readFile(path, "utf8"));
  }
  return texts;
}

function renderCheckpoint(checkpoint: Checkpoint): string {
  return `// Generated from checkpoint.json by \`npm run generate\`. Do not edit.

/** The contract checkpoint that this build was made for. */
export const currentCheckpoint = ${JSON.stringify(checkpoint.currentCp)};

/** Whether the fields marked CP2 may be used. */
export const cp2PlusAllowed: boolean = ${checkpoint.cp2PlusAllowed};
`;
}
