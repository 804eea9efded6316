// Holds the repository to its own rules of shape, and proves of each rule that it can fail.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "mocha";
import { findViolations, readTree, type Violation } from "./support/tidy.ts";

const root = join(import.meta.dirname, "..");

/** Violations that stand for a reason. One that no longer happens fails the test, so that this list cannot rot. */
const EXCEPTIONS: readonly { readonly rule: string; readonly path: string; readonly reason: string }[] = [];

function show(violations: readonly Violation[]): string {
  return violations.map(({ path, rule, message }) => `${path}: ${message} [${rule}]`).join("\n");
}

function inTemporaryTree<T>(files: Readonly<Record<string, string>>, use: (root: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "beamline-tidy-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One planted violation a row: what is written where, and the one rule that must object. */
const PLANTED: readonly {
  readonly name: string;
  readonly rule: string;
  readonly path: string;
  readonly text: string;
}[] = [
  { name: "Date.now in core", rule: "core-words", path: "core/a.ts", text: "export const now = () => Date.now();\n" },
  { name: "new Date in core", rule: "core-words", path: "core/a.ts", text: "export const now = () => new Date();\n" },
  {
    name: "Math.random in core",
    rule: "core-words",
    path: "core/a.ts",
    text: "export const r = () => Math.random();\n",
  },
  { name: "async in core", rule: "core-words", path: "core/a.ts", text: "export const f = async () => 1;\n" },
  {
    name: "a promise type in core",
    rule: "core-words",
    path: "core/a.ts",
    text: "export type F = () => Promise<void>;\n",
  },
  { name: "process in core", rule: "core-words", path: "core/a.ts", text: "export const e = process.env;\n" },
  {
    name: "console inside a template in core",
    rule: "core-words",
    path: "core/a.ts",
    text: "export const e = `\u0024{console}`;\n",
  },
  {
    name: "setTimeout after a regular expression with a quote",
    rule: "core-words",
    path: "core/a.ts",
    text: "export const e = [/'/, setTimeout];\n",
  },
  { name: "a Node module in core", rule: "imports", path: "core/a.ts", text: 'import "node:fs";\n' },
  {
    name: "an npm package in core",
    rule: "imports",
    path: "core/a.ts",
    text: 'import { parse } from "yaml";\nparse("");\n',
  },
  {
    name: "CEL outside core/policy",
    rule: "imports",
    path: "core/decide/a.ts",
    text: 'import { parse } from "@marcbachmann/cel-js";\nparse("");\n',
  },
  {
    name: "runtime from core",
    rule: "imports",
    path: "core/a.ts",
    text: 'import type { Clock } from "../runtime/clock.ts";\nexport type C = Clock;\n',
  },
  {
    name: "operator from router",
    rule: "imports",
    path: "router/a.ts",
    text: 'export * from "../operator/main.ts";\n',
  },
  {
    name: "router from operator, dynamically",
    rule: "imports",
    path: "operator/a.ts",
    text: 'export const m = () => import("../router/main.ts");\n',
  },
  { name: "a test from a package", rule: "imports", path: "runtime/a.ts", text: 'import "../test/support/skip.ts";\n' },
  {
    name: "the older NATS client in the product",
    rule: "imports",
    path: "router/a.ts",
    text: 'import { connect } from "nats";\nconnect();\n',
  },
  {
    name: "a top-level folder that the table does not know",
    rule: "imports",
    path: "extra/a.ts",
    text: 'import "node:fs";\n',
  },
  { name: "a file of 301 lines", rule: "length", path: "runtime/a.ts", text: "export {};\n".repeat(300) },
  { name: "a vague file name", rule: "names", path: "runtime/string-utils.ts", text: "export {};\n" },
  { name: "unfinished work", rule: "unfinished", path: "runtime/a.ts", text: `export {}; // ${"TO"}${"DO"}: later\n` },
  { name: "a metaphor in a document", rule: "metaphor", path: "docs/a.md", text: `Messages are ${"hand"}ed over.\n` },
  { name: "a metaphor in a file name", rule: "metaphor", path: `operator/${"do"}${"ors"}.ts`, text: "export {};\n" },
  { name: "a path of one machine", rule: "machine-path", path: "docs/a.md", text: `See /${"tmp"}/output.\n` },
  {
    name: "a host that nobody else can reach",
    rule: "hosts",
    path: "package.json",
    text: `{"registry": "http:/${"/"}mirror.internal.io/npm"}\n`,
  },
  { name: "a file that nothing imports", rule: "orphans", path: "runtime/a.ts", text: "export const a = 1;\n" },
  {
    name: "a comment that refers to a page that is not there",
    rule: "pages",
    path: "runtime/a.ts",
    text: "// See nowhere.md.\n",
  },
];

describe("tidy", () => {
  const files = readTree(root);

  it("finds nothing in the repository but the listed exceptions, and each of those", () => {
    const found = findViolations(files);
    const excepted = (violation: Violation): boolean =>
      EXCEPTIONS.some(({ rule, path }) => rule === violation.rule && path === violation.path);
    const unexpected = found.filter((violation) => !excepted(violation));
    assert.equal(unexpected.length, 0, `${unexpected.length} violations:\n${show(unexpected)}`);
    const stale = EXCEPTIONS.filter(
      ({ rule, path }) => !found.some((violation) => rule === violation.rule && path === violation.path),
    );
    assert.deepEqual(stale, [], "exceptions that no longer happen");
  });

  it("reads the sources it judges", () => {
    for (const path of [
      "core/result.ts",
      "runtime/bytes.ts",
      "proto/beamline/flow/v1/flow.proto",
      "test/tidy.test.ts",
    ]) {
      assert.ok(
        files.some((file) => file.path === path),
        `${path} was not read`,
      );
    }
  });

  for (const { name, rule, path, text } of PLANTED) {
    it(`objects to ${name}`, () => {
      const first = path.endsWith(".ts") ? "// A planted file.\n" : "";
      const found = inTemporaryTree({ [path]: first + text }, (folder) => findViolations(readTree(folder)));
      assert.ok(
        found.some((violation) => violation.rule === rule && violation.path === path),
        `rule ${rule} did not object; found:\n${show(found)}`,
      );
    });
  }

  it("objects to a file without a first comment", () => {
    const found = inTemporaryTree({ "cli/main.ts": "#!/usr/bin/env node\nexport {};\n" }, (folder) =>
      findViolations(readTree(folder)),
    );
    assert.deepEqual(
      found.map((violation) => violation.rule),
      ["first-comment"],
    );
  });

  it("is content with words in comments, strings and longer names", () => {
    const text = [
      "// Never Date.now(), never async: time is an argument.",
      'export const text = "await the process, console";',
      "export const validateProcessIdentifiers = (a: { process: string }) => a.process;",
      "export const pattern = /async\\/await[/']/;",
      "/* Promise */ export const template = `process \u0024{text} async`;",
      "",
    ].join("\n");
    const files = { "core/words.ts": text, "test/words.test.ts": '// Uses it.\nimport "../core/words.ts";\n' };
    const found = inTemporaryTree(files, (folder) => findViolations(readTree(folder)));
    assert.equal(show(found), "");
  });
});

describe("package-lock.json", () => {
  const lock: { packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }> } =
    JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));

  it("holds no download addresses", () => {
    const addresses = Object.values(lock.packages).map((entry) => entry.resolved ?? "");
    assert.deepEqual(
      addresses.filter((address) => /^https?:/.test(address)),
      [],
    );
  });

  // npm leaves out what the registry at hand does not have, and `npm ci` then refuses the whole file.
  it("has an entry for every optional dependency, those of other platforms included", () => {
    const wanted = Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).map((name) => [
        `node_modules/${name}`,
        `${path}/node_modules/${name}`,
      ]),
    );
    const missing = wanted.filter((places) => places.every((place) => lock.packages[place] === undefined));
    assert.deepEqual(
      missing.map(([place]) => place),
      [],
    );
  });
});
