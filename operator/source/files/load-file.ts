// One file's text -> the objects in it, valid by schema, or every problem with its line and column.
import type { RouterKey } from "../../../core/config/entry.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import type { BeamlineObject, SpecProblem } from "../../../core/policy/spec.ts";
import type { ObjectOrigin } from "../../interfaces.ts";
import type { FileProblem } from "../../status-document.ts";
import { MAX_PROBLEMS_PER_FILE, readDocuments, type SourceDocument } from "./documents.ts";

/** An object as a file has it; its uid, generation and creation time are not known yet. */
export interface LoadedObject {
  readonly object: BeamlineObject;
  /** `spec` as the user wrote it. */
  readonly spec: unknown;
  readonly origin: ObjectOrigin;
}

export interface LoadedFile {
  readonly file: string;
  /** Those that are valid, whatever the problems are with others. */
  readonly objects: readonly LoadedObject[];
  readonly problems: readonly FileProblem[];
}

/** Namespace of objects that name none, as kubectl has it. */
export const DEFAULT_NAMESPACE = "default";
/** The installation's Router, which policies without a routerRef belong to. */
export const DEFAULT_ROUTER: RouterKey = { namespace: "beamline-system", name: "default" };
/** Kinds of Kubernetes that a folder may hold beside ours: they mean nothing on one machine. */
const ACCEPTED_KINDS: ReadonlySet<string> = new Set(["Namespace"]);

/**
 * Reads the text of one file: several documents, any order, `kind: Namespace` accepted, no namespace = `default`. The same
 * object twice is a problem. Nothing is compiled here: what objects mean together is not a matter of one file.
 */
export function loadFile(text: string, file: string, router: RouterKey = DEFAULT_ROUTER): LoadedFile {
  if (text.trim() === "") return { file, objects: [], problems: [emptyFile(file)] };
  const { documents, problems } = readDocuments(text, file);
  const found = [...problems];
  const objects: LoadedObject[] = [];
  const seen = new Map<string, number>();
  for (const document of documents) {
    if (isAcceptedKind(document.value)) continue;
    const origin: ObjectOrigin = { file, locate: document.locate };
    const parsed = parseObject(document.value, { namespace: DEFAULT_NAMESPACE, routerRef: router });
    if (!parsed.ok) {
      found.push(...parsed.error.map((problem) => toFileProblem(origin, problem)));
      continue;
    }
    const id = objectId(parsed.value);
    const before = seen.get(id);
    if (before !== undefined) {
      const message = `${id} stands in this file already, at line ${before}`;
      found.push(toFileProblem(origin, { path: "metadata.name", rule: "duplicate_object", message }));
      continue;
    }
    seen.set(id, origin.locate("").line);
    objects.push({ object: parsed.value, spec: specOf(document), origin });
  }
  return { file, objects, problems: found.slice(0, MAX_PROBLEMS_PER_FILE) };
}

/** `RoutingPolicy demo/chat`, `Tenant demo`: what names an object to a person, and keys it. */
export function objectId({ kind, meta }: Pick<BeamlineObject, "kind" | "meta">): string {
  return meta.namespace === "" || kind === "Tenant" ? `${kind} ${meta.name}` : `${kind} ${meta.namespace}/${meta.name}`;
}

/** A problem of an object with the place where it stands. */
export function toFileProblem(origin: ObjectOrigin, problem: SpecProblem): FileProblem {
  return { file: origin.file, ...origin.locate(problem.path, problem.rule), ...problem };
}

/** An editor that writes in place empties the file first, so an empty file must not mean "remove everything". */
function emptyFile(file: string): FileProblem {
  const message = "the file is empty; remove it to remove what it held";
  return { file, line: 1, column: 1, path: "", rule: "empty_file", message };
}

function isAcceptedKind(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return typeof value.kind === "string" && ACCEPTED_KINDS.has(value.kind);
}

function specOf(document: SourceDocument): unknown {
  const { value } = document;
  return typeof value === "object" && value !== null && "spec" in value ? value.spec : {};
}
