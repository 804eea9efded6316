// Turns descriptors into the source of gen/messages/schema.ts: the messages and their fields as plain data.

import { type DescField, type DescMessage, type FileRegistry, ScalarType } from "@bufbuild/protobuf";

const includedPackages = /^(beamline|obsrvr)\./;
/** Messages of other packages that ours contain. */
const includedForeign = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.ListValue",
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
]);

/** One row of the table; the shape of FieldRow in the generated file. */
export interface TableField {
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly message?: string;
  readonly mapKey?: string;
  readonly mapValue?: string;
}

/** One message with its fields, in order of their numbers. */
export interface TableMessage {
  readonly name: string;
  readonly fields: readonly TableField[];
}

/** The messages of the table, in order of their full names; entries of maps are part of their field. */
export function collectMessages(registry: FileRegistry): TableMessage[] {
  const messages: TableMessage[] = [];
  for (const type of registry) {
    if (type.kind !== "message") continue;
    if (!includedPackages.test(type.typeName) && !includedForeign.has(type.typeName)) continue;
    messages.push(describeMessage(type));
  }
  return messages.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describeMessage(message: DescMessage): TableMessage {
  const fields = message.fields.map(describeField).sort((a, b) => a.number - b.number);
  return { name: message.typeName, fields };
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}

function describeField(field: DescField): TableField {
  const base = { number: field.number, name: field.name, jsonName: field.jsonName };
  switch (field.fieldKind) {
    case "scalar":
      return { ...base, type: scalarName(field.scalar), repeated: false };
    case "enum":
      return { ...base, type: "enum", repeated: false };
    case "message":
      return { ...base, type: "message", repeated: false, message: field.message.typeName };
    case "list":
      if (field.listKind === "message") {
        return { ...base, type: "message", repeated: true, message: field.message.typeName };
      }
      return { ...base, type: field.listKind === "enum" ? "enum" : scalarName(field.scalar), repeated: true };
    case "map":
      return { ...base, type: "map", repeated: false, mapKey: scalarName(field.mapKey), ...describeMapValue(field) };
  }
}

function describeMapValue(field: DescField & { fieldKind: "map" }): { mapValue: string; message?: string } {
  if (field.mapKind === "message") return { mapValue: "message", message: field.message.typeName };
  return { mapValue: field.mapKind === "enum" ? "enum" : scalarName(field.scalar) };
}

const header = `// Generated from the .proto files by \`npm run generate\`. Do not edit.
// The messages and their fields as plain data, for readers that check bytes and JSON against the schema.

/** A scalar type of proto3. */
export type ScalarName =
  | "double" | "float" | "int64" | "uint64" | "int32" | "uint32" | "sint32" | "sint64"
  | "fixed32" | "fixed64" | "sfixed32" | "sfixed64" | "bool" | "string" | "bytes";

/** One field: its number, its .proto name, its JSON name, and its type. */
export interface FieldRow {
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  readonly type: ScalarName | "message" | "enum" | "map";
  readonly repeated: boolean;
  /** Full name of the message type, of a map's values too. */
  readonly message?: string;
  readonly mapKey?: ScalarName;
  readonly mapValue?: ScalarName | "message" | "enum";
}

/** One message and its fields, ordered by number. */
export interface MessageRow {
  readonly name: string;
  readonly fields: readonly FieldRow[];
}

/** Every message, by full name. */
export const schemaTable: Record<string, MessageRow> = {
`;

/** The source text of gen/messages/schema.ts. */
export function renderSchemaTable(registry: FileRegistry): string {
  const rows = collectMessages(registry).map(({ name, fields }) => {
    const lines = fields.map((field) => `\n      ${renderField(field)},`).join("");
    return `  "${name}": {\n    name: "${name}",\n    fields: [${lines === "" ? "" : `${lines}\n    `}],\n  },\n`;
  });
  return `${header}${rows.join("")}};\n`;
}

function renderField(field: TableField): string {
  const parts = Object.entries(field).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `{ ${parts.join(", ")} }`;
}
