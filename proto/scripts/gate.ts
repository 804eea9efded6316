// The checks that every change of a .proto file must pass, as a list that check.ts runs and tests call one by one.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { buildRegistry, runBuf } from "./buf.ts";
import { checkCheckpoint, parseCheckpoint } from "./checkpoint.ts";
import { compareFiles, makeGeneratedFiles, readGeneratedFiles } from "./generated-files.ts";

/** The descriptors of the last release, relative to proto/. */
export const releaseImage = "image/beamline.binpb";

/** One check of the folder `dir`, laid out like proto/: its problems, one a line, none when it passes. */
export interface GateStep {
  readonly name: string;
  /** What to do when the check fails. */
  readonly remedy: string;
  run(dir: string): Promise<readonly string[]>;
}

/** Whether the files of `dir` are compatible with the last release: FILE and WIRE of buf.yaml. */
export async function checkBreaking(dir: string): Promise<readonly string[]> {
  return (await runBuf(["breaking", "--against", releaseImage], dir)).problems;
}

/** Whether the fields that stand are allowed at the checkpoint of checkpoint.json. */
export async function checkVersionGate(dir: string): Promise<readonly string[]> {
  const checkpoint = parseCheckpoint(await readFile(join(dir, "checkpoint.json"), "utf8"));
  return checkCheckpoint(await buildRegistry(dir), checkpoint);
}

async function checkGenerated(dir: string): Promise<readonly string[]> {
  const [made, standing] = await Promise.all([makeGeneratedFiles(dir), readGeneratedFiles(dir)]);
  return compareFiles(made, standing);
}

/** All checks, in the order in which they run; each later one presumes that the earlier ones passed. */
export const gateSteps: readonly GateStep[] = [
  {
    name: "build",
    remedy: "Make the .proto files compile.",
    run: async (dir) => (await runBuf(["build"], dir)).problems,
  },
  {
    name: "lint",
    remedy: "Follow the rule, or, where an existing client fixes the name, add a commented exception to buf.yaml.",
    run: async (dir) => (await runBuf(["lint"], dir)).problems,
  },
  {
    name: "format",
    remedy: "Run `npx buf format --write` in proto/.",
    run: async (dir) => (await runBuf(["format", "--diff", "--exit-code"], dir)).problems,
  },
  {
    name: "breaking",
    remedy: "Add fields under new numbers and new names; what must really change goes into a new package (v2).",
    run: checkBreaking,
  },
  { name: "version gate", remedy: "Raise the checkpoint in checkpoint.json first.", run: checkVersionGate },
  { name: "generated files", remedy: "Run `npm run generate`.", run: checkGenerated },
];
