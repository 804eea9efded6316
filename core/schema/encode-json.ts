// Plain message -> JSON value, by the descriptor table (proto3 JSON mapping).
import type { Codec } from "../codec.ts";
import { type CompiledField, type CompiledMessage, messageOf } from "./compiled.ts";
import { emptyMap } from "./decode-binary.ts";
import type { PlainMessage, SchemaTable } from "./schema.ts";
import { formatTimestamp, type Timestamp } from "./timestamp.ts";

/** `proto`: snake_case, as the older JSON contracts have it; `json`: lowerCamelCase, the default of proto3 JSON. */
export type JsonNames = "proto" | "json";

/**
 * The JSON value of a plain message: fields that are present, 64-bit integers as strings, bytes as base64, NaN and the
 * infinities by name. Throws when the table has no such message, or when a Timestamp lies outside the years 1 to 9999.
 */
export function encodeJson(
  table: SchemaTable,
  name: string,
  value: PlainMessage,
  codec: Codec,
  options: { readonly names: JsonNames },
): unknown {
  return encodeMessage(messageOf(table, name), value, codec, options.names);
}

function encodeMessage(message: CompiledMessage, value: unknown, codec: Codec, names: JsonNames): unknown {
  if (message.wellKnown === "timestamp") return encodeTimestamp(value as Timestamp);
  if (message.wellKnown !== undefined) return value;
  const json: Record<string, unknown> = {};
  for (const field of message.fields) {
    const item = (value as PlainMessage)[field.name];
    if (item !== undefined)
      json[names === "proto" ? field.name : field.jsonName] = encodeField(field, item, codec, names);
  }
  return json;
}

function encodeTimestamp(time: Timestamp): string {
  const text = formatTimestamp(time);
  if (text === undefined) throw new Error(`timestamp ${time.seconds} s is outside the years 1 to 9999`);
  return text;
}

function encodeField(field: CompiledField, value: unknown, codec: Codec, names: JsonNames): unknown {
  const valueField = field.entry?.fields[1];
  if (valueField !== undefined) {
    const json = emptyMap();
    for (const [key, item] of Object.entries(value as object)) json[key] = encodeSingle(valueField, item, codec, names);
    return json;
  }
  if (!field.repeated) return encodeSingle(field, value, codec, names);
  return (value as readonly unknown[]).map((item) => encodeSingle(field, item, codec, names));
}

function encodeSingle(field: CompiledField, value: unknown, codec: Codec, names: JsonNames): unknown {
  if (field.message !== undefined) return encodeMessage(field.message, value, codec, names);
  if (field.type === "bytes") return codec.base64Encode(value as Uint8Array);
  if (field.type.endsWith("64")) return String(value);
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
