// Reference of the objects that users write, from the schemas that validate them.
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import { API_VERSION, type Schema, type SchemaRule } from "../../core/policy/schema.ts";
import type { ObjectKind } from "../../core/policy/spec.ts";
import { type Cell, code, codes, count, table } from "./markdown.ts";

function describeType(schema: Schema): Cell {
  if ("x-kubernetes-int-or-string" in schema) return "number or text";
  switch (schema.type) {
    case "string":
      return schema.enum === undefined ? "text" : codes(schema.enum);
    case "integer":
      return `integer, ${count(schema.minimum)} to ${count(schema.maximum)}`;
    case "boolean":
      return "boolean";
    case "array":
      return `list, at most ${count(schema.maxItems)}`;
    case "object":
      return "additionalProperties" in schema ? `map, at most ${count(schema.maxProperties)}` : "object";
  }
}

function describeDefault(schema: Schema, required: boolean): Cell {
  if (required) return "required";
  return schema.default === undefined ? "" : code(JSON.stringify(schema.default));
}

function appendRows(rows: Cell[][], path: string, schema: Schema, required: boolean): void {
  rows.push([code(path), describeType(schema), describeDefault(schema, required), schema.description ?? ""]);
  if (!("type" in schema)) return;
  if (schema.type === "array") appendChildren(rows, `${path}[]`, schema.items);
  else if (schema.type === "object") appendChildren(rows, path, schema);
}

function appendChildren(rows: Cell[][], path: string, schema: Schema): void {
  if (!("type" in schema) || schema.type !== "object" || !("properties" in schema)) return;
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    appendRows(rows, `${path}.${name}`, child, schema.required?.includes(name) === true);
  }
}

function collectRules(schema: Schema): readonly SchemaRule[] {
  const own = schema["x-kubernetes-validations"] ?? [];
  if (!("type" in schema)) return own;
  if (schema.type === "array") return [...own, ...collectRules(schema.items)];
  if (schema.type !== "object" || !("properties" in schema)) return own;
  return [...own, ...Object.values(schema.properties ?? {}).flatMap(collectRules)];
}

/** Every field of one kind's spec, then the rules that hold between fields. */
export function objectReference(kind: ObjectKind): string {
  const { schema, scope, plural, shortNames } = objectDefinitions[kind];
  const spec = schema.properties?.spec;
  if (spec === undefined) throw new Error(`${kind} has no spec`);
  const rows: Cell[][] = [];
  appendChildren(rows, "spec", spec);
  const names = shortNames.length > 0 ? `, short ${codes(shortNames)}` : "";
  const intro = `${code(`${plural}.${API_VERSION.split("/")[0]}`)}${names}, ${scope.toLowerCase()}, ${code(`apiVersion: ${API_VERSION}`)}.`;
  const rules = [...new Set(collectRules(schema).map((rule) => `- ${rule.message}`))];
  const ruleText = rules.length > 0 ? `\n\nBesides:\n\n${rules.join("\n")}` : "";
  return `${intro}\n\n${table(["Field", "Type", "Default", "Meaning"], rows)}${ruleText}`;
}
