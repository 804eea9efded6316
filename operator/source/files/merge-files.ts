// All files of a folder -> the objects in force: a broken file keeps what it held, an object belongs to one file only.
import type { FileStatus } from "../../status-document.ts";
import { type Chance, type FileIdentity, identityKey, nextIdentity } from "./identity.ts";
import { type LoadedFile, type LoadedObject, objectId, toFileProblem } from "./load-file.ts";

/** What is known of one file: what it says now, and what it said when it was last in order. */
export interface FileView {
  readonly loaded: LoadedFile;
  /** Undefined when it was never in order since this process started. */
  readonly lastGood: LoadedFile | undefined;
}

export interface MergedObject {
  readonly identity: FileIdentity;
  /** Undefined for an object whose file is broken since before this process started. */
  readonly loaded: LoadedObject | undefined;
}

export interface MergedFiles {
  readonly objects: ReadonlyMap<string, MergedObject>;
  readonly files: readonly FileStatus[];
}

/**
 * Merges the files, by name. Identities are those of the last merge (or of the last run): an object that is in none of the
 * files any more is gone, and coming back it is a new one. Where two files have the same object, the one that had it stays
 * its owner, and the other has a problem. `isHidden` tells of a file that it cannot be seen: what it held stays.
 */
export function mergeFiles(
  views: ReadonlyMap<string, FileView>,
  before: ReadonlyMap<string, FileIdentity>,
  chance: Chance,
  isHidden: (file: string) => boolean = () => false,
): MergedFiles {
  const files = [...views.keys()].sort();
  const claims = claimObjects(files, views, before, isHidden);
  const objects = new Map<string, MergedObject>();
  const problems = new Map(files.map((file) => [file, [...(views.get(file)?.loaded.problems ?? [])]]));
  for (const [key, { owner, loaded, rivals }] of claims) {
    const known = before.get(key);
    if (loaded === undefined) {
      if (known !== undefined) objects.set(key, { identity: known, loaded });
    } else {
      const { kind, meta } = loaded.object;
      const identity = nextIdentity(known, { kind, meta, spec: loaded.spec, file: owner }, chance);
      objects.set(key, { identity, loaded });
    }
    for (const rival of rivals) {
      const message = `${objectId(rival.object)} stands in ${owner} already; remove one of the two`;
      const problem = toFileProblem(rival.origin, { path: "metadata.name", rule: "duplicate_object", message });
      problems.get(rival.origin.file)?.push(problem);
    }
  }
  return { objects, files: files.map((file) => ({ file, problems: problems.get(file) ?? [] })) };
}

interface Claim {
  owner: string;
  loaded: LoadedObject | undefined;
  readonly rivals: LoadedObject[];
}

function claimObjects(
  files: readonly string[],
  views: ReadonlyMap<string, FileView>,
  before: ReadonlyMap<string, FileIdentity>,
  isHidden: (file: string) => boolean,
): Map<string, Claim> {
  const claims = new Map<string, Claim>();
  for (const file of files) {
    const view = views.get(file);
    if (view === undefined) continue;
    for (const loaded of inForce(view)) claimObject(claims, before, file, loaded);
  }
  // A file that is broken or out of sight since before this process started: its objects are known only by their identities.
  for (const [key, identity] of before) {
    const view = views.get(identity.file);
    const isBroken = view !== undefined && view.loaded.problems.length > 0 && view.lastGood === undefined;
    const isUnread = isBroken || (view === undefined && isHidden(identity.file));
    if (isUnread && !claims.has(key)) claims.set(key, { owner: identity.file, loaded: undefined, rivals: [] });
  }
  return claims;
}

function inForce(view: FileView): readonly LoadedObject[] {
  if (view.loaded.problems.length === 0) return view.loaded.objects;
  return view.lastGood?.objects ?? [];
}

function claimObject(
  claims: Map<string, Claim>,
  before: ReadonlyMap<string, FileIdentity>,
  file: string,
  loaded: LoadedObject,
): void {
  const key = identityKey(loaded.object);
  const standing = claims.get(key);
  if (standing === undefined) {
    claims.set(key, { owner: file, loaded, rivals: [] });
  } else if (before.get(key)?.file === file && standing.loaded !== undefined) {
    standing.rivals.push(standing.loaded);
    standing.owner = file;
    standing.loaded = loaded;
  } else {
    standing.rivals.push(loaded);
  }
}
