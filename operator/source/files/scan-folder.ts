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

/**
 * Stamps of all files below `root`, by path relative to it with `/`. Hidden files and folders are left out (editors keep
 * theirs there, and mounted ConfigMaps their versions). Throws INPUT_MISSING when `root` cannot be read, INPUT_INVALID when
 * there are too many files.
 */
export async function scanFolder(root: string): Promise<ReadonlyMap<string, FileStamp>> {
  const stamps = new Map<string, FileStamp>();
  await scanInto(root, root, 0, stamps);
  return stamps;
}

export function sameStamp(left: FileStamp | undefined, right: FileStamp | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return left.size === right.size && left.modifiedMs === right.modifiedMs && left.inode === right.inode;
}

async function scanInto(root: string, folder: string, depth: number, stamps: Map<string, FileStamp>): Promise<void> {
  for (const name of await listFolder(root, folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const found = await statIfThere(path);
    if (found?.isDirectory() && depth < MAX_FOLDER_DEPTH) await scanInto(root, path, depth + 1, stamps);
    if (!found?.isFile() || !EXTENSIONS.has(extname(name))) continue;
    if (stamps.size >= MAX_FILES) {
      throw new BeamlineError("INPUT_INVALID", `folder ${root} holds more than ${MAX_FILES} YAML and JSON files`, {
        hint: "Name a folder that holds policies only.",
      });
    }
    const stamp = { size: found.size, modifiedMs: found.mtimeMs, inode: found.ino };
    stamps.set(relative(root, path).replaceAll(sep, "/"), stamp);
  }
}

async function listFolder(root: string, folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    // A folder below may go while we look; the root may not.
    if (folder !== root && isGone(error)) return [];
    throw new BeamlineError("INPUT_MISSING", `folder ${folder} cannot be read: ${reasonOf(error)}`, {
      hint: "Name a folder with YAML files of RoutingPolicy, Provider and Tenant objects.",
      cause: error,
    });
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw new BeamlineError("INPUT_MISSING", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Whether a file or folder vanished between two looks; links that lead nowhere count as gone. */
export function isGone(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP";
}
