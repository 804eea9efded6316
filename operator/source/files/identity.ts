// The identity of objects that come from files, which no API server keeps: uid, generation, creation time, and the last spec.
import { canonicalJson } from "../../../core/config/canonical-json.ts";
import { parseJsonRecord } from "../../../core/config/head.ts";
import { FILE_OBJECT_PREFIX, fileObjectKey } from "../../../core/config/keys.ts";
import type { ObjectKind, ObjectMeta } from "../../../core/policy/spec.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

/** What is kept of one object, in the configuration bucket under `fileObjectKey`. */
export interface FileIdentity {
  readonly kind: ObjectKind;
  readonly meta: ObjectMeta;
  readonly spec: unknown;
  /** File that it came from: while that file is broken, the object stays. */
  readonly file: string;
}

const KINDS: ReadonlySet<string> = new Set([
  "RoutingPolicy",
  "Provider",
  "Tenant",
  "Router",
  "Pipeline",
] satisfies ObjectKind[]);

export function identityKey({ kind, meta }: Pick<FileIdentity, "kind" | "meta">): string {
  return fileObjectKey({ kind, namespace: meta.namespace, name: meta.name });
}

export interface Chance {
  newUid(): string;
  nowMs(): number;
}

/**
 * Identity of an object as it stands now: the one before when the spec is the same, a generation more when it is not, and
 * a new uid when there was none. Written differently but meaning the same JSON is the same spec.
 */
export function nextIdentity(
  before: FileIdentity | undefined,
  now: Pick<FileIdentity, "kind" | "spec" | "file"> & { readonly meta: Pick<ObjectMeta, "namespace" | "name"> },
  chance: Chance,
): FileIdentity {
  const { namespace, name } = now.meta;
  const { kind, spec, file } = now;
  if (before === undefined) {
    return {
      kind,
      spec,
      file,
      meta: { namespace, name, uid: chance.newUid(), generation: 1, creationMs: chance.nowMs() },
    };
  }
  if (before.spec === spec && before.file === file) return before;
  const changed = canonicalJson(before.spec) !== canonicalJson(spec);
  const generation = changed ? before.meta.generation + 1 : before.meta.generation;
  return { kind, spec, file, meta: { ...before.meta, generation } };
}

const encodings = new WeakMap<FileIdentity, Uint8Array>();

/** Encoded once: each change of a folder asks for the identities of all that is in it. */
export function encodeIdentity(identity: FileIdentity): Uint8Array {
  const known = encodings.get(identity);
  if (known !== undefined) return known;
  const encoded = nodeCodec.encodeUtf8(canonicalJson(identity));
  encodings.set(identity, encoded);
  return encoded;
}

/** The identities among these records. One that cannot be read is left out: its object is then a new one. */
export function parseIdentities(records: ReadonlyMap<string, Uint8Array>): Map<string, FileIdentity> {
  const identities = new Map<string, FileIdentity>();
  for (const [key, value] of records) {
    if (!key.startsWith(`${FILE_OBJECT_PREFIX}.`)) continue;
    const identity = parseIdentity(value);
    if (identity !== undefined && identityKey(identity) === key) identities.set(key, identity);
  }
  return identities;
}

function parseIdentity(value: Uint8Array): FileIdentity | undefined {
  const record = parseJsonRecord(nodeCodec, value);
  if (record === undefined) return undefined;
  const { kind, meta, spec, file } = record;
  if (typeof kind !== "string" || !KINDS.has(kind) || typeof file !== "string" || !isMeta(meta)) return undefined;
  return { kind: kind as ObjectKind, meta, spec, file };
}

function isMeta(value: unknown): value is ObjectMeta {
  if (typeof value !== "object" || value === null) return false;
  const { namespace, name, uid, generation, creationMs } = value as Record<string, unknown>;
  if (typeof namespace !== "string" || typeof name !== "string" || typeof uid !== "string") return false;
  return Number.isSafeInteger(generation) && Number.isSafeInteger(creationMs);
}
