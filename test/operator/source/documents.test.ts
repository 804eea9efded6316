// Reading YAML and JSON: every document, and for every problem the line and column where a person finds it.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { readDocuments } from "../../../operator/source/files/documents.ts";
import { loadFile, objectId } from "../../../operator/source/files/load-file.ts";
import { parsePath } from "../../../operator/source/files/path-position.ts";

const POLICY = `apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec:
  providers:
    - name: openai
      weight: 70
`;

describe("documents of a file", () => {
  it("are read in any number, with comments and empty ones between", () => {
    const { documents, problems } = readDocuments(`# first\n---\na: 1\n---\n---\nb: 2\n...\n`, "a.yaml");
    assert.deepEqual(problems, []);
    assert.deepEqual(
      documents.map(({ value }) => value),
      [{ a: 1 }, { b: 2 }],
    );
  });

  it("are read out of a List", () => {
    const { documents } = readDocuments("kind: List\napiVersion: v1\nitems:\n  - a: 1\n  - a: {b: 2}\n", "a.yaml");
    assert.deepEqual(
      documents.map(({ value }) => value),
      [{ a: 1 }, { a: { b: 2 } }],
    );
    assert.deepEqual(documents[1]?.locate("a.b"), { line: 5, column: 12 });
  });

  it("of JSON have positions too", () => {
    const { documents } = readDocuments('{\n  "spec": {"list": [1, 22]}\n}', "a.json");
    assert.deepEqual(documents[0]?.value, { spec: { list: [1, 22] } });
    assert.deepEqual(documents[0]?.locate("spec.list[1]"), { line: 2, column: 24 });
  });

  it("that cannot be read say where", () => {
    const { problems } = readDocuments("a: 1\nb: [1, 2\nc: 3\n", "a.yaml");
    assert.equal(problems[0]?.rule, "yaml_syntax");
    assert.ok((problems[0]?.line ?? 0) >= 2);
    const twice = readDocuments("a: 1\na: 2\n", "a.yaml");
    assert.equal(twice.problems[0]?.line, 2);
  });

  it("that grow without end are refused", () => {
    const bomb = [
      "a: &a [x, x]",
      ...Array.from({ length: 8 }, (_, i) => `b${i}: &b${i} [${Array(10).fill(i === 0 ? "*a" : `*b${i - 1}`)}]`),
    ];
    const { documents, problems } = readDocuments(bomb.join("\n"), "a.yaml");
    assert.deepEqual([documents.length, problems[0]?.rule], [0, "yaml_content"]);
    const deep = readDocuments(`${"[".repeat(80)}${"]".repeat(80)}`, "a.yaml");
    assert.equal(deep.problems[0]?.rule, "yaml_content");
  });

  it("locate the nearest part around a path that is not there, and the name of an unknown field", () => {
    const [document] = readDocuments("spec:\n  list:\n    - name: x\n  odd: 1\n", "a.yaml").documents;
    assert.deepEqual(document?.locate("spec.list[0].weight"), { line: 3, column: 7 });
    assert.deepEqual(document?.locate("spec.odd", "unknown_field"), { line: 4, column: 3 });
    assert.deepEqual(document?.locate("spec.odd"), { line: 4, column: 8 });
    assert.deepEqual(document?.locate(""), { line: 1, column: 1 });
  });

  it("have paths as the schema writes them", () => {
    assert.deepEqual(parsePath("spec.providers[1].weight"), ["spec", "providers", 1, "weight"]);
    assert.deepEqual(parsePath('metadata.labels["a.b/c"]'), ["metadata", "labels", "a.b/c"]);
    assert.deepEqual(parsePath(""), []);
    assert.deepEqual(parsePath("!"), []);
  });
});

describe("a file of objects", () => {
  it("gives objects with defaults for namespace, and passes over Namespaces", () => {
    const text = `apiVersion: v1\nkind: Namespace\nmetadata: {name: demo}\n---\n${POLICY}---\n${POLICY.replace(", namespace: demo", "")}`;
    const { objects, problems } = loadFile(text, "a.yaml");
    assert.deepEqual(problems, []);
    assert.deepEqual(
      objects.map(({ object }) => objectId(object)),
      ["RoutingPolicy demo/chat", "RoutingPolicy default/chat"],
    );
    assert.deepEqual(objects[0]?.spec, { providers: [{ name: "openai", weight: 70 }] });
  });

  it("names file, line, column, field, value and rule of every problem", () => {
    const { objects, problems } = loadFile(
      POLICY.replace("70", "-5").replace("name: openai", "nam: openai"),
      "bad.yaml",
    );
    assert.equal(objects.length, 0);
    const weight = problems.find(({ path }) => path === "spec.providers[0].weight");
    assert.deepEqual(
      { file: weight?.file, line: weight?.line, column: weight?.column, value: weight?.value },
      { file: "bad.yaml", line: 7, column: 15, value: "-5" },
    );
    assert.ok(weight?.rule !== undefined && weight.message !== "");
    const unknown = problems.find(({ rule }) => rule === "unknown_field");
    assert.deepEqual([unknown?.path, unknown?.line, unknown?.column], ["spec.providers[0].nam", 6, 7]);
  });

  it("must not have an object twice", () => {
    const { problems } = loadFile(`${POLICY}---\n${POLICY}`, "a.yaml");
    assert.deepEqual(
      problems.map(({ rule, line }) => [rule, line]),
      [["duplicate_object", 11]],
    );
  });

  it("that is empty is a problem, for it may be in the middle of being written", () => {
    assert.deepEqual(
      loadFile(" \n", "a.yaml").problems.map(({ rule }) => rule),
      ["empty_file"],
    );
    assert.deepEqual(loadFile("# nothing here\n", "a.yaml").problems, []);
  });
});
