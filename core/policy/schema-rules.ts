// The CEL rules of the schemas (`x-kubernetes-validations`), evaluated as an API server does.
import { Environment } from "@marcbachmann/cel-js";
import { isRecord, type ProblemList } from "./problems.ts";
import type { Schema, SchemaRule } from "./schema.ts";

const environment = new Environment().registerVariable("self", "dyn").registerVariable("oldSelf", "dyn");

/** Compiled once each; the schemas are fixed, so there are as many as they have rules. */
const compiledRules = new Map<string, (variables: Record<string, unknown>) => unknown>();

const ruleNames: Readonly<Record<NonNullable<SchemaRule["reason"]>, string>> = {
  FieldValueInvalid: "invalid",
  FieldValueForbidden: "forbidden",
  FieldValueRequired: "required",
  FieldValueDuplicate: "duplicate",
};

/**
 * Adds a problem for each rule that does not hold for `value`, which is otherwise valid. A rule on `oldSelf` is looked at
 * only when there is an old value.
 */
export function checkRules(
  rules: readonly SchemaRule[],
  schema: Schema,
  value: unknown,
  problems: ProblemList,
  path: string,
  old: unknown,
): void {
  const self = toCelValue(schema, value);
  for (const rule of rules) {
    const transition = rule.rule.includes("oldSelf");
    if (transition && old === undefined) continue;
    const variables = transition ? { self, oldSelf: toCelValue(schema, old) } : { self };
    if (holds(rule.rule, variables)) continue;
    const at = rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`.replace(/^\./, "");
    problems.add(at, ruleNames[rule.reason ?? "FieldValueInvalid"], rule.message, valueAt(value, rule.fieldPath));
  }
}

/** A rule that cannot be evaluated does not hold: the same as on an API server. */
function holds(rule: string, variables: Record<string, unknown>): boolean {
  const known = compiledRules.get(rule);
  const compiled = known ?? environment.parse(rule);
  if (known === undefined) compiledRules.set(rule, compiled);
  try {
    return compiled(variables) === true;
  } catch {
    return false;
  }
}

/** CEL tells integers from doubles, which JSON does not: the schema says which is which. */
function toCelValue(schema: Schema, value: unknown): unknown {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : value;
  if (!("type" in schema)) return value;
  if (schema.type === "array" && Array.isArray(value)) return value.map((item) => toCelValue(schema.items, item));
  if (schema.type !== "object" || !isRecord(value)) return value;
  if ("additionalProperties" in schema) return value;
  const { properties } = schema;
  if (properties === undefined) return value;
  const fields = Object.entries(value).filter(([name]) => Object.hasOwn(properties, name));
  return Object.fromEntries(fields.map(([name, field]) => [name, toCelValue(properties[name] ?? schema, field)]));
}

function valueAt(value: unknown, fieldPath: string | undefined): unknown {
  let at = value;
  for (const name of fieldPath?.split(".").slice(1) ?? [])
    at = isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at;
}
