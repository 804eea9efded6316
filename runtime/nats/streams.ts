// Streams as plain data: created when they are missing, compared when they are there, never changed.
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import { BeamlineError, reasonOf } from "../errors.ts";

/** What Beamline decides about a stream; absent means the default that is written at the field. */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly description?: string;
  /** limits */
  readonly retention?: "limits" | "interest" | "workqueue";
  /** file */
  readonly storage?: "file" | "memory";
  /** none */
  readonly compression?: "none" | "s2";
  /** 1 */
  readonly replicas?: number;
  /** What gives way at a limit: the oldest message, or the new one (back-pressure). old */
  readonly discard?: "old" | "new";
  /** 0: no limit, as for the next four */
  readonly maxAgeMs?: number;
  readonly maxMessages?: number;
  readonly maxBytes?: number;
  readonly maxMessagesPerSubject?: number;
  readonly maxMessageBytes?: number;
  /** Absent: what the server allows without being told, 1,000. */
  readonly maxConsumers?: number;
  /** How long a message id is remembered. 2 minutes, or maxAgeMs where that is shorter (the server's rule) */
  readonly duplicateWindowMs?: number;
  /** Direct get of a message, which the mux reads with. true */
  readonly allowDirect?: boolean;
  /** false, as for the next five */
  readonly allowRollup?: boolean;
  readonly allowMessageTtl?: boolean;
  readonly allowMessageSchedules?: boolean;
  readonly allowAtomic?: boolean;
  readonly denyDelete?: boolean;
  readonly denyPurge?: boolean;
  /** How long the marker of an expired last message stays; 0: none is written. Needs allowMessageTtl */
  readonly deleteMarkerTtlMs?: number;
}

/** A setting that is not as specified. Reported, never repaired: a change of retention or discard can lose messages. */
export interface StreamDrift {
  readonly field: string;
  readonly have: unknown;
  readonly want: unknown;
}

export type StreamState =
  | { readonly kind: "missing" }
  | { readonly kind: "present"; readonly drift: readonly StreamDrift[]; readonly createdAt: string };

const DEFAULT_DUPLICATE_WINDOW_MS = 120_000;
const NO_LIMIT = -1;

const RETENTION = {
  limits: RetentionPolicy.Limits,
  interest: RetentionPolicy.Interest,
  workqueue: RetentionPolicy.Workqueue,
} as const;

/** JetStream's err_code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10059;
/** JetStream's err_code for more consumers than an account allows, of a stream as of a consumer. */
const TOO_MANY_CONSUMERS = 10026;

export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND;
}

/** The settings that the server is asked for; all of them are compared later, nothing else is. */
export function toStreamConfig(spec: StreamSpec): Partial<StreamConfig> & { name: string } {
  const maxAgeMs = spec.maxAgeMs ?? 0;
  const windowMs = spec.duplicateWindowMs ?? defaultWindowMs(maxAgeMs);
  return {
    name: spec.name,
    subjects: [...spec.subjects],
    ...(spec.description === undefined ? {} : { description: spec.description }),
    retention: RETENTION[spec.retention ?? "limits"],
    storage: spec.storage === "memory" ? StorageType.Memory : StorageType.File,
    compression: spec.compression === "s2" ? StoreCompression.S2 : StoreCompression.None,
    num_replicas: spec.replicas ?? 1,
    discard: spec.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
    max_age: nanos(maxAgeMs),
    max_msgs: spec.maxMessages ?? NO_LIMIT,
    max_bytes: spec.maxBytes ?? NO_LIMIT,
    max_msgs_per_subject: spec.maxMessagesPerSubject ?? NO_LIMIT,
    max_msg_size: spec.maxMessageBytes ?? NO_LIMIT,
    ...(spec.maxConsumers === undefined ? {} : { max_consumers: spec.maxConsumers }),
    duplicate_window: nanos(windowMs),
    allow_direct: spec.allowDirect ?? true,
    allow_rollup_hdrs: spec.allowRollup ?? false,
    allow_msg_ttl: spec.allowMessageTtl ?? false,
    allow_msg_schedules: spec.allowMessageSchedules ?? false,
    // Told only where it is wanted: an older server would refuse the field.
    ...(spec.allowAtomic === true ? { allow_atomic: true } : {}),
    deny_delete: spec.denyDelete ?? false,
    deny_purge: spec.denyPurge ?? false,
    subject_delete_marker_ttl: nanos(spec.deleteMarkerTtlMs ?? 0),
  };
}

