// Values in the buckets `beamline-config` and `beamline-acks`, as plain data (architecture.md "Configuration").
import type { ObjectKind, ObjectMeta } from "../policy/spec.ts";

/** The router whose table a key belongs to. */
export interface RouterKey {
  readonly namespace: string;
  readonly name: string;
}

/** Value of `<ns>.<router>.{policy,provider,pipeline}.<ns>.<name>` and `….tenant.<id>`, JSON. `current` and `lastGood` hold specs. */
export interface ConfigEntry {
  readonly kind: Exclude<ObjectKind, "Router">;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly creationMs: number;
  readonly current: unknown;
  /** The last spec that was Programmed, for a pod that cannot compile `current`. */
  readonly lastGood?: { readonly generation: number; readonly spec: unknown };
}

/** Value of `<ns>.<router>.head`: names exactly one set of entries. */
export interface ConfigHead {
  /** Random, made with the bucket: a new bucket is a new epoch. */
  readonly epoch: string;
  readonly count: number;
  /** Of the set, whatever its order: 64 hexadecimal digits (head.ts). */
  readonly digest: string;
}

/** Value of `<ns>.<router>.<pod>` in `beamline-acks`. */
export interface RouterAck {
  readonly podUid: string;
  readonly version: string;
  readonly epoch: string;
  /** Stream sequence of the head applied; 0 = none. */
  readonly appliedRevision: number;
  /** At most 100; `rejectedCount` counts all. */
  readonly rejected: readonly RejectedEntry[];
  readonly rejectedCount: number;
}

export interface RejectedEntry {
  readonly key: string;
  readonly uid: string;
  readonly generation: number;
  readonly reason: string;
}

/** One entry as staged by a router. */
export interface StagedEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly sequence: number;
}

/** What `ObjectMeta` is for an entry. */
export function entryMeta(entry: ConfigEntry): ObjectMeta {
  const { namespace, name, uid, generation, creationMs } = entry;
  return { namespace, name, uid, generation, creationMs };
}
