// `beamline check`: what it finds in files, and where.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { FileProblem } from "../../operator/status-document.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { runCli } from "./run-cli.ts";

const QUICKSTART = join(import.meta.dirname, "..", "..", "examples", "quickstart");

const GOOD = `apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec:
  providers:
    - {name: openai, weight: 70}
---
apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: openai, namespace: demo}
spec: {}
`;

/** Each with what `check` must find: line, column, field and rule. */
const BAD: readonly {
  readonly name: string;
  readonly text: string;
  readonly finds: readonly Partial<FileProblem>[];
}[] = [
  {
    name: "two wrong values at once",
    text: GOOD.replace("weight: 70", "weight: -1").replace("kind: RoutingPolicy", "kind: RoutingPolicie"),
    finds: [{ line: 2, column: 7, path: "kind", rule: "enum" }],
  },
  {
    name: "a weight out of range",
    text: GOOD.replace("weight: 70", "weight: -1"),
    finds: [{ line: 6, column: 30, path: "spec.providers[0].weight", rule: "minimum", value: "-1" }],
  },
  {
    name: "a misspelt field",
    text: GOOD.replace("weight: 70", "wieght: 70"),
    finds: [{ line: 6, column: 22, path: "spec.providers[0].wieght", rule: "unknown_field", value: "70" }],
  },
  {
    name: "text that is no YAML",
    text: "spec: [1, 2",
    finds: [{ line: 1, path: "", rule: "yaml_syntax" }],
  },
  {
    name: "an expression that does not compile",
    text: `${GOOD.replace("---", '  rules:\n    - {name: gold, when: "message.tier == 1", prefer: [openai]}\n---')}`,
    finds: [{ line: 8, path: "spec.rules[0].when", rule: "InvalidExpression" }],
  },
  {
    name: "the same object twice",
    text: `${GOOD}---\n${GOOD.slice(GOOD.indexOf("---") + 4)}`,
    finds: [{ line: 15, path: "metadata.name", rule: "duplicate_object" }],
  },
];

describe("cli check", () => {
  let folder: TempDir;

  before(async () => {
    folder = await makeTempDir();
  });
  after(() => folder?.remove());

  async function write(name: string, text: string): Promise<string> {
    const path = join(folder.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return name;
  }

  async function check(
    ...names: string[]
  ): Promise<{ exitCode: number; problems: FileProblem[]; warnings: FileProblem[] }> {
    const run = await runCli(["check", "--output", "json", ...names], { cwd: folder.path });
    return { exitCode: run.exitCode, ...JSON.parse(run.stdout) };
  }

  it("finds nothing wrong with the quickstart, and no warning either", async () => {
    const run = await runCli(["check", QUICKSTART]);
    assert.equal(run.exitCode, 0, run.stdout);
    assert.equal(run.stdout, "4 files, 5 objects, 2 policies: 0 problems, 0 warnings\n");
  });

  for (const { name, text, finds } of BAD) {
    it(`finds ${name}, with its place`, async () => {
      const file = await write(`bad/${BAD.findIndex((bad) => bad.name === name)}.yaml`, text);
      const { exitCode, problems } = await check(file);
      assert.equal(exitCode, 1);
      const shown = problems.map((problem, index) =>
        Object.fromEntries(Object.keys(finds[index] ?? problem).map((key) => [key, problem[key as keyof FileProblem]])),
      );
      assert.deepEqual(shown, finds, JSON.stringify(problems, null, 2));
      for (const problem of problems) assert.equal(problem.file, file);
    });
  }

  it("finds all problems of all files at once, folders within folders too", async () => {
    await write("all/one.yaml", GOOD.replace("weight: 70", "weight: -1").replaceAll("name: chat", "name: one"));
    await write("all/deep/two.yml", "spec: [1, 2");
    const { exitCode, problems } = await check("all");
    assert.equal(exitCode, 1);
    assert.deepEqual(
      problems.map(({ file }) => file),
      ["all/deep/two.yml", "all/one.yaml"],
    );
  });

  it("finds the same object in two files", async () => {
    const first = await write("two/a.yaml", GOOD);
    const second = await write("two/b.yaml", GOOD.slice(GOOD.indexOf("---") + 4));
    const { problems } = await check(first, second);
    assert.deepEqual(
      problems.map(({ file, rule, message }) => [file, rule, message]),
      [[second, "duplicate_object", `Provider demo/openai stands in ${first} already; remove one of the two`]],
    );
  });

  it("warns of providers without an object and of fields without effect, and still ends with 0", async () => {
    const text = GOOD.replace(
      "- {name: openai, weight: 70}",
      "- {name: openal, weight: 70}\n  rateLimit: {requestsPerSecond: 5, burst: 5}",
    );
    const { exitCode, problems, warnings } = await check(await write("warn.yaml", text));
    assert.equal(exitCode, 0);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      warnings.map(({ line, path, rule }) => [line, path, rule]),
      [
        [6, "spec.providers[0].name", "ImplicitProviders"],
        [7, "spec.rateLimit", "PartiallySupported"],
      ],
    );
  });

  it("prints place, field, value and rule in columns", async () => {
    const file = await write("table.yaml", GOOD.replace("weight: 70", "weight: -1"));
    const { stdout } = await runCli(["check", file], { cwd: folder.path });
    const [heading, row, , summary] = stdout.split("\n");
    assert.match(heading ?? "", /^SEVERITY +PLACE +FIELD +VALUE +RULE +MESSAGE$/);
    assert.match(row ?? "", /^error +table\.yaml:6:30 +spec\.providers\[0\]\.weight +-1 +minimum +\S/);
    assert.equal(summary, "1 file, 1 object, 0 policies: 1 problem, 0 warnings");
  });

  it("says which file it cannot read", async () => {
    const run = await runCli(["check", "nowhere.yaml"], { cwd: folder.path });
    assert.equal(run.exitCode, 66);
    assert.match(run.stderr, /^INPUT_MISSING: nowhere\.yaml cannot be read: /);
  });

  it("asks for a file when none is named", async () => {
    const run = await runCli(["check"]);
    assert.equal(run.exitCode, 64);
    assert.match(run.stderr, /no file is named\n {2}For example: /);
  });
});
