// One object for every constraint of every field: a right one with that constraint broken and nothing else. Derived from the
// schemas, so that no field is forgotten; what cannot be derived (CEL rules) is in test/golden/crds.
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import type { Schema } from "../../core/policy/schema.ts";
import { getFormat } from "../../core/policy/schema-formats.ts";
import type { ObjectKind } from "../../core/policy/spec.ts";
import { type CorpusCase, readCorpus } from "./corpus.ts";

/** The case of each kind that has every field. */
const EVERY_FIELD = "full";

interface Break {
  readonly rule: string;
  /** Where the problem is, when it is not at the value that is replaced. */
  readonly below?: string;
  /** Takes the field away when undefined. */
  readonly value: unknown;
}

function wrongType(schema: Schema): unknown {
  if (!("type" in schema)) return true;
  return schema.type === "string" ? 7 : schema.type === "boolean" ? "true" : true;
}

/** Every way to break one constraint of `schema` by replacing `value`, which fits it. */
function* breaks(schema: Schema, value: unknown): Generator<Break> {
  yield { rule: "type", value: wrongType(schema) };
  if (!("type" in schema)) {
    yield { rule: getFormat(schema.pattern).name, value: " " };
    yield { rule: "max_length", value: "1".repeat(schema.maxLength + 1) };
    return;
  }
  if (schema.type === "integer") {
    yield { rule: "minimum", value: schema.minimum - 1 };
    yield { rule: "maximum", value: schema.maximum + 1 };
  }
  if (schema.type === "string") {
    if (schema.enum !== undefined) yield { rule: "enum", value: "Nonsense" };
    else yield { rule: "max_length", value: "1".repeat(schema.maxLength + 1) };
    if (schema.minLength !== undefined) yield { rule: "min_length", value: "" };
    if (schema.pattern !== undefined) yield { rule: getFormat(schema.pattern).name, value: " " };
  }
  if (schema.type === "array") {
    const [first] = value as readonly unknown[];
    yield { rule: "max_items", value: Array(schema.maxItems + 1).fill(first) };
    if (schema.minItems !== undefined) yield { rule: "min_items", value: [] };
    const key = schema["x-kubernetes-list-map-keys"]?.[0];
    if (schema["x-kubernetes-list-type"] !== "atomic")
      yield { rule: "duplicate", below: key === undefined ? "[1]" : `[1].${key}`, value: [first, first] };
  }
  if (schema.type === "object" && "additionalProperties" in schema) {
    const entries = Array.from({ length: schema.maxProperties + 1 }, (_, index) => [`k${index}`, "v"]);
    yield { rule: "max_properties", value: Object.fromEntries(entries) };
  }
  if (schema.type === "object" && "properties" in schema) {
    const fields = value as object;
    yield { rule: "unknown_field", below: ".bogus", value: { ...fields, bogus: 1 } };
    if (schema.minProperties !== undefined) yield { rule: "min_properties", value: {} };
    for (const name of schema.required ?? [])
      yield { rule: "required", below: `.${name}`, value: { ...fields, [name]: undefined } };
  }
}

interface Violation {
  readonly rule: string;
  readonly path: string;
  readonly value: unknown;
}

/** Every violation of `schema` and of what is below it; the value of each is the whole value at `path` of the start. */
function* violations(schema: Schema, value: unknown, path: string): Generator<Violation> {
  // A boolean is broken by a text; that any text is taken for none has been seen already.
  for (const { rule, below = "", value: broken } of breaks(schema, value))
    yield { rule, path: path + below, value: broken };
  if (!("type" in schema)) return;
  if (schema.type === "array") {
    const [first, ...rest] = value as readonly unknown[];
    for (const each of violations(schema.items, first, `${path}[0]`)) yield { ...each, value: [each.value, ...rest] };
  }
  if (schema.type === "object" && "additionalProperties" in schema) {
    for (const each of violations(schema.additionalProperties, "v", `${path}.k`))
      yield { ...each, value: { k: each.value } };
  }
  if (schema.type === "object" && "properties" in schema) {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const fields = value as Readonly<Record<string, unknown>>;
      // Only one of two alternatives can be there; the other stands in another list of the same schema.
      if (fields[name] === undefined) continue;
      for (const each of violations(property, fields[name], `${path}.${name}`))
        yield { ...each, value: { ...fields, [name]: each.value } };
    }
  }
}

/** A case for each constraint of each field of each kind. */
export function listViolations(): readonly CorpusCase[] {
  return readCorpus()
    .filter(({ name }) => name === EVERY_FIELD)
    .flatMap((full) => {
      const spec = specSchema(full.kind);
      return [...violations(spec, full.object.spec, "spec")].map(({ rule, path, value }, index) => ({
        ...full,
        file: full.kind,
        name: `violation-${index}`,
        object: { ...full.object, spec: value },
        refused: { rule, path },
      }));
    });
}

function specSchema(kind: ObjectKind): Schema {
  const spec = objectDefinitions[kind].schema.properties?.spec;
  if (spec === undefined) throw new Error(`${kind} has no spec`);
  return spec;
}

/** Paths of the fields that no violation is of, list positions left out: those that the fullest object lacks. */
export function listUntouched(kind: ObjectKind): readonly string[] {
  const touched = new Set(
    listViolations()
      .filter((each) => each.kind === kind)
      .map(({ refused }) => refused?.path.replaceAll(/\[\d+\]/g, "[]")),
  );
  const untouched: string[] = [];
  const walk = (schema: Schema, path: string): void => {
    if (!touched.has(path)) untouched.push(path);
    if (!("type" in schema)) return;
    if (schema.type === "array") walk(schema.items, `${path}[]`);
    if (schema.type !== "object") return;
    if ("additionalProperties" in schema) walk(schema.additionalProperties, `${path}.k`);
    else for (const [name, property] of Object.entries(schema.properties ?? {})) walk(property, `${path}.${name}`);
  };
  walk(specSchema(kind), "spec");
  return untouched;
}
