// Policy files named on a command line -> their objects, compiled together as a router would, and every finding with its place.
import { readFile, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { compileTable } from "../core/policy/compile.ts";
import type { CompileProblem } from "../core/policy/compile-problem.ts";
import { listPartiallySupported } from "../core/policy/partially-supported.ts";
import type { SpecProblem } from "../core/policy/spec.ts";
import type { RoutingTable } from "../core/policy/table.ts";
import { type LoadedObject, loadFile, objectId, toFileProblem } from "../operator/source/files/load-file.ts";
import { MAX_FILES, scanFolder } from "../operator/source/files/scan-folder.ts";
import type { FileProblem } from "../operator/status-document.ts";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";

export interface PolicyFiles {
  readonly files: readonly string[];
  readonly objectCount: number;
  readonly policyCount: number;
  readonly table: RoutingTable;
  /** What keeps an object or a reference out of force. */
  readonly problems: readonly FileProblem[];
  /** What works, but may not be meant: providers without an object, fields without effect. */
  readonly warnings: readonly FileProblem[];
}

/** Reads files and folders (with the folders in them). Throws INPUT_MISSING for one that cannot be read. */
export async function readPolicyFiles(paths: readonly string[], cwd: string): Promise<PolicyFiles> {
  const files = await listFiles(paths, cwd);
  const loaded = await Promise.all(files.map(async (file) => loadFile(await readText(resolve(cwd, file)), file)));
  const problems = loaded.flatMap((file) => file.problems);
  const objects = new Map<string, LoadedObject>();
  for (const object of loaded.flatMap((file) => file.objects)) {
    const id = objectId(object.object);
    const first = objects.get(id);
    if (first === undefined) objects.set(id, object);
    else problems.push(duplicateProblem(id, first, object));
  }
  const compiled = compileTable([...objects.values()].map(({ object }) => object));
  for (const problem of compiled.problems) problems.push(locateProblem(problem, objects));
  const warnings = [...objects.values()].flatMap((loadedObject) => [
    ...implicitProviderWarnings(loadedObject, compiled.implicitProviders),
    ...partialSupportWarnings(loadedObject),
  ]);
  const { table } = compiled;
  const inOrder = (list: readonly FileProblem[]): readonly FileProblem[] => list.toSorted(comparePlaces);
  return {
    files,
    objectCount: objects.size,
    policyCount: table.policyCount,
    table,
    problems: inOrder(problems),
    warnings: inOrder(warnings),
  };
}

/** Relative to `cwd`, in the order given, each once. */
async function listFiles(paths: readonly string[], cwd: string): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const absolute = resolve(cwd, path);
    const found = await stat(absolute).catch((error: unknown) => {
      const hint = "Name YAML or JSON files, or folders that hold some.";
      throw new BeamlineError("INPUT_MISSING", `${path} cannot be read: ${reasonOf(error)}`, { hint, cause: error });
    });
    const names = found.isDirectory()
      ? [...(await scanFolder(absolute)).keys()].map((name) => join(absolute, name))
      : [absolute];
    for (const name of names) files.add(relative(cwd, name));
  }
  if (files.size > MAX_FILES)
    throw new BeamlineError("INPUT_INVALID", `${files.size} files are named; at most ${MAX_FILES} are read`);
  return [...files];
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new BeamlineError("INPUT_MISSING", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function duplicateProblem(id: string, first: LoadedObject, second: LoadedObject): FileProblem {
  const message = `${id} stands in ${first.origin.file} already; remove one of the two`;
  return toFileProblem(second.origin, { path: "metadata.name", rule: "duplicate_object", message });
}

/** Problems of compiling are about objects by name; these came from files. */
function locateProblem(problem: CompileProblem, objects: ReadonlyMap<string, LoadedObject>): FileProblem {
  const { kind, namespace, name, reason, message, path = "metadata.name" } = problem;
  const id = kind === "Tenant" || namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
  const holder = objects.get(id);
  if (holder === undefined) throw new Error(`a problem of ${id}, which was not compiled`);
  return toFileProblem(holder.origin, { path, rule: reason, message });
}

function implicitProviderWarnings(
  { object, origin }: LoadedObject,
  implicit: ReadonlyMap<string, readonly string[]>,
): readonly FileProblem[] {
  if (object.kind !== "RoutingPolicy") return [];
  const names = implicit.get(`${object.meta.namespace}/${object.meta.name}`) ?? [];
  return names.map((name) => {
    const index = object.spec.providers.findIndex((provider) => provider.name === name);
    const message = "no Provider object has this name, so defaults hold; a misspelt name looks the same";
    const problem: SpecProblem = {
      path: `spec.providers[${index}].name`,
      rule: "ImplicitProviders",
      message,
      value: JSON.stringify(name),
    };
    return toFileProblem(origin, problem);
  });
}

function partialSupportWarnings({ object, origin }: LoadedObject): readonly FileProblem[] {
  const message = "accepted, but has no effect in this version";
  return listPartiallySupported(object).map((path) =>
    toFileProblem(origin, { path, rule: "PartiallySupported", message }),
  );
}

function comparePlaces(left: FileProblem, right: FileProblem): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column;
}
