// The descriptor table made ready for reading and writing: fields found by wire tag and by JSON name in one look-up.
import type { FieldSchema, MessageSchema, ScalarType, SchemaTable } from "./schema.ts";

/** Deepest nesting of messages, and of JSON inside a Struct; the limit that protobuf implementations share. */
export const MESSAGE_DEPTH_LIMIT = 100;

/** Wire types of the protobuf encoding. */
export const WIRE = { varint: 0, bit64: 1, lengthDelimited: 2, startGroup: 3, endGroup: 4, bit32: 5 } as const;

/** Messages whose JSON form is not that of their fields. Plain values hold that JSON form, except for a Timestamp. */
export type WellKnown = "struct" | "value" | "list" | "timestamp";

const WELL_KNOWN: Readonly<Record<string, WellKnown>> = {
  "google.protobuf.Struct": "struct",
  "google.protobuf.Value": "value",
  "google.protobuf.ListValue": "list",
  "google.protobuf.Timestamp": "timestamp",
};

export interface CompiledField {
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  readonly type: ScalarType | "message" | "enum" | "map";
  readonly repeated: boolean;
  /** Tag that a writer uses: packed for repeated numbers. */
  readonly tag: number;
  /** Whether a length-delimited occurrence is a list of packed numbers. */
  readonly packable: boolean;
  /** Type of a message field. */
  readonly message: CompiledMessage | undefined;
  /** Key (field 1) and value (field 2) of a map's entries. */
  readonly entry: CompiledMessage | undefined;
}

export interface CompiledMessage {
  readonly name: string;
  readonly fields: readonly CompiledField[];
  /** By tag, for every wire type in which the field may come. */
  readonly byTag: ReadonlyMap<number, CompiledField>;
  /** By .proto name and by lowerCamelCase name. */
  readonly byName: ReadonlyMap<string, CompiledField>;
  readonly wellKnown: WellKnown | undefined;
  /** Whether a well-known message can occur inside, so that decoding needs a second pass. */
  readonly holdsWellKnown: boolean;
}

export type CompiledSchemas = ReadonlyMap<string, CompiledMessage>;

interface MutableMessage {
  name: string;
  fields: CompiledField[];
  byTag: Map<number, CompiledField>;
  byName: Map<string, CompiledField>;
  wellKnown: WellKnown | undefined;
  holdsWellKnown: boolean;
}

function newMessage(name: string): MutableMessage {
  const wellKnown = WELL_KNOWN[name];
  return { name, fields: [], byTag: new Map(), byName: new Map(), wellKnown, holdsWellKnown: wellKnown !== undefined };
}

function wireTypeOf(type: FieldSchema["type"]): number {
  switch (type) {
    case "double":
    case "fixed64":
    case "sfixed64":
      return WIRE.bit64;
    case "float":
    case "fixed32":
    case "sfixed32":
      return WIRE.bit32;
    case "string":
    case "bytes":
    case "message":
    case "map":
      return WIRE.lengthDelimited;
    default:
      return WIRE.varint;
  }
}

function resolve(
  messages: ReadonlyMap<string, MutableMessage>,
  name: string | undefined,
  user: string,
): MutableMessage {
  const found = name === undefined ? undefined : messages.get(name);
  if (found === undefined) throw new Error(`schema table: ${user} uses ${name ?? "no message"}, which the table lacks`);
  return found;
}

function addField(message: MutableMessage, row: FieldSchema, messages: ReadonlyMap<string, MutableMessage>): void {
  const wire = wireTypeOf(row.type);
  const packable = row.repeated && wire !== WIRE.lengthDelimited;
  const user = `${message.name}.${row.name}`;
  const field: CompiledField = {
    number: row.number,
    name: row.name,
    jsonName: row.jsonName,
    type: row.type,
    repeated: row.repeated,
    tag: row.number * 8 + (packable ? WIRE.lengthDelimited : wire),
    packable,
    message: row.type === "message" ? resolve(messages, row.message, user) : undefined,
    entry: row.type === "map" ? compileEntry(row, messages, user) : undefined,
  };
  message.fields.push(field);
  message.byTag.set(row.number * 8 + wire, field);
  message.byTag.set(field.tag, field);
  message.byName.set(row.name, field);
  message.byName.set(row.jsonName, field);
}

function compileEntry(row: FieldSchema, messages: ReadonlyMap<string, MutableMessage>, user: string): MutableMessage {
  if (row.mapKey === undefined || row.mapValue === undefined) throw new Error(`schema table: ${user} has no map types`);
  const entry = newMessage(`${user} entry`);
  addField(entry, { number: 1, name: "key", jsonName: "key", type: row.mapKey, repeated: false }, messages);
  const value = { number: 2, name: "value", jsonName: "value", type: row.mapValue, repeated: false };
  addField(entry, row.message === undefined ? value : { ...value, message: row.message }, messages);
  return entry;
}

/** Marks every message from which a well-known one can be reached, until nothing changes any more. */
function markWellKnown(messages: readonly MutableMessage[]): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const message of messages) {
      if (message.holdsWellKnown) continue;
      const inside = (field: CompiledField) =>
        (field.message ?? field.entry?.fields[1]?.message)?.holdsWellKnown === true;
      if (!message.fields.some(inside)) continue;
      message.holdsWellKnown = true;
      changed = true;
    }
  }
}

const compiled = new WeakMap<SchemaTable, CompiledSchemas>();

/** Compiles a table once; later calls with the same table return the same result. Throws when the table contradicts itself. */
export function compileSchemas(table: SchemaTable): CompiledSchemas {
  const known = compiled.get(table);
  if (known !== undefined) return known;
  const rows: readonly MessageSchema[] = Object.values(table);
  const messages = new Map(rows.map((row) => [row.name, newMessage(row.name)]));
  for (const row of rows) {
    const message = resolve(messages, row.name, row.name);
    for (const field of row.fields) addField(message, field, messages);
  }
  markWellKnown([...messages.values()]);
  compiled.set(table, messages);
  return messages;
}

/** The compiled message of a name. Throws when the table has none: asking for it is a bug. */
export function messageOf(table: SchemaTable, name: string): CompiledMessage {
  const message = compileSchemas(table).get(name);
  if (message === undefined) throw new Error(`schema table: no message ${name}`);
  return message;
}
