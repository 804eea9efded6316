// `beamline.worker.v1.ExecAssignment` in protobuf, written by hand: the one message that is encoded for every request,
// at a quarter of what the general encoder takes. A property holds its bytes equal to that encoder's.
import type { Codec } from "../codec.ts";
import type { Correlation } from "../intake/message.ts";

/** What the message is made of; empty text is left out, as proto3 does. */
export interface AssignmentFields {
  readonly version: string;
  readonly assignmentId: string;
  readonly requestId: string;
  readonly tenantId: string;
  readonly providerId: string;
  readonly channel: string;
  readonly jobType: string;
  readonly payload: Uint8Array;
  readonly priority: number;
  readonly deadlineMs: number;
  readonly retry: { readonly max_attempts: number; readonly backoff_ms: number };
  readonly correlation: Correlation;
  /** `beamline.flow.v1.RouteDecision`, encoded. */
  readonly decision: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly token: string;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const LOW_BITS = 0x7f;
const MORE = 0x80;
const MAX_ASCII = 0x7f;
const VARINT_BASE = 128;
const WIRE_TYPE_BITS = 3;
const UINT64_BITS = 64;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;
/** More than tags, lengths and numbers of all fields together take. */
const FIXED_BYTES = 256;
const ENTRY_BYTES = 24;
/** Messages up to this size are written in one reused buffer; larger ones get their own. */
const SCRATCH_BYTES = 65_536;

const scratch = new Uint8Array(SCRATCH_BYTES);
/** Where the next byte goes, and into what: the writer is synchronous and never entered twice. */
let at = 0;
let frame = scratch;

/** Field numbers are those of proto/beamline/worker/v1/worker.proto. */
export function writeAssignment(codec: Codec, fields: AssignmentFields): Uint8Array {
  const bound = upperBound(fields);
  frame = bound <= SCRATCH_BYTES ? scratch : new Uint8Array(bound);
  at = 0;
  text(codec, 1, fields.version);
  text(codec, 2, fields.assignmentId);
  text(codec, 3, fields.requestId);
  text(codec, 4, fields.tenantId);
  const executor = open(5);
  text(codec, 1, fields.providerId);
  text(codec, 2, fields.channel);
  close(executor);
  const job = open(6);
  text(codec, 1, fields.jobType);
  if (fields.payload.length > 0) bytes(2, fields.payload);
  close(job);
  options(fields);
  correlation(codec, fields.correlation);
  bytes(9, fields.decision);
  entries(codec, 10, fields.metadata);
  integer(11, fields.attempt);
  text(codec, 12, fields.token);
  text(codec, 13, fields.version);
  const body = frame.slice(0, at);
  frame = scratch;
  return body;
}

function options({ priority, deadlineMs, retry }: AssignmentFields): void {
  const message = open(7);
  integer(1, priority);
  integer(2, deadlineMs);
  const nested = open(3);
  integer(1, retry.max_attempts);
  integer(2, retry.backoff_ms);
  close(nested);
  close(message);
}

function correlation(codec: Codec, fields: Correlation): void {
  const message = open(8);
  text(codec, 1, fields.traceId ?? "");
  text(codec, 2, fields.runId ?? "");
  text(codec, 3, fields.flowId ?? "");
  text(codec, 4, fields.stepId ?? "");
  text(codec, 5, fields.spanId ?? "");
  text(codec, 6, fields.idempotencyKey ?? "");
  text(codec, 7, fields.messageId ?? "");
  close(message);
}

function entries(codec: Codec, field: number, map: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(map)) {
    const entry = open(field);
    delimited(codec, 1, name);
    delimited(codec, 2, map[name] ?? "");
    close(entry);
  }
}

/** Begins a nested message; one byte is kept for its length. */
function open(field: number): number {
  tag(field, LENGTH_DELIMITED);
  at += 1;
  return at;
}

/** Writes the length of what was written since `start`, moving it when the length takes more than the byte kept. */
function close(start: number): void {
  const end = at;
  const length = end - start;
  const size = varintSize(length);
  if (size > 1) frame.copyWithin(start - 1 + size, start, end);
  at = start - 1;
  varint(length);
  at += length;
}

function text(codec: Codec, field: number, value: string): void {
  if (value !== "") delimited(codec, field, value);
}

function delimited(codec: Codec, field: number, value: string): void {
  if (!ascii(field, value)) bytes(field, codec.encodeUtf8(value));
}

/** Writes text of ASCII; otherwise takes back what it wrote and says so. */
function ascii(field: number, value: string): boolean {
  const before = at;
  const { length } = value;
  tag(field, LENGTH_DELIMITED);
  varint(length);
  for (let index = 0; index < length; index++) {
    const unit = value.charCodeAt(index);
    if (unit > MAX_ASCII) {
      at = before;
      return false;
    }
    frame[at + index] = unit;
  }
  at += length;
  return true;
}

function bytes(field: number, value: Uint8Array): void {
  tag(field, LENGTH_DELIMITED);
  varint(value.length);
  frame.set(value, at);
  at += value.length;
}

/** An int32 or int64; negative ones take ten bytes, as their 64-bit complement. */
function integer(field: number, value: number): void {
  if (value === 0) return;
  tag(field, VARINT);
  if (value > 0) varint(value);
  else complement(BigInt.asUintN(UINT64_BITS, BigInt(value)));
}

function complement(value: bigint): void {
  let rest = value;
  for (; rest > BigInt(LOW_BITS); rest >>= 7n) frame[at++] = Number(rest & BigInt(LOW_BITS)) | MORE;
  frame[at++] = Number(rest);
}

function tag(field: number, wireType: number): void {
  frame[at++] = (field << WIRE_TYPE_BITS) | wireType;
}

/** By division: the value may exceed 32 bits. */
function varint(value: number): void {
  let rest = value;
  while (rest > LOW_BITS) {
    frame[at++] = (rest % VARINT_BASE) | MORE;
    rest = Math.floor(rest / VARINT_BASE);
  }
  frame[at++] = rest;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > LOW_BITS; rest = Math.floor(rest / VARINT_BASE)) size += 1;
  return size;
}

function upperBound(fields: AssignmentFields): number {
  const { correlation: ids, metadata } = fields;
  let units = fields.version.length * 2 + fields.assignmentId.length + fields.requestId.length + fields.tenantId.length;
  units += fields.providerId.length + fields.channel.length + fields.jobType.length + fields.token.length;
  for (const name of Object.keys(ids)) units += ids[name as keyof Correlation]?.length ?? 0;
  let bound = FIXED_BYTES + fields.payload.length + fields.decision.length;
  for (const name of Object.keys(metadata)) {
    units += name.length + (metadata[name] ?? "").length;
    bound += ENTRY_BYTES;
  }
  return bound + units * BYTES_PER_UNIT;
}
