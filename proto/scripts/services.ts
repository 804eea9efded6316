// Makes gen/grpc from what ts-proto wrote there: the services alone, on the messages of gen/messages.

import { posix } from "node:path";
import type { DescFile, DescMessage } from "@bufbuild/protobuf";

const grpcImport = /^import \{?[^;]*\} from "@grpc\/grpc-js";$/m;
/** ts-proto writes the services of a file after its messages; the first one begins with its comment. */
const firstService = /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?export type \w+Service = typeof \w+Service;$/m;

/**
 * The text of gen/grpc/<path of the .proto file>.ts, or undefined for a file without services. `generated` is ts-proto's text
 * for the same file. Throws an Error when that text is not laid out as this expects: then ts-proto has changed.
 */
export function renderServices(file: DescFile, generated: string): string | undefined {
  if (file.services.length === 0) return undefined;
  const imported = grpcImport.exec(generated)?.[0];
  const begin = firstService.exec(generated)?.index;
  if (imported === undefined || begin === undefined)
    throw new Error(`ts-proto wrote no grpc-js services for ${file.name}.proto`);
  const header = [
    "// Generated from the .proto files by `npm run generate`. Do not edit.",
    `// The services of ${file.name}.proto for grpc-js.`,
    "",
    imported,
    ...messageImports(file),
  ];
  return `${header.join("\n")}\n\n${generated.slice(begin)}`;
}

function messageImports(file: DescFile): string[] {
  const names = new Map<string, Set<string>>();
  for (const { input, output } of file.services.flatMap((service) => service.methods)) {
    for (const message of [input, output]) {
      const path = `${posix.relative(posix.dirname(file.name), ".") || "."}/../messages/${message.file.name}.ts`;
      names.set(path, (names.get(path) ?? new Set()).add(typeScriptName(message)));
    }
  }
  return [...names]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(
      ([path, types]) =>
        `import {\n${[...types]
          .toSorted()
          .map((name) => `  ${name},\n`)
          .join("")}} from "${path}";`,
    );
}

/** ts-proto joins the names of nested messages. */
function typeScriptName(message: DescMessage): string {
  return message.parent === undefined ? message.name : `${typeScriptName(message.parent)}_${message.name}`;
}
