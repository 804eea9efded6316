// The CRDs by themselves: generated from core and not edited, bounded everywhere, and their columns lead somewhere.
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { customResourceDefinition, VERSION_ANNOTATION } from "../../core/crd/custom-resource-definition.ts";
import type { OpenApiSchema } from "../../core/crd/open-api-schema.ts";
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import type { ObjectKind } from "../../core/policy/spec.ts";
import { mergeConditions } from "../../core/reconcile/conditions.ts";
import { findCrdDrift, renderCrdFiles } from "../../scripts/crd-files.ts";
import { makeTempDir } from "../support/temp.ts";

const root = join(import.meta.dirname, "..", "..");
const VERSION = "1.2.3";
const kinds = Object.keys(objectDefinitions) as ObjectKind[];

function definitionOf(kind: ObjectKind) {
  const [version] = customResourceDefinition(kind, VERSION).spec.versions;
  assert.ok(version !== undefined);
  return version;
}

function schemaOf(kind: ObjectKind): OpenApiSchema {
  return definitionOf(kind).schema.openAPIV3Schema;
}

/** Every schema below one, with its path. */
function* walk(schema: OpenApiSchema, path: string): Generator<readonly [string, OpenApiSchema]> {
  yield [path, schema];
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* walk(property, `${path}.${name}`);
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* walk(schema.additionalProperties, `${path}{}`);
}

describe("the CRDs", () => {
  it("are in the repository as the schemas say", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
    assert.deepEqual(findCrdDrift(root, renderCrdFiles(version)), { outdated: [], unknown: [] });
  });

  it("are found to differ when one is edited, missing or of no kind", async () => {
    await using folder = await makeTempDir();
    const wanted = renderCrdFiles(VERSION);
    await mkdir(join(folder.path, "crds"));
    for (const [path, text] of wanted) await writeFile(join(folder.path, path), text);
    assert.deepEqual(findCrdDrift(folder.path, wanted), { outdated: [], unknown: [] });
    const [edited = "", missing = ""] = wanted.keys();
    await writeFile(join(folder.path, edited), `${wanted.get(edited)}# by hand\n`);
    await rm(join(folder.path, missing));
    await writeFile(join(folder.path, "crds", "tsconfig.json"), "{}\n");
    assert.deepEqual(findCrdDrift(folder.path, wanted), {
      outdated: [edited, missing],
      unknown: ["crds/tsconfig.json"],
    });
    assert.equal(findCrdDrift(folder.path, renderCrdFiles("9.9.9")).outdated.length, wanted.size);
  });

  it("carry the release that they come from", () => {
    for (const kind of kinds) {
      assert.equal(customResourceDefinition(kind, VERSION).metadata.annotations[VERSION_ANNOTATION], VERSION);
    }
  });

  for (const kind of kinds) {
    it(`bound every list, map and text of ${kind}, which rules' cost is estimated from`, () => {
      const unbounded = [...walk(schemaOf(kind), kind)].filter(
        ([, { type, format, enum: values, maxItems, maxLength, maxProperties, additionalProperties }]) =>
          (type === "array" && maxItems === undefined) ||
          (type === "string" && maxLength === undefined && values === undefined && format === undefined) ||
          (additionalProperties !== undefined && maxProperties === undefined),
      );
      // The API server bounds names itself.
      assert.deepEqual(
        unbounded.map(([path]) => path),
        [`${kind}.metadata.name`],
      );
    });

    it(`print columns of ${kind} that are fields of it`, () => {
      const paths = new Set([...walk(schemaOf(kind), "")].map(([path]) => path));
      const lost = definitionOf(kind)
        .additionalPrinterColumns.map(({ jsonPath }) => jsonPath.replace(/\[\?\(@\.type=="\w+"\)\]/, "[]"))
        .filter((path) => path !== ".metadata.creationTimestamp" && !paths.has(path));
      assert.deepEqual(lost, []);
    });

    it(`keep each field of a condition in the status of ${kind}`, () => {
      const observed = { type: "Ready", status: "True", reason: "Ready", message: "", observedGeneration: 1 } as const;
      const [condition] = mergeConditions([], [observed], "2026-01-01T00:00:00Z");
      const items = schemaOf(kind).properties?.status?.properties?.conditions?.items;
      assert.deepEqual(Object.keys(items?.properties ?? {}).sort(), Object.keys(condition ?? {}).sort());
    });
  }

  it("let only a Router be scaled, by fields that it has", () => {
    const scales = kinds.filter((kind) => definitionOf(kind).subresources.scale !== undefined);
    assert.deepEqual(scales, ["Router"]);
    const paths = new Set([...walk(schemaOf("Router"), "")].map(([path]) => path));
    const lost = Object.values(definitionOf("Router").subresources.scale ?? {}).filter((path) => !paths.has(path));
    assert.deepEqual(lost, []);
  });
});
