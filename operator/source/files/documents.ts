// Text of a YAML or JSON file -> its documents as plain data, each with the means to say where something stands in it.
import { type Document, isMap, isNode, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { reasonOf } from "../../../runtime/errors.ts";
import type { SourcePosition } from "../../interfaces.ts";
import type { FileProblem } from "../../status-document.ts";
import { locatePath, positionOf } from "./path-position.ts";

/** A document that could be read. A `kind: List` counts as the documents in it. */
export interface SourceDocument {
  readonly value: unknown;
  locate(path: string, rule?: string): SourcePosition;
}

export interface ReadDocuments {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly FileProblem[];
}

/** Documents of one file that are read. */
export const MAX_DOCUMENTS_PER_FILE = 10_000;
/** Problems of one file that are listed. */
export const MAX_PROBLEMS_PER_FILE = 100;
/** Aliases that one document may resolve: against texts that blow up when they are read. */
const MAX_ALIASES = 100;
/** Nesting of a document; an object needs less than ten. */
const MAX_DEPTH = 64;

/** Reads every document of a text. JSON is read as the YAML that it is, so that its problems have positions too. */
export function readDocuments(text: string, file: string): ReadDocuments {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const documents: SourceDocument[] = [];
  const problems: FileProblem[] = [];
  // An empty text gives no list but an object that says so.
  const list: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : [];
  for (const document of list.slice(0, MAX_DOCUMENTS_PER_FILE))
    readDocument(document, file, lines, documents, problems);
  if (list.length > MAX_DOCUMENTS_PER_FILE) {
    const message = `holds ${list.length} documents, at most ${MAX_DOCUMENTS_PER_FILE} are read; split the file`;
    problems.push({ file, line: 1, column: 1, path: "", rule: "too_many_documents", message });
  }
  return { documents, problems: problems.slice(0, MAX_PROBLEMS_PER_FILE) };
}

function readDocument(
  document: Document.Parsed,
  file: string,
  lines: LineCounter,
  documents: SourceDocument[],
  problems: FileProblem[],
): void {
  for (const error of document.errors) {
    const place = positionOf(error.pos[0], lines);
    problems.push({ file, ...place, path: "", rule: "yaml_syntax", message: error.message });
  }
  const root = document.contents;
  if (document.errors.length > 0 || root === null) return;
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (isDeeperThan(value, MAX_DEPTH)) throw new RangeError(`is nested deeper than ${MAX_DEPTH}`);
    if (value === null || value === undefined) return;
    documents.push(...(listItems(root, value, lines) ?? [toDocument(root, value, lines)]));
  } catch (error) {
    const place = positionOf(root.range[0], lines);
    problems.push({ file, ...place, path: "", rule: "yaml_content", message: reasonOf(error) });
  }
}

function toDocument(root: Node, value: unknown, lines: LineCounter): SourceDocument {
  return { value, locate: (path, rule) => locatePath(root, path, rule, lines) };
}

/** The items of a `kind: List`, as `kubectl get -o yaml` writes it. */
function listItems(root: Node, value: unknown, lines: LineCounter): SourceDocument[] | undefined {
  if (!isListValue(value) || !isMap(root)) return undefined;
  const items = root.get("items", true);
  if (!isSeq(items)) return undefined;
  return value.items.map((item, index) => {
    const node = items.items[index];
    return toDocument(isNode(node) ? node : root, item, lines);
  });
}

function isListValue(value: unknown): value is { readonly items: readonly unknown[] } {
  if (typeof value !== "object" || value === null) return false;
  return "kind" in value && value.kind === "List" && "items" in value && Array.isArray(value.items);
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return depth === 0 || Object.values(value).some((item) => isDeeperThan(item, depth - 1));
}
