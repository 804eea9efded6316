// Thousands of policies on a real API server: runs the scale tests in their full size, and writes what they measured.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ScaleFigures } from "../operator/api-server/scale/scale-scenario.ts";
import { makeTempDir } from "../support/temp.ts";
import { formatClusterSection, HEADING } from "./cluster-section.ts";
import { describeMachine } from "./machine.ts";
import { measureConsumers } from "./measure-consumers.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MOCHA = join(ROOT, "node_modules", "mocha", "bin", "mocha.js");
const TEST = "test/operator/api-server/scale.test.ts";
const NEXT_HEADING = "\n## ";
/** The section that ours stands before. */
const PUBLISHED = "## Beside other systems";

/** The section as text. Throws when a scenario did not come to its figures; one that misses its target is in the table. */
export async function measureClusterSection(progress: (line: string) => void): Promise<string> {
  const folder = await makeTempDir("beamline-scale-");
  try {
    const path = join(folder.path, "figures.json");
    progress("policies on an API server");
    const code = await runScaleTests(path);
    if (code !== 0) progress(`the scale tests ended with ${code}: not every target was met`);
    const figures = JSON.parse(await readFile(path, "utf8")) as Partial<ScaleFigures>;
    const { burst, load, propagation, memory } = figures;
    if (burst === undefined || load === undefined || propagation === undefined || memory === undefined) {
      throw new Error(`the scale tests measured nothing of some parts: ${Object.keys(figures).join(", ")}`);
    }
    progress("consumers of providers");
    const consumers = await measureConsumers();
    const machine = await describeMachine();
    const date = new Date().toISOString().slice(0, 10);
    return formatClusterSection({ burst, load, propagation, memory }, consumers, { machine, date });
  } finally {
    await folder.remove();
  }
}

/** The section that stands in a document, or undefined. */
export function clusterSectionOf(document: string): string | undefined {
  const start = document.indexOf(HEADING);
  if (start < 0) return undefined;
  const end = document.indexOf(NEXT_HEADING, start + HEADING.length);
  return document.slice(start, end < 0 ? undefined : end).trimEnd();
}

/** The document with this section in the place of the one that it had. */
export function putClusterSection(document: string, section: string | undefined): string {
  const standing = clusterSectionOf(document);
  if (section === undefined || section === standing) return document;
  if (standing !== undefined) return document.replace(standing, () => section);
  return document.replace(PUBLISHED, () => `${section}\n\n${PUBLISHED}`);
}

function runScaleTests(figuresFile: string): Promise<number | null> {
  const child = spawn(process.execPath, [MOCHA, "--exit", TEST], {
    cwd: ROOT,
    stdio: ["ignore", process.stderr, process.stderr],
    env: { BEAMLINE_SCALE_PATIENCE: "6", ...process.env, BEAMLINE_SCALE: "full", BEAMLINE_SCALE_FIGURES: figuresFile },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code));
  });
}
