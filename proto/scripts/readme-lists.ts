// Writes the lists of methods and messages in proto/README.md from the descriptors, between markers.

import type { DescService, FileRegistry } from "@bufbuild/protobuf";
import { collectMessages, type TableField } from "./schema-table.ts";

const beginMarker = "<!-- generated from the .proto files: begin -->";
const endMarker = "<!-- generated from the .proto files: end -->";

/** Replaces what stands between the markers of `readme`; throws an Error when a marker is missing. */
export function updateReadme(readme: string, registry: FileRegistry): string {
  const begin = readme.indexOf(beginMarker);
  const end = readme.indexOf(endMarker);
  if (begin < 0 || end < begin) throw new Error(`README.md must contain "${beginMarker}" before "${endMarker}"`);
  const tables = [renderServices(registry), renderMessages(registry)].join("\n");
  return `${readme.slice(0, begin + beginMarker.length)}\n\n${tables}\n${readme.slice(end)}`;
}

function renderServices(registry: FileRegistry): string {
  const services = [...registry].filter((type): type is DescService => type.kind === "service");
  services.sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  const methods = services.flatMap((service) =>
    service.methods.map(({ name, methodKind, input, output }) => {
      const takes = methodKind === "bidi_streaming" || methodKind === "client_streaming" ? "stream " : "";
      const answers = methodKind === "bidi_streaming" || methodKind === "server_streaming" ? "stream " : "";
      return `- \`${service.typeName}\` ${name} (${takes}${input.name}) returns (${answers}${output.name})\n`;
    }),
  );
  return `### Methods\n\n${methods.join("")}`;
}

/** A list, not a table: the longest message has 19 fields, and a formatter would pad every row to it. */
function renderMessages(registry: FileRegistry): string {
  const ours = collectMessages(registry).filter((message) => !message.name.startsWith("google."));
  const lines = ours.map(({ name, fields }) => `- \`${name}\`: ${fields.map(renderField).join(", ") || "no fields"}\n`);
  return `### Fields\n\nNumber, name and type of each.\n\n${lines.join("")}`;
}

function renderField(field: TableField): string {
  return `${field.number} \`${field.name}\` ${renderType(field)}`;
}

function renderType(field: TableField): string {
  const target = field.message?.slice(field.message.lastIndexOf(".") + 1);
  if (field.type === "map") return `map of ${field.mapKey} to ${target ?? field.mapValue}`;
  return `${field.repeated ? "repeated " : ""}${target ?? field.type}`;
}
