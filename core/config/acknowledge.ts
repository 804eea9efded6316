// The router's acknowledgement: which head it serves, and which entries of it it could not.
import type { Codec } from "../codec.ts";
import type { RejectedEntry, RouterAck } from "./entry.ts";
import { parseJsonRecord } from "./head.ts";

/** Rejections that are listed by name; the rest is a count, so that an acknowledgement stays a small message. */
export const MAX_LISTED_REJECTIONS = 100;
/** Characters of a reason that are kept. */
export const MAX_REJECTION_REASON_LENGTH = 256;

export interface AckInput {
  readonly podUid: string;
  /** Version of the router program. */
  readonly version: string;
  /** Head in force; absent before the first. */
  readonly applied: { readonly revision: number; readonly epoch: string } | undefined;
  readonly rejected: readonly RejectedEntry[];
}

/** The acknowledgement to write. Listed rejections are the first by key, so equal tables give equal acknowledgements. */
export function buildAck(input: AckInput): RouterAck {
  const sorted = [...input.rejected].sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  return {
    podUid: input.podUid,
    version: input.version,
    epoch: input.applied?.epoch ?? "",
    appliedRevision: input.applied?.revision ?? 0,
    rejected: sorted.slice(0, MAX_LISTED_REJECTIONS).map(shorten),
    rejectedCount: sorted.length,
  };
}

export function encodeAck(codec: Codec, ack: RouterAck): Uint8Array {
  return codec.encodeUtf8(JSON.stringify(ack));
}

/** The acknowledgement in these bytes, or undefined when they hold none. */
export function parseAck(codec: Codec, value: Uint8Array): RouterAck | undefined {
  const record = parseJsonRecord(codec, value);
  if (record === undefined) return undefined;
  const { podUid, version, epoch, appliedRevision, rejected, rejectedCount } = record;
  if (typeof podUid !== "string" || typeof version !== "string" || typeof epoch !== "string") return undefined;
  if (!isCount(appliedRevision) || !isCount(rejectedCount) || !Array.isArray(rejected)) return undefined;
  if (!rejected.every(isRejectedEntry)) return undefined;
  return { podUid, version, epoch, appliedRevision, rejected, rejectedCount };
}

function shorten(entry: RejectedEntry): RejectedEntry {
  return { ...entry, reason: entry.reason.slice(0, MAX_REJECTION_REASON_LENGTH) };
}

function isRejectedEntry(value: unknown): value is RejectedEntry {
  if (typeof value !== "object" || value === null) return false;
  const { key, uid, generation, reason } = value as Record<string, unknown>;
  return typeof key === "string" && typeof uid === "string" && isCount(generation) && typeof reason === "string";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
