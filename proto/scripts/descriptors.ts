// Turns descriptors into the source of gen/descriptors.ts: what a server needs to describe itself to its clients.

import { type FileRegistry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Characters of base64 on a line. */
const lineLength = 120;

/** The source text of gen/descriptors.ts: one FileDescriptorProto a file, imports included, in order of their names. */
export function renderDescriptors(registry: FileRegistry): string {
  const files = [...registry.files]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, proto }) => {
      const bytes = Buffer.from(toBinary(FileDescriptorProtoSchema, { ...proto, sourceCodeInfo: undefined }));
      const lines = bytes.toString("base64").match(new RegExp(`.{1,${lineLength}}`, "g")) ?? [];
      return `  "${name}.proto":\n${lines.map((line) => `    "${line}"`).join(" +\n")},\n`;
    });
  return `// Generated from the .proto files by \`npm run generate\`. Do not edit.

/** The descriptor of each file, imports included, in base64. */
export const fileDescriptors: Readonly<Record<string, string>> = {
${files.join("")}};
`;
}
