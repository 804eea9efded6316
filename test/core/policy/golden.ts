// Golden files: `<case>.in.yaml` is what goes in, `<case>.out.json` what must come out. Run the tests with
// UPDATE_GOLDEN=1 to write the outputs anew, and review the difference.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

const INPUT_SUFFIX = ".in.yaml";

export interface GoldenCase {
  readonly name: string;
  /** The documents of the input file. */
  readonly documents: readonly unknown[];
  /** Compares with the output file, or writes it. */
  expect(actual: unknown): void;
}

/** The cases in a folder below test/golden, by name. */
export function readGoldenCases(folder: string): readonly GoldenCase[] {
  const path = join(import.meta.dirname, "..", "..", "golden", folder);
  return readdirSync(path)
    .filter((file) => file.endsWith(INPUT_SUFFIX))
    .sort()
    .map((file) => readCase(path, file.slice(0, -INPUT_SUFFIX.length)));
}

function readCase(path: string, name: string): GoldenCase {
  const text = readFileSync(join(path, `${name}${INPUT_SUFFIX}`), "utf8");
  const output = join(path, `${name}.out.json`);
  const documents = parseAllDocuments(text).map((document) => {
    assert.deepEqual(document.errors, [], name);
    return document.toJS() as unknown;
  });
  const expect = (actual: unknown) => {
    const written = `${JSON.stringify(actual, undefined, 2)}\n`;
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(output, written);
    assert.ok(existsSync(output), `${output} is missing: run with UPDATE_GOLDEN=1 and review it`);
    assert.equal(written, readFileSync(output, "utf8"), `golden case ${name}`);
  };
  return { name, documents, expect };
}
