// The interpreter of the schemas beyond what parsing shows: maps, updates, defaults, and the schemas' own shape.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { objectDefinitions } from "../../../core/policy/object-definitions.ts";
import { ProblemList, renderValue } from "../../../core/policy/problems.ts";
import type { ObjectSchema, Schema } from "../../../core/policy/schema.ts";
import { getFormat } from "../../../core/policy/schema-formats.ts";
import { suggestName } from "../../../core/policy/suggest.ts";
import { validateObject } from "../../../core/policy/validate-object.ts";

function validate(schema: Schema, value: unknown, old?: unknown) {
  const problems = new ProblemList();
  const result = validateObject(schema, value, problems, "", old);
  return { result, problems: problems.toArray() };
}

/** Every schema below one, with its path. */
function* walk(schema: Schema, path: string): Generator<{ readonly schema: Schema; readonly path: string }> {
  yield { schema, path };
  if (!("type" in schema)) return;
  if (schema.type === "array") yield* walk(schema.items, `${path}[]`);
  if (schema.type !== "object") return;
  if ("additionalProperties" in schema) yield* walk(schema.additionalProperties, `${path}{}`);
  else for (const [name, property] of Object.entries(schema.properties ?? {})) yield* walk(property, `${path}.${name}`);
}

const map: Schema = { type: "object", additionalProperties: { type: "string", maxLength: 3 }, maxProperties: 2 };

describe("validateObject", () => {
  it("validates maps by their values and their size", () => {
    assert.deepEqual(validate(map, { a: "x" }).problems, []);
    assert.deepEqual(
      validate(map, { a: "long", "b c": 1 }).problems.map(({ path, rule }) => [path, rule]),
      [
        ["a", "max_length"],
        ['["b c"]', "type"],
      ],
    );
    assert.deepEqual(
      validate(map, { a: "x", b: "x", c: "x" }).problems.map(({ rule }) => rule),
      ["max_properties"],
    );
  });

  it("keeps a key named __proto__ a key", () => {
    const { result, problems } = validate(map, JSON.parse('{"__proto__":"x"}'));
    assert.deepEqual(problems, []);
    assert.deepEqual(Object.keys(result as object), ["__proto__"]);
  });

  it("checks rules on oldSelf only for updates", () => {
    const { schema } = objectDefinitions.Router;
    const router = (prefix?: string) => ({
      metadata: { name: "default" },
      spec: { subjects: prefix === undefined ? {} : { prefix } },
    });
    assert.deepEqual(validate(schema, router("a")).problems, []);
    assert.deepEqual(validate(schema, router("a"), router("a")).problems, []);
    for (const old of [router("b"), router()]) {
      const [problem] = validate(schema, router("a"), old).problems;
      assert.deepEqual([problem?.path, problem?.rule], ["spec.subjects.prefix", "forbidden"]);
    }
  });

  it("fills in defaults below defaults", () => {
    const { result } = validate(objectDefinitions.Tenant.schema, { metadata: { name: "acme" } });
    assert.deepEqual((result as { spec: { quotas: unknown } }).spec.quotas, {
      policies: 10,
      rulesPerPolicy: 50,
      providersPerPolicy: 20,
    });
  });

  for (const [kind, { schema }] of Object.entries(objectDefinitions)) {
    const all = [...walk(schema, kind)].filter(({ path }) => path !== `${kind}.metadata` && path !== `${kind}.status`);

    it(`documents every field of ${kind}`, () => {
      const fields = all.filter(({ path }) => path.startsWith(`${kind}.spec`) && !path.endsWith("[]"));
      assert.deepEqual(
        fields.filter((field) => !field.schema.description).map(({ path }) => path),
        [],
      );
    });

    it(`has only named formats in ${kind}, and defaults that are valid`, () => {
      for (const { schema: node, path } of all) {
        if ("pattern" in node && node.pattern !== undefined)
          assert.doesNotThrow(() => getFormat(node.pattern ?? ""), path);
        if (node.default !== undefined) assert.deepEqual(validate(node, node.default).problems, [], path);
      }
    });

    it(`reports unknown fields everywhere in ${kind}`, () => {
      const objects = all.filter(
        (entry): entry is { schema: ObjectSchema; path: string } => "properties" in entry.schema,
      );
      for (const { schema: node, path } of objects) {
        assert.ok(
          validate(node, { bogus: 1 }).problems.some(({ rule }) => rule === "unknown_field"),
          path,
        );
      }
    });
  }
});

describe("renderValue", () => {
  it("shortens to 200 characters and survives cycles", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    assert.equal(renderValue(cycle), "[[[[…]]]]");
    assert.equal(renderValue("x".repeat(500)).length, 200);
    assert.equal(renderValue({ a: [1, true, null, 2n] }), '{"a":[1,true,null,bigint]}');
  });
});

describe("suggestName", () => {
  it("finds the nearest within two edits, and nothing for short or distant names", () => {
    assert.equal(suggestName("wieght", ["name", "weight", "height"]), "weight");
    assert.equal(suggestName("Weight", ["weight"]), "weight");
    assert.equal(suggestName("ab", ["cd", "to"]), undefined);
    assert.equal(suggestName("x".repeat(100), ["weight"]), undefined);
  });
});
