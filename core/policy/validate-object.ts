// Holds a value to a schema: every problem with its path, and the value with the schema's defaults filled in.
import { assertNever } from "../result.ts";
import { isRecord, joinPath, nameType, type ProblemList } from "./problems.ts";
import type {
  ArraySchema,
  IntegerSchema,
  IntOrStringSchema,
  MapSchema,
  ObjectSchema,
  Schema,
  StringSchema,
} from "./schema.ts";
import { getFormat, isFormat } from "./schema-formats.ts";
import { checkRules } from "./schema-rules.ts";
import { describeSuggestion } from "./suggest.ts";

type Kind = "int-or-string" | "map" | "object" | "array" | "string" | "integer" | "boolean";

/**
 * Validates `value` against `schema` and adds every problem to `problems`, with paths that begin with `path`. As an API
 * server does: defaults are filled in first, unknown fields and nulls are not taken, and CEL rules run only on a part that
 * is otherwise right. `old` is the value before an update; rules on `oldSelf` run only when it is there. Never throws.
 * Returns the value with defaults, which is of the schema's shape exactly when no problem was added.
 */
export function validateObject(
  schema: Schema,
  value: unknown,
  problems: ProblemList,
  path = "",
  old?: unknown,
): unknown {
  const before = problems.size;
  const result = validateKind(schema, value, problems, path, old);
  const rules = schema["x-kubernetes-validations"];
  if (rules !== undefined && problems.size === before) checkRules(rules, schema, result, problems, path, old);
  return result;
}

function validateKind(schema: Schema, value: unknown, problems: ProblemList, path: string, old: unknown): unknown {
  const kind = kindOf(schema);
  switch (kind) {
    case "object":
      return validateFields(schema as ObjectSchema, value, problems, path, old);
    case "map":
      return validateMap(schema as MapSchema, value, problems, path);
    case "array":
      return validateArray(schema as ArraySchema, value, problems, path);
    case "string":
      return validateString(schema as StringSchema, value, problems, path);
    case "integer":
      return validateInteger(schema as IntegerSchema, value, problems, path);
    case "int-or-string":
      return validateIntOrString(schema as IntOrStringSchema, value, problems, path);
    case "boolean":
      if (typeof value !== "boolean") addTypeProblem("a boolean", value, problems, path);
      return value;
    default:
      return assertNever(kind);
  }
}

function kindOf(schema: Schema): Kind {
  if ("x-kubernetes-int-or-string" in schema) return "int-or-string";
  if (schema.type === "object" && "additionalProperties" in schema) return "map";
  return schema.type;
}

function validateFields(
  schema: ObjectSchema,
  value: unknown,
  problems: ProblemList,
  path: string,
  old: unknown,
): unknown {
  if (!isRecord(value)) return addTypeProblem("an object", value, problems, path);
  const { properties } = schema;
  if (properties === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue;
    const message = `unknown field${describeSuggestion(name, Object.keys(properties))}`;
    problems.add(joinPath(path, name), "unknown_field", message, value[name]);
  }
  for (const [name, property] of Object.entries(properties)) {
    const at = joinPath(path, name);
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const present = given === undefined ? property.default : given;
    if (present !== undefined) {
      const oldField = isRecord(old) && Object.hasOwn(old, name) ? old[name] : undefined;
      result[name] = validateObject(property, present, problems, at, oldField);
    } else if (schema.required?.includes(name) === true) {
      problems.add(at, "required", "must be set");
    }
  }
  if (schema.minProperties !== undefined && Object.keys(value).length < schema.minProperties) {
    problems.add(path, "min_properties", `must have at least one of: ${Object.keys(properties).join(", ")}`, value);
  }
  return result;
}

function validateMap(schema: MapSchema, value: unknown, problems: ProblemList, path: string): unknown {
  if (!isRecord(value)) return addTypeProblem("an object", value, problems, path);
  const entries = Object.entries(value);
  if (entries.length > schema.maxProperties) {
    problems.add(path, "max_properties", `must have at most ${schema.maxProperties} entries; has ${entries.length}`);
    return value;
  }
  const { additionalProperties } = schema;
  return Object.fromEntries(
    entries.map(([key, item]) => [key, validateObject(additionalProperties, item, problems, joinPath(path, key))]),
  );
}

