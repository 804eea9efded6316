// Holds the documents to the repository: dependencies, paths, links and generated tables are what the code says.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "mocha";
import { fillDocument } from "../docs/scripts/fill-document.ts";
import { readTree } from "./support/tidy.ts";

const root = join(import.meta.dirname, "..");

describe("documents", () => {
  it("docs/dependencies.md has a row for every dependency of package.json, with its version, and no other", () => {
    const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    );
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).map(
      ([name, version]) => `${name} ${version}`,
    );
    const text = readFileSync(join(root, "docs/dependencies.md"), "utf8");
    const rows = [...text.matchAll(/^\| `([^`]+)` \| ([\d.]+) \|/gm)].map((match) => `${match[1]} ${match[2]}`);
    assert.deepEqual(rows.toSorted(), wanted.toSorted());
  });

  for (const document of ["docs/seed-map.md", "docs/architecture.md"]) {
    it(`every path in ${document} exists`, () => {
      const text = readFileSync(join(root, document), "utf8");
      const paths = [...text.matchAll(/`((?:[\w.-]+\/)+[\w.-]*|[\w-]+\.(?:md|json|yaml|ts))`/g)].map(
        (match) => match[1] ?? "",
      );
      assert.ok(paths.length >= 20, `only ${paths.length} paths found`);
      assert.deepEqual(
        [...new Set(paths)].filter((path) => !existsSync(join(root, path))),
        [],
      );
    });
  }

  it("every relative link between documents leads to a file", () => {
    const broken = readTree(root)
      .filter(({ path }) => path.endsWith(".md"))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)(?:#[^)]*)?\)/g)]
          .map((match) => join(dirname(path), match[1] ?? ""))
          .filter((target) => !existsSync(join(root, target)))
          .map((target) => `${path} -> ${target}`),
      );
    assert.deepEqual(broken, []);
  });

  it("a generated table is replaced, and an unknown name or a missing end is a problem", () => {
    const old = "a\n<!-- generated: t -->\n| old |\n<!-- end of generated -->\nb\n";
    const filled = fillDocument(old, { t: "| new |" }, "docs/architecture.md");
    assert.equal(filled.text, "a\n<!-- generated: t -->\n\n| new |\n\n<!-- end of generated -->\nb\n");
    assert.equal(fillDocument(filled.text, { t: "| new |" }, "docs/architecture.md").text, filled.text);
    assert.equal(fillDocument(old, {}, "docs/architecture.md").problems.length, 1);
    assert.equal(fillDocument("<!-- generated: t -->\n", { t: "" }, "docs/architecture.md").problems.length, 1);
  });
});
