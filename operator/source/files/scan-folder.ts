// What stands in a folder of policies: every YAML and JSON file below it, with what tells a changed one from the same one.
import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { BeamlineError, reasonOf } from "../../../runtime/errors.ts";

/** What changes when a file changes, whichever way an editor writes it. */
export interface FileStamp {
  readonly size: number;
  readonly modifiedMs: number;
  readonly inode: number;
}

/** Files that are read; more is refused with an error rather than half done. */
export const MAX_FILES = 10_000;
/** Folders below folders. */
export const MAX_FOLDER_DEPTH = 16;
/** A larger file is not configuration. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const EXTENSIONS: ReadonlySet<string> = new Set([".yaml", ".yml", ".json"]);

/** A folder or file below the root that could not be looked at: nothing is known of what is in it. */
export interface UnreadablePath {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly reason: string;
}

export interface FolderLook {
  /** By path relative to the root with `/`. */
  readonly stamps: ReadonlyMap<string, FileStamp>;
  readonly unreadable: readonly UnreadablePath[];
  /** Another text when another folder stands in the root's place, such as that under a volume that was unmounted. */
  readonly identity: string;
}

/**
 * Looks at all files below `root`. Hidden files and folders are left out (editors keep theirs there, and mounted ConfigMaps
 * their versions). Throws INPUT_MISSING when `root` itself cannot be read, INPUT_INVALID when there are too many files.
 */
export async function lookAtFolder(root: string): Promise<FolderLook> {
  const scan: Scan = { root, stamps: new Map(), unreadable: [] };
  const { dev, ino } = await statRoot(root);
  await scanInto(scan, root, 0);
  return { stamps: scan.stamps, unreadable: scan.unreadable, identity: `${dev}:${ino}` };
}

/** The stamps that `lookAtFolder` finds. Throws what it throws, and INPUT_MISSING for anything below that cannot be read. */
export async function scanFolder(root: string): Promise<ReadonlyMap<string, FileStamp>> {
  const { stamps, unreadable } = await lookAtFolder(root);
  const [first] = unreadable;
  if (first === undefined) return stamps;
  throw new BeamlineError("INPUT_MISSING", `${join(root, first.path)} cannot be read: ${first.reason}`);
}

interface Scan {
  readonly root: string;
  readonly stamps: Map<string, FileStamp>;
  readonly unreadable: UnreadablePath[];
}

export function sameStamp(left: FileStamp | undefined, right: FileStamp | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.size === right.size && left.modifiedMs === right.modifiedMs && left.inode === right.inode;
}

async function scanInto(scan: Scan, folder: string, depth: number): Promise<void> {
  for (const name of await listFolder(scan, folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const found = await statIfReadable(scan, path);
    if (found?.isDirectory() && depth < MAX_FOLDER_DEPTH) await scanInto(scan, path, depth + 1);
    if (!found?.isFile() || !EXTENSIONS.has(extname(name))) continue;
    if (scan.stamps.size >= MAX_FILES) {
      throw new BeamlineError("INPUT_INVALID", `folder ${scan.root} holds more than ${MAX_FILES} YAML and JSON files`, {
        hint: "Name a folder that holds policies only.",
      });
    }
    scan.stamps.set(relativePath(scan, path), { size: found.size, modifiedMs: found.mtimeMs, inode: found.ino });
  }
}

async function statRoot(root: string): Promise<Stats> {
  try {
    return await stat(root);
  } catch (error) {
    throw rootMissing(root, error);
  }
}

async function listFolder(scan: Scan, folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (folder === scan.root) throw rootMissing(folder, error);
    // A folder below may go while we look.
    if (!isGone(error)) scan.unreadable.push({ path: relativePath(scan, folder), reason: reasonOf(error) });
    return [];
  }
}

async function statIfReadable(scan: Scan, path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (!isGone(error)) scan.unreadable.push({ path: relativePath(scan, path), reason: reasonOf(error) });
    return undefined;
  }
}

function relativePath({ root }: Scan, path: string): string {
  return relative(root, path).replaceAll(sep, "/");
}

function rootMissing(root: string, error: unknown): BeamlineError {
  return new BeamlineError("INPUT_MISSING", `folder ${root} cannot be read: ${reasonOf(error)}`, {
    hint: "Name a folder with YAML files of RoutingPolicy, Provider and Tenant objects.",
    cause: error,
  });
}

/** Whether a file or folder vanished between two looks; links that lead nowhere count as gone. */
export function isGone(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}
