// The status document as a file: replaced whole, so that a reader never sees half of one, and read back at the next start.
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Condition, isCondition } from "../../../core/reconcile/conditions.ts";
import { BeamlineError, reasonOf } from "../../../runtime/errors.ts";
import type { StatusDocument } from "../../status-document.ts";
import { isGone } from "./scan-folder.ts";

export const STATUS_FILE = "status.json";

/** Throws STORAGE_FULL, STORAGE_READ_ONLY or PERMISSION_DENIED. */
export async function writeStatusFile(stateDir: string, document: StatusDocument): Promise<void> {
  const path = join(stateDir, STATUS_FILE);
  const next = `${path}.next`;
  try {
    await mkdir(stateDir, { recursive: true });
    const file = await open(next, "w", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(document, undefined, 2)}\n`);
    } finally {
      await file.close();
    }
    await rename(next, path);
  } catch (error) {
    throw storageError("status", path, error);
  }
}

/** Conditions by `<kind>/<namespace>/<name>` of the last status written here; empty when there is none that can be read. */
export async function readConditions(stateDir: string): Promise<Map<string, readonly Condition[]>> {
  const conditions = new Map<string, readonly Condition[]>();
  const document = await readDocument(join(stateDir, STATUS_FILE));
  for (const [kind, field] of LISTS) {
    for (const object of asList(document[field])) {
      const { namespace, name, conditions: list } = asRecord(object);
      if (typeof namespace !== "string" || typeof name !== "string") continue;
      conditions.set(conditionsKey(kind, { namespace, name }), asList(list).filter(isCondition));
    }
  }
  return conditions;
}

const LISTS = [
  ["RoutingPolicy", "policies"],
  ["Provider", "providers"],
  ["Tenant", "tenants"],
  ["Pipeline", "pipelines"],
] as const satisfies readonly (readonly [string, keyof StatusDocument])[];

export function conditionsKey(
  kind: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  return `${kind}/${namespace}/${name}`;
}

/** The file lies open to other programs: whatever JSON it holds, nothing but times of transitions hangs on it. */
async function readDocument(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return asRecord(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    // No status yet, or one cut short by a full disk.
    if (isGone(error) || error instanceof SyntaxError) return {};
    throw new BeamlineError("PERMISSION_DENIED", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The error of a write into the state folder: STORAGE_FULL, STORAGE_READ_ONLY, else PERMISSION_DENIED. */
export function storageError(what: string, path: string, error: unknown): BeamlineError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const message = `${what} cannot be written to ${path}: ${reasonOf(error)}`;
  const cause = { cause: error };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BeamlineError("STORAGE_FULL", message, { hint: "Free space on that disk.", ...cause });
  }
  const hint = "Name a folder that this user can write to.";
  if (code === "EROFS") return new BeamlineError("STORAGE_READ_ONLY", message, { hint, ...cause });
  return new BeamlineError("PERMISSION_DENIED", message, { hint, ...cause });
}
