// Key-value buckets: made and checked as the streams they are, written through the mux, watched without trusting anyone.
import type { JetStreamManager } from "@nats-io/jetstream";
import type { GetResult, Mux, PublishResult } from "./mux.ts";
import { ensureStream, type StreamSpec, verifyStream } from "./streams.ts";

/** A bucket as NATS clients of every language see one. */
export interface BucketSpec {
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  readonly description?: string;
  /** Values kept for a key; 1 when absent. */
  readonly history?: number;
  readonly storage?: "file" | "memory";
  readonly replicas?: number;
  /** Keys disappear this long after their last write; 0 or absent: never. */
  readonly ttlMs?: number;
  readonly maxBytes?: number;
  readonly maxValueBytes?: number;
}

/** How long the marker stands that tells watchers of an expired key (the server's minimum is 1 s). */
const EXPIRY_MARKER_TTL_MS = 60_000;

export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

export function bucketSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** The stream behind a bucket (ADR-8 of nats-architecture-and-design). */
export function toBucketStreamSpec(spec: BucketSpec): StreamSpec {
  return {
    name: bucketStream(spec.name),
    subjects: [bucketSubject(spec.name, ">")],
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...(spec.storage === undefined ? {} : { storage: spec.storage }),
    ...(spec.replicas === undefined ? {} : { replicas: spec.replicas }),
    ...(spec.maxBytes === undefined ? {} : { maxBytes: spec.maxBytes }),
    ...(spec.maxValueBytes === undefined ? {} : { maxMessageBytes: spec.maxValueBytes }),
    discard: "new",
    maxAgeMs: spec.ttlMs ?? 0,
    maxMessagesPerSubject: spec.history ?? 1,
    allowRollup: true,
    denyDelete: true,
    allowMessageTtl: true,
    deleteMarkerTtlMs: EXPIRY_MARKER_TTL_MS,
  };
}

export function ensureBucket(jsm: JetStreamManager, spec: BucketSpec): ReturnType<typeof ensureStream> {
  return ensureStream(jsm, toBucketStreamSpec(spec));
}

export function verifyBucket(jsm: JetStreamManager, spec: BucketSpec): ReturnType<typeof verifyStream> {
  return verifyStream(jsm, toBucketStreamSpec(spec));
}

export interface WriteOptions {
  readonly timeoutMs: number;
  /** Written only if the key's last revision is this; 0: only if the key was never written (or is gone for good). */
  readonly expectRevision?: number;
  /** The key removes itself after this; whole seconds. */
  readonly ttlMs?: number;
}

/** The key's new revision is the result's `sequence`. */
export function putKey(
  mux: Mux,
  bucket: string,
  key: string,
  value: Uint8Array,
  options: WriteOptions,
): Promise<PublishResult> {
  return write(mux, bucket, key, value, "", options);
}

/** Leaves a delete marker: watchers see the key go, and its revision goes on counting. */
export function deleteKey(mux: Mux, bucket: string, key: string, options: WriteOptions): Promise<PublishResult> {
  return write(mux, bucket, key, EMPTY, DELETE_LINES, options);
}

/** As delete, and drops all older values of the key. With `ttlMs` the marker goes as well. */
export function purgeKey(mux: Mux, bucket: string, key: string, options: WriteOptions): Promise<PublishResult> {
  return write(mux, bucket, key, EMPTY, PURGE_LINES, options);
}

/** The key's last message; a delete marker is found too: see `isRemoval`. */
export function getKey(mux: Mux, bucket: string, key: string, timeoutMs: number): Promise<GetResult> {
  return new Promise((resolve) =>
    mux.directGetLast(bucketStream(bucket), bucketSubject(bucket, key), timeoutMs, resolve),
  );
}

/** Whether a stored message says that its key is gone: deleted, purged, or expired by a limit. */
export function isRemoval(headers: { get(name: string): string } | undefined): boolean {
  if (headers === undefined) return false;
  const operation = headers.get("KV-Operation");
  return operation === "DEL" || operation === "PURGE" || headers.get("Nats-Marker-Reason") !== "";
}

const EMPTY = new Uint8Array(0);
const DELETE_LINES = "KV-Operation: DEL\r\n";
const PURGE_LINES = "KV-Operation: PURGE\r\nNats-Rollup: sub\r\n";

function write(
  mux: Mux,
  bucket: string,
  key: string,
  value: Uint8Array,
  headerLines: string,
  options: WriteOptions,
): Promise<PublishResult> {
  const { timeoutMs, expectRevision, ttlMs } = options;
  const publishOptions = {
    timeoutMs,
    headerLines,
    ...(expectRevision === undefined ? {} : { expectLastSequence: expectRevision }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
  return new Promise((resolve) => mux.publish(bucketSubject(bucket, key), value, publishOptions, resolve));
}