function defaultWindowMs(maxAgeMs: number): number {
  return maxAgeMs === 0 ? DEFAULT_DUPLICATE_WINDOW_MS : Math.min(DEFAULT_DUPLICATE_WINDOW_MS, maxAgeMs);
}

/** Creates the stream when it is missing; otherwise as `verifyStream`. Two creators at once both succeed. */
export async function ensureStream(
  jsm: JetStreamManager,
  spec: StreamSpec,
): Promise<{ readonly created: boolean; readonly drift: readonly StreamDrift[]; readonly createdAt: string }> {
  const before = await verifyStream(jsm, spec);
  if (before.kind === "present") return { created: false, drift: before.drift, createdAt: before.createdAt };
  try {
    const info = await addStream(jsm, spec);
    return { created: true, drift: compareStream(info.config, spec), createdAt: info.created };
  } catch (error) {
    // Another process may have created it in between, with the same settings or others.
    const after = await verifyStream(jsm, spec);
    if (after.kind === "present") return { created: false, drift: after.drift, createdAt: after.createdAt };
    throw creationFailed(spec, error);
  }
}

/** An account that allows fewer consumers decides: the stream is made all the same, and the difference is drift. */
async function addStream(jsm: JetStreamManager, spec: StreamSpec): Promise<StreamInfo> {
  try {
    return await jsm.streams.add(toStreamConfig(spec));
  } catch (error) {
    const isTooMany = error instanceof JetStreamApiError && error.code === TOO_MANY_CONSUMERS;
    if (!isTooMany || spec.maxConsumers === undefined) throw error;
    const { maxConsumers: _, ...rest } = spec;
    return jsm.streams.add(toStreamConfig(rest));
  }
}

/** Looks without touching. Throws when the server cannot be asked. */
export async function verifyStream(jsm: JetStreamManager, spec: StreamSpec): Promise<StreamState> {
  try {
    const info = await jsm.streams.info(spec.name);
    return { kind: "present", drift: compareStream(info.config, spec), createdAt: info.created };
  } catch (error) {
    if (isStreamNotFound(error)) return { kind: "missing" };
    throw error;
  }
}

/** What differs between a stream's settings and its specification; a setting that the server leaves out is off or 0. */
export function compareStream(have: Partial<StreamConfig>, spec: StreamSpec): StreamDrift[] {
  const drift: StreamDrift[] = [];
  const present = new Map<string, unknown>(Object.entries(have));
  for (const [field, want] of Object.entries(toStreamConfig(spec))) {
    if (field === "description") continue;
    const value = present.get(field);
    if (!sameSetting(value, want)) drift.push({ field, have: value ?? null, want });
  }
  return drift;
}

function sameSetting(have: unknown, want: unknown): boolean {
  if (Array.isArray(have) && Array.isArray(want)) {
    return have.length === want.length && have.every((item, index) => item === want[index]);
  }
  // Left out by the server: false, 0, and for limits also -1, which both mean "none".
  return normalize(have) === normalize(want);
}

function normalize(value: unknown): unknown {
  return value === undefined || value === false || value === NO_LIMIT ? 0 : value;
}

function creationFailed(spec: StreamSpec, cause: unknown): BeamlineError {
  const message = `stream ${spec.name} cannot be created: ${reasonOf(cause)}`;
  if (/insufficient (storage|memory|resources)|no space left/.test(message)) {
    return new BeamlineError("STORAGE_FULL", message, {
      hint: "Free space on the NATS server or raise its limits.",
      cause,
    });
  }
  const hint = /overlap/.test(message)
    ? { hint: "Another stream binds these subjects: `nats stream ls` shows which." }
    : {};
  return new BeamlineError("STREAM_MISMATCH", message, { ...hint, cause });
}
