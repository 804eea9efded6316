// Struct, Value, ListValue and Timestamp: between their fields on the wire and the plain values that stand for them.
import { type CompiledMessage, MESSAGE_DEPTH_LIMIT, type WellKnown } from "./compiled.ts";
import { joinPath, type SchemaProblem } from "./problem.ts";
import type { PlainMessage } from "./schema.ts";
import { isWellFormed } from "./text.ts";

type Fields = Record<string, unknown>;

/** Replaces decoded Struct, Value and ListValue messages inside `fields` by the JSON values that they stand for. */
export function lowerWellKnown(message: CompiledMessage, fields: Fields): unknown {
  if (message.wellKnown !== undefined) return lower(message.wellKnown, message, fields);
  lowerFields(message, fields);
  return fields;
}

function lowerFields(message: CompiledMessage, fields: Fields): void {
  for (const field of message.fields) {
    const inner = field.message ?? field.entry?.fields[1]?.message;
    const value = fields[field.name];
    if (value === undefined || inner === undefined || !inner.holdsWellKnown) continue;
    if (Array.isArray(value)) fields[field.name] = value.map((item) => lowerWellKnown(inner, item as Fields));
    else if (field.entry !== undefined) lowerEntries(inner, value as Fields);
    else fields[field.name] = lowerWellKnown(inner, value as Fields);
  }
}

function lowerEntries(inner: CompiledMessage, entries: Fields): void {
  for (const key of Object.keys(entries)) entries[key] = lowerWellKnown(inner, entries[key] as Fields);
}

function lower(kind: WellKnown, message: CompiledMessage, fields: Fields): unknown {
  lowerFields(message, fields);
  switch (kind) {
    case "struct":
      return fields.fields ?? {};
    case "list":
      return fields.values ?? [];
    case "timestamp":
      return { seconds: fields.seconds ?? 0n, nanos: fields.nanos ?? 0 };
    case "value":
      return (
        fields.struct_value ??
        fields.list_value ??
        fields.string_value ??
        fields.number_value ??
        fields.bool_value ??
        null
      );
  }
}

/** One level of the fields that stand for a plain value on the wire. Throws when no such message can hold the value. */
export function raiseWellKnown(kind: WellKnown, value: unknown): PlainMessage {
  switch (kind) {
    case "struct":
      return { fields: value };
    case "list":
      return { values: value };
    case "timestamp":
      return value as PlainMessage;
    case "value":
      return raiseValue(value);
  }
}

function raiseValue(value: unknown): PlainMessage {
  if (value === null || value === undefined) return { null_value: 0 };
  if (typeof value === "string") return { string_value: value };
  if (typeof value === "number") return { number_value: value };
  if (typeof value === "boolean") return { bool_value: value };
  if (Array.isArray(value)) return { list_value: value };
  if (typeof value === "object") return { struct_value: value };
  throw new Error(`google.protobuf.Value cannot hold a ${typeof value}`);
}

/** Whether a JSON value may stand for Struct, ListValue or Value: shape, depth, finite numbers, valid Unicode. */
export function checkJsonValue(kind: "struct" | "list" | "value", value: unknown): SchemaProblem | undefined {
  if (kind === "struct" && !isJsonObject(value)) return { path: "", rule: "type", expected: "object" };
  if (kind === "list" && !Array.isArray(value)) return { path: "", rule: "type", expected: "list" };
  return checkAny(value, 1);
}

export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkAny(value: unknown, depth: number): SchemaProblem | undefined {
  if (typeof value === "string") {
    return isWellFormed(value) ? undefined : { path: "", rule: "unicode", expected: "valid Unicode text" };
  }
  if (typeof value === "number") {
    return Number.isFinite(value) ? undefined : { path: "", rule: "range", expected: "a number of double precision" };
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (depth > MESSAGE_DEPTH_LIMIT)
    return { path: "", rule: "depth", expected: `at most ${MESSAGE_DEPTH_LIMIT} levels` };
  return Array.isArray(value) ? checkList(value, depth) : checkObject(value, depth);
}

function checkList(list: readonly unknown[], depth: number): SchemaProblem | undefined {
  for (let index = 0; index < list.length; index++) {
    const problem = checkAny(list[index], depth + 1);
    if (problem !== undefined) return { ...problem, path: joinPath(`[${index}]`, problem.path) };
  }
  return undefined;
}

function checkObject(object: object, depth: number): SchemaProblem | undefined {
  for (const [key, item] of Object.entries(object)) {
    const problem = checkAny(key, depth) ?? checkAny(item, depth + 1);
    if (problem !== undefined) return { ...problem, path: joinPath(mapSegment(key), problem.path) };
  }
  return undefined;
}

/** Longest key that a path repeats. */
const PATH_KEY_CHARACTERS = 64;

/** How a path names the entry of a map. */
export function mapSegment(key: string): string {
  return `[${JSON.stringify(key.slice(0, PATH_KEY_CHARACTERS))}]`;
}
