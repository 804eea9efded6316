// Tables of the protobuf messages, from the descriptors.
import type { FieldSchema } from "../../core/schema/schema.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { code, table } from "./markdown.ts";

function typeName(field: FieldSchema): string {
  const target = field.message?.split(".").at(-1);
  if (field.type === "map") return `map<${field.mapKey ?? "string"}, ${target ?? field.mapValue ?? "?"}>`;
  return `${field.repeated ? "repeated " : ""}${target ?? field.type}`;
}

/** All fields of one message by its full name. Throws when the descriptors have no such message. */
export function messageTable(name: string): string {
  const message = (schemaTable as Readonly<Record<string, { readonly fields: readonly FieldSchema[] }>>)[name];
  if (message === undefined) throw new Error(`the descriptors have no message ${name}`);
  return table(
    ["Number", "Name", "JSON name", "Type"],
    message.fields.map((field) => [String(field.number), code(field.name), code(field.jsonName), typeName(field)]),
  );
}
