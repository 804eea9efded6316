// The values of the chart: each with its default and its meaning, from values.yaml and values.schema.json.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Cell, code, table } from "./markdown.ts";

const root = join(import.meta.dirname, "..", "..");

interface ValueSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly $ref?: string;
}

/** Part of every subchart's values for Helm's sake; set at the root. */
const REPEATED = ["operator.global", "controlPlane.global", "nats.global"];
/** Shown whole: what is below it is the Router's, and documented there. */
const WHOLE = ["router.spec"];

/** One row a value, in the order of the schema. */
export function valueTable(): string {
  const schema = JSON.parse(readFileSync(join(root, "values.schema.json"), "utf8")) as ValueSchema;
  const values: unknown = parse(readFileSync(join(root, "values.yaml"), "utf8"));
  return table(["Value", "Default", "Meaning"], rowsOf(schema, values, ""));
}

function rowsOf(schema: ValueSchema, value: unknown, path: string): Cell[][] {
  if (REPEATED.includes(path)) return [];
  const { properties, description = "" } = schema;
  if (properties === undefined || WHOLE.includes(path)) return [[code(path), show(value), description]];
  return Object.entries(properties).flatMap(([name, property]) =>
    rowsOf(property, (value as Readonly<Record<string, unknown>>)[name], path === "" ? name : `${path}.${name}`),
  );
}

function show(value: unknown): Cell {
  return value === "" ? "" : code(JSON.stringify(value).replace(/^"(.*)"$/, "$1"));
}
