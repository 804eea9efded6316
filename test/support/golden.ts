// Golden files: `<name>.in.json` in a folder, and beside it `<name>.out.json`, which is what `run` makes of it.
// `UPDATE_GOLDEN=1 npm test -- <path>` rewrites the outputs; review the difference before committing it.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "mocha";

const INPUT = ".in.json";
const OUTPUT = ".out.json";

export interface GoldenSuite {
  /** Folder of the files. */
  readonly dir: string;
  /** From the parsed input to the output: any JSON value. */
  run(input: unknown, name: string): unknown;
}

/** Names of a folder's inputs, sorted. */
export function goldenNames(dir: string): string[] {
  const files = readdirSync(dir).filter((file) => file.endsWith(INPUT));
  return files.map((file) => file.slice(0, -INPUT.length)).sort();
}

/** The parsed output of one case. */
export function readGoldenOutput(dir: string, name: string): unknown {
  return JSON.parse(readFileSync(join(dir, name + OUTPUT), "utf8"));
}

/** Defines one test for each input of the folder, and one that no output is without its input. */
export function goldenSuite({ dir, run }: GoldenSuite): void {
  const names = goldenNames(dir);
  if (names.length === 0) throw new Error(`no golden inputs in ${dir}`);
  const update = process.env.UPDATE_GOLDEN === "1";
  for (const name of names) {
    it(name, () => {
      const input: unknown = JSON.parse(readFileSync(join(dir, name + INPUT), "utf8"));
      const text = `${JSON.stringify(run(input, name), undefined, 2)}\n`;
      const file = join(dir, name + OUTPUT);
      if (update) writeFileSync(file, text);
      assert.ok(existsSync(file), `${file} is missing; write it with UPDATE_GOLDEN=1`);
      assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, "utf8")));
    });
  }
  it("has no output without its input", () => {
    const outputs = readdirSync(dir).filter((file) => file.endsWith(OUTPUT));
    const stray = outputs.filter((file) => !names.includes(file.slice(0, -OUTPUT.length)));
    assert.deepEqual(stray, []);
  });
}
