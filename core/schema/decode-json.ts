// Parsed JSON -> plain message, by the descriptor table: types are checked before anything is converted (proto3 JSON mapping).
import type { Codec } from "../codec.ts";
import { err, ok, type Result } from "../result.ts";
import { type CompiledField, type CompiledMessage, MESSAGE_DEPTH_LIMIT, messageOf } from "./compiled.ts";
import { emptyMap } from "./decode-binary.ts";
import { joinPath, type SchemaProblem, type SchemaRule } from "./problem.ts";
import type { PlainMessage, ScalarType, SchemaTable } from "./schema.ts";
import { isWellFormed } from "./text.ts";
import { parseTimestamp } from "./timestamp.ts";
import { checkJsonValue, isJsonObject, mapSegment } from "./well-known.ts";

const INTEGER_TEXT = /^-?\d{1,20}$/;
const NUMBER_TEXT = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const MAX_FLOAT = 3.4028234663852886e38;

const INTEGER_RANGE: Readonly<Record<string, readonly [min: bigint, max: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  sfixed32: [-(2n ** 31n), 2n ** 31n - 1n],
  enum: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

/** A value, or the problem in its place: cheaper to pass up than a Result around every value. */
class Refused {
  readonly problem: SchemaProblem;
  constructor(rule: SchemaRule, expected: string, path = "") {
    this.problem = { path, rule, expected };
  }
}

/**
 * Decodes parsed JSON. Fields are known by their .proto and their lowerCamelCase name, null means absent, unknown fields are
 * passed over. 64-bit integers come as strings or as numbers that are exact; bytes as base64 of either alphabet; Struct, Value
 * and ListValue stay the JSON that they are; a Timestamp is RFC 3339. Every other type is a problem, never converted: `5` is
 * no string, `"true"` no bool. Throws only when the table has no such message.
 */
export function decodeJson(
  table: SchemaTable,
  name: string,
  value: unknown,
  codec: Codec,
): Result<PlainMessage, SchemaProblem> {
  const decoded = decodeMessage(messageOf(table, name), value, codec, 1);
  return decoded instanceof Refused ? err(decoded.problem) : ok(decoded as PlainMessage);
}

function decodeMessage(message: CompiledMessage, value: unknown, codec: Codec, depth: number): unknown {
  if (message.wellKnown !== undefined) return decodeWellKnown(message.wellKnown, value);
  if (depth > MESSAGE_DEPTH_LIMIT) return new Refused("depth", `at most ${MESSAGE_DEPTH_LIMIT} levels`);
  if (!isJsonObject(value)) return new Refused("type", "object");
  const into: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const field = message.byName.get(key);
    const item = value[key];
    if (field === undefined || isAbsent(field, item)) continue;
    if (into[field.name] !== undefined)
      return new Refused("duplicate", `only one of ${field.name} and ${field.jsonName}`, field.name);
    const decoded = decodeField(field, item, codec, depth);
    if (decoded instanceof Refused) return within(field.name, decoded);
    into[field.name] = decoded;
  }
  return into;
}

/** JSON null means absent, but is a value of google.protobuf.Value. */
function isAbsent(field: CompiledField, value: unknown): boolean {
  return value === undefined || (value === null && field.message?.wellKnown !== "value");
}

function within(segment: string, refused: Refused): Refused {
  const { path, rule, expected } = refused.problem;
  return new Refused(rule, expected, joinPath(segment, path));
}

function decodeWellKnown(kind: NonNullable<CompiledMessage["wellKnown"]>, value: unknown): unknown {
  if (kind === "timestamp") {
    const time = typeof value === "string" ? parseTimestamp(value) : undefined;
    return time ?? new Refused("type", "RFC 3339 time");
  }
  const problem = checkJsonValue(kind, value);
  return problem === undefined ? value : new Refused(problem.rule, problem.expected, problem.path);
}

function decodeField(field: CompiledField, value: unknown, codec: Codec, depth: number): unknown {
  if (field.entry !== undefined) return decodeMap(field.entry, value, codec, depth);
  if (!field.repeated) return decodeSingle(field, value, codec, depth);
  if (!Array.isArray(value)) return new Refused("type", "list");
  const list: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    const item = decodeSingle(field, value[index], codec, depth);
    if (item instanceof Refused) return within(`[${index}]`, item);
    list.push(item);
  }
  return list;
}

function decodeMap(entry: CompiledMessage, value: unknown, codec: Codec, depth: number): unknown {
  if (!isJsonObject(value)) return new Refused("type", "object");
  const [keyField, valueField] = entry.fields as [CompiledField, CompiledField];
  const map = emptyMap();
  for (const key of Object.keys(value)) {
    const decodedKey = decodeMapKey(keyField, key, codec);
    const item = decodedKey instanceof Refused ? decodedKey : decodeSingle(valueField, value[key], codec, depth);
    if (item instanceof Refused) return within(mapSegment(key), item);
    map[String(decodedKey)] = item;
  }
  return map;
}

function decodeMapKey(field: CompiledField, key: string, codec: Codec): unknown {
  if (field.type !== "bool") return decodeScalar(field.type as ScalarType, key, codec);
  return key === "true" || key === "false" ? key : new Refused("type", "true or false");
}

function decodeSingle(field: CompiledField, value: unknown, codec: Codec, depth: number): unknown {
  if (field.message !== undefined) return decodeMessage(field.message, value, codec, depth + 1);
  return decodeScalar(field.type as ScalarType, value, codec);
}

function decodeScalar(type: ScalarType | "enum", value: unknown, codec: Codec): unknown {
  switch (type) {
    case "string":
      if (typeof value !== "string") return new Refused("type", "string");
      return isWellFormed(value) ? value : new Refused("unicode", "valid Unicode text");
    case "bytes":
      if (typeof value !== "string") return new Refused("type", "base64 string");
      return codec.base64Decode(value) ?? new Refused("base64", "base64 string");
    case "bool":
      return typeof value === "boolean" ? value : new Refused("type", "bool");
    case "double":
    case "float":
      return decodeFloat(type, value);
    default:
      return decodeInteger(type, value);
  }
}

function decodeFloat(type: "double" | "float", value: unknown): unknown {
  if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
  if (typeof value !== "number" && !(typeof value === "string" && NUMBER_TEXT.test(value)))
    return new Refused("type", type);
  const number = Number(value);
  const limit = type === "float" ? MAX_FLOAT : Number.MAX_VALUE;
  return Math.abs(number) <= limit ? number : new Refused("range", type);
}

function decodeInteger(type: string, value: unknown): unknown {
  const text = typeof value === "string" && INTEGER_TEXT.test(value);
  if (!text && !(typeof value === "number" && Number.isInteger(value))) return new Refused("type", type);
  // A JSON number beyond 2^53 - 1 was rounded by the JSON parser: which integer was meant is unknown.
  if (!text && !Number.isSafeInteger(value)) return new Refused("range", `${type} as a string`);
  const integer = BigInt(value as string | number);
  const [min, max] = INTEGER_RANGE[type] as readonly [bigint, bigint];
  if (integer < min || integer > max) return new Refused("range", type);
  return type.endsWith("64") ? integer : Number(integer);
}
