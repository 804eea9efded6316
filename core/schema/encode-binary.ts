// Plain message -> bytes, by the descriptor table.
import type { Codec } from "../codec.ts";
import { type CompiledField, type CompiledMessage, messageOf } from "./compiled.ts";
import type { PlainMessage, ScalarType, SchemaTable } from "./schema.ts";
import { raiseWellKnown } from "./well-known.ts";
import { WireWriter } from "./wire-writer.ts";

/**
 * Encodes a plain message as `decodeBinary` gives it: fields in the table's order, scalars at their default left out (proto3
 * without presence). 64-bit integers may be bigint or safe integers. Throws on a value of another type: that is a bug of the
 * caller, never input.
 */
export function encodeBinary(table: SchemaTable, name: string, value: PlainMessage, codec: Codec): Uint8Array {
  const writer = new WireWriter(codec);
  writeMessage(writer, messageOf(table, name), value);
  return writer.finish();
}

function writeMessage(writer: WireWriter, message: CompiledMessage, value: unknown): void {
  const plain = message.wellKnown === undefined ? (value as PlainMessage) : raiseWellKnown(message.wellKnown, value);
  // A member of a oneof is there even at its default; so are both fields of a map entry.
  const always = message.wellKnown === "value";
  for (const field of message.fields) {
    const item = plain[field.name];
    if (item !== undefined) writeField(writer, field, item, always);
  }
}

function writeField(writer: WireWriter, field: CompiledField, value: unknown, always: boolean): void {
  if (field.entry !== undefined) writeMap(writer, field, field.entry, value as object);
  else if (field.repeated) writeList(writer, field, value as readonly unknown[]);
  else if (always || field.message !== undefined || !isDefault(value)) writeSingle(writer, field, value);
}

function writeList(writer: WireWriter, field: CompiledField, list: readonly unknown[]): void {
  if (list.length === 0) return;
  if (!field.packable) {
    for (const item of list) writeSingle(writer, field, item);
    return;
  }
  writer.uint32(field.tag);
  writer.nested(() => {
    for (const item of list) writeScalar(writer, field, item);
  });
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === false || value === 0n || Object.is(value, 0);
}

function writeMap(writer: WireWriter, field: CompiledField, entry: CompiledMessage, map: object): void {
  const [keyField, valueField] = entry.fields as [CompiledField, CompiledField];
  for (const [key, value] of Object.entries(map)) {
    writer.uint32(field.tag);
    writer.nested(() => {
      writeSingle(writer, keyField, mapKeyOf(keyField, key));
      writeSingle(writer, valueField, value);
    });
  }
}

function mapKeyOf(field: CompiledField, key: string): unknown {
  if (field.type === "string") return key;
  if (field.type === "bool") return key === "true";
  return field.type.endsWith("64") ? BigInt(key) : Number(key);
}

function writeSingle(writer: WireWriter, field: CompiledField, value: unknown): void {
  writer.uint32(field.tag);
  const { message } = field;
  if (message === undefined) writeScalar(writer, field, value);
  else writer.nested(() => writeMessage(writer, message, value));
}

function mismatch(field: CompiledField, value: unknown): never {
  throw new Error(`field ${field.name} is ${field.type}, not ${typeof value}`);
}

function integerOf(field: CompiledField, value: unknown): bigint {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : mismatch(field, value);
}

function numberOf(field: CompiledField, value: unknown): number {
  return typeof value === "number" ? value : mismatch(field, value);
}

function writeScalar(writer: WireWriter, field: CompiledField, value: unknown): void {
  switch (field.type as ScalarType | "enum") {
    case "string":
      writer.string(typeof value === "string" ? value : mismatch(field, value));
      break;
    case "bytes":
      writer.bytes(value instanceof Uint8Array ? value : mismatch(field, value));
      break;
    case "bool":
      writer.uint32(typeof value === "boolean" ? Number(value) : mismatch(field, value));
      break;
    case "double":
      writer.double(numberOf(field, value));
      break;
    case "float":
      writer.float(numberOf(field, value));
      break;
    case "fixed32":
    case "sfixed32":
      writer.fixed32(numberOf(field, value));
      break;
    case "uint32":
      writer.uint32(numberOf(field, value));
      break;
    case "sint32": {
      const number = numberOf(field, value);
      writer.uint32((number << 1) ^ (number >> 31));
      break;
    }
    case "fixed64":
    case "sfixed64":
      writer.fixed64(integerOf(field, value));
      break;
    case "sint64": {
      const integer = integerOf(field, value);
      writer.varint64((integer << 1n) ^ (integer >> 63n));
      break;
    }
    default:
      writer.varint64(integerOf(field, value));
      break;
  }
}