function validateArray(schema: ArraySchema, value: unknown, problems: ProblemList, path: string): unknown {
  if (!Array.isArray(value)) return addTypeProblem("a list", value, problems, path);
  if (value.length > schema.maxItems) {
    problems.add(path, "max_items", `must have at most ${schema.maxItems} items; has ${value.length}`);
    return value;
  }
  if (value.length < (schema.minItems ?? 0)) {
    problems.add(path, "min_items", `must have at least ${schema.minItems} item`, value);
  }
  const items = Array.from(value, (item: unknown, index) =>
    validateObject(schema.items, item, problems, `${path}[${index}]`),
  );
  checkUnique(schema, items, problems, path);
  return items;
}

function checkUnique(schema: ArraySchema, items: readonly unknown[], problems: ProblemList, path: string): void {
  const kind = schema["x-kubernetes-list-type"];
  if (kind === "atomic") return;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const parts = kind === "set" ? [item] : keys.map((key) => (isRecord(item) ? item[key] : undefined));
    // An item without its key has a problem already.
    if (parts.some((part) => typeof part !== "string")) continue;
    const key = JSON.stringify(parts);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else {
      const at = kind === "set" ? `${path}[${index}]` : `${path}[${index}].${keys.join("+")}`;
      problems.add(
        at,
        "duplicate",
        `must be unique; ${path}[${first}] is the same`,
        parts.length === 1 ? parts[0] : parts,
      );
    }
  }
}

function validateString(schema: StringSchema, value: unknown, problems: ProblemList, path: string): unknown {
  if (typeof value !== "string") {
    return addTypeProblem(describePattern(schema.pattern) ?? "a string", value, problems, path);
  }
  if (schema.enum !== undefined) {
    if (schema.enum.includes(value)) return value;
    const hint = describeSuggestion(value, schema.enum);
    problems.add(path, "enum", `must be one of ${schema.enum.join(", ")}${hint}`, value);
    return value;
  }
  if (value.length < (schema.minLength ?? 0)) problems.add(path, "min_length", "must not be empty", value);
  checkText(schema, value, problems, path);
  return value;
}

function validateIntOrString(schema: IntOrStringSchema, value: unknown, problems: ProblemList, path: string): unknown {
  if (typeof value !== "string" && !Number.isSafeInteger(value)) {
    return addTypeProblem(describePattern(schema.pattern) ?? "an integer or a string", value, problems, path);
  }
  checkText(schema, String(value), problems, path);
  return value;
}

function checkText(schema: StringSchema | IntOrStringSchema, text: string, problems: ProblemList, path: string): void {
  const format = schema.pattern === undefined ? undefined : getFormat(schema.pattern);
  const value = format?.confidential === true ? undefined : text;
  // Characters are Unicode's, as an API server counts them; those of a text that is short in UTF-16 are not counted.
  const characters = text.length > schema.maxLength ? countCodePoints(text) : text.length;
  if (characters > schema.maxLength) {
    problems.add(path, "max_length", `must have at most ${schema.maxLength} characters; has ${characters}`, value);
  } else if (format !== undefined && !isFormat(format, text)) {
    problems.add(path, format.name, `must be ${format.meaning}`, value);
  }
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function validateInteger(schema: IntegerSchema, value: unknown, problems: ProblemList, path: string): unknown {
  if (typeof value !== "number" || !Number.isInteger(value)) return addTypeProblem("an integer", value, problems, path);
  if (value < schema.minimum || value > schema.maximum) {
    const rule = value < schema.minimum ? "minimum" : "maximum";
    problems.add(path, rule, `must be between ${schema.minimum} and ${schema.maximum}`, value);
  }
  return value;
}

function addTypeProblem(expected: string, value: unknown, problems: ProblemList, path: string): unknown {
  problems.add(path, "type", `must be ${expected}, not ${nameType(value)}`, renderable(value));
  return value;
}

/** An undefined value is left out of problems, which is right for missing fields but not for an undefined item of a list. */
function renderable(value: unknown): unknown {
  return value === undefined ? null : value;
}

function describePattern(pattern: string | undefined): string | undefined {
  return pattern === undefined ? undefined : getFormat(pattern).meaning;
}
