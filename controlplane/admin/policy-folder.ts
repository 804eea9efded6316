// The policies folder of one machine: what all of its files hold, and the files of this API among them.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import type { PolicyManifest } from "../../core/admin/to-object.ts";
import { parseObject } from "../../core/policy/parse.ts";
import type { BeamlineObject } from "../../core/policy/spec.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import { ANY_ROUTER } from "./stored-policy.ts";

/** An object as it stands in a file. */
export interface FiledObject {
  readonly object: BeamlineObject;
  readonly raw: unknown;
  /** Relative to the folder, with `/`. */
  readonly file: string;
}

/** Where this API keeps its files, below the policies folder: one a policy. */
const OWN_FOLDER = "router-admin";
/** Begins every file that this API wrote; no other file is changed. */
const MARK = "# Written by RouterAdmin (beamline-admin):";
const MARK_LINE = `${MARK} UpsertPolicy replaces this file. Without this line it is left alone.\n`;
const EXTENSIONS = new Set([".yaml", ".yml", ".json"]);
const DEFAULT_NAMESPACE = "default";
const MAX_FILES = 2_000;
const MAX_DEPTH = 16;
const MAX_FILE_BYTES = 4_194_304;

export class PolicyFolder {
  private readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  fileOf({ namespace, name }: PolicyManifest["metadata"]): string {
    return `${OWN_FOLDER}/${namespace}/${name}.yaml`;
  }

  /** Every object that can be read; what cannot is for the operator to report. Throws when the folder itself cannot be read. */
  async read(): Promise<readonly FiledObject[]> {
    const objects: FiledObject[] = [];
    for (const file of await this.list(this.root, 0, [])) objects.push(...readObjects(file, await this.text(file)));
    return objects;
  }

  /** Whether this API wrote the file; undefined when there is none. */
  async isOwn(file: string): Promise<boolean | undefined> {
    const text = await this.text(file);
    return text === undefined ? undefined : text.startsWith(MARK);
  }

  /** A reader sees the file before or the one after, never half of one. Resolves to whether it says something else now. */
  async write(manifest: PolicyManifest): Promise<boolean> {
    const file = this.fileOf(manifest.metadata);
    const path = join(this.root, file);
    const text = MARK_LINE + stringify(manifest);
    if ((await this.text(file)) === text) return false;
    // A name that readers of the folder do not take for a policy.
    const temporary = `${path}.${process.pid}.new`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(temporary, text, { flush: true });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw unwritable(path, error);
    }
    return true;
  }

  async remove(file: string): Promise<void> {
    const path = join(this.root, file);
    await rm(path).catch((error: unknown) => {
      throw unwritable(path, error);
    });
  }

  private async list(folder: string, depth: number, found: string[]): Promise<readonly string[]> {
    for (const name of (await this.names(folder)).sort()) {
      const path = join(folder, name);
      const stats = name.startsWith(".") ? undefined : await stat(path).catch(() => undefined);
      if (stats?.isDirectory() && depth < MAX_DEPTH) await this.list(path, depth + 1, found);
      if (!stats?.isFile() || !EXTENSIONS.has(extname(name)) || stats.size > MAX_FILE_BYTES) continue;
      found.push(relative(this.root, path));
      if (found.length <= MAX_FILES) continue;
      throw new BeamlineError("UNAVAILABLE", `folder ${this.root} holds more than ${MAX_FILES} files of policies`);
    }
    return found;
  }

  private async names(folder: string): Promise<string[]> {
    try {
      return await readdir(folder);
    } catch (error) {
      if (folder !== this.root) return [];
      throw new BeamlineError("UNAVAILABLE", `cannot read the policies folder ${folder}: ${reasonOf(error)}`, {
        hint: "Set BEAMLINE_CONTROLPLANE_POLICIES_DIR to the folder of the operator.",
        cause: error,
      });
    }
  }

  /** Undefined when there is no such file; one that cannot be read is not taken for one that is not there. */
  private async text(file: string): Promise<string | undefined> {
    const path = join(this.root, file);
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw new BeamlineError("UNAVAILABLE", `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
    }
  }
}

/** What cannot be read is left out: the operator reports it. */
function readObjects(file: string, text: string | undefined): readonly FiledObject[] {
  const documents = text === undefined ? [] : parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document): readonly FiledObject[] => {
    const raw = document.errors.length > 0 ? undefined : toValue(document);
    const parsed = parseObject(raw, { namespace: DEFAULT_NAMESPACE, routerRef: ANY_ROUTER });
    return parsed.ok ? [{ object: parsed.value, raw, file }] : [];
  });
}

/** Undefined for aliases that multiply without end, which the library refuses by throwing. */
function toValue(document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function unwritable(path: string, error: unknown): BeamlineError {
  return new BeamlineError("STORAGE_READ_ONLY", `cannot write ${path}: ${reasonOf(error)}`, {
    hint: "Give the control plane the right to write the policies folder.",
    cause: error,
  });
}
