// The generated codec as the reader's judge: decoding with strict UTF-8, and comparison of what both made of the same bytes.
import assert from "node:assert/strict";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type CompiledField, type CompiledMessage, messageOf } from "../../core/schema/compiled.ts";
import type { PlainMessage } from "../../core/schema/schema.ts";
import { WireReader } from "../../core/schema/wire-reader.ts";
import { WireWriter } from "../../core/schema/wire-writer.ts";
import { AdminPolicy } from "../../proto/gen/messages/beamline/flow/v1/admin.ts";
import { RouteDecision, RouteRequest } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { ExecAssignment, ExecResult } from "../../proto/gen/messages/beamline/worker/v1/worker.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../runtime/bytes.ts";

type Decode = (reader: BinaryReader) => unknown;

/** Messages that are compared: text, bytes, maps, nesting, lists, integers, doubles and bools occur in them. */
export const CODECS: Readonly<Record<string, Decode>> = {
  "beamline.flow.v1.RouteRequest": (reader) => RouteRequest.decode(reader),
  "beamline.flow.v1.RouteDecision": (reader) => RouteDecision.decode(reader),
  "beamline.flow.v1.AdminPolicy": (reader) => AdminPolicy.decode(reader),
  "beamline.worker.v1.ExecAssignment": (reader) => ExecAssignment.decode(reader),
  "beamline.worker.v1.ExecResult": (reader) => ExecResult.decode(reader),
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the generated codec makes of the bytes; undefined when it refuses them. It is made strict about UTF-8, as proto3 asks. */
export function decodeByCodec(name: string, bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  const decode = CODECS[name] as Decode;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return decode(new BinaryReader(bytes, (text) => utf8.decode(text))) as Record<string, unknown>;
  } catch {
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Whether the reader's message and the codec's say the same; a field that the reader left absent equals the codec's default. */
export function agree(
  message: CompiledMessage,
  plain: PlainMessage,
  decoded: Readonly<Record<string, unknown>>,
): boolean {
  return message.fields.every((field) => fieldAgrees(field, plain[field.name], decoded[field.jsonName]));
}

function fieldAgrees(field: CompiledField, ours: unknown, theirs: unknown): boolean {
  if (field.entry !== undefined) return mapAgrees((ours ?? {}) as PlainMessage, theirs as PlainMessage);
  if (!field.repeated) return valueAgrees(field, ours, theirs);
  const mine = (ours ?? []) as readonly unknown[];
  const other = theirs as readonly unknown[];
  return mine.length === other.length && mine.every((item, index) => valueAgrees(field, item, other[index]));
}

/** The codec assigns to a plain object, so it loses a key `__proto__`; ours keeps it as the entry that it is. */
function mapAgrees(ours: PlainMessage, theirs: PlainMessage): boolean {
  const keys = Object.keys(ours).filter((key) => key !== "__proto__");
  return keys.length === Object.keys(theirs).length && keys.every((key) => Object.is(ours[key], theirs[key]));
}

function valueAgrees(field: CompiledField, ours: unknown, theirs: unknown): boolean {
  if (field.message !== undefined) {
    if (ours === undefined || theirs === undefined) return ours === theirs;
    return agree(field.message, ours as PlainMessage, theirs as PlainMessage);
  }
  if (theirs instanceof Uint8Array)
    return Buffer.compare(theirs, (ours as Uint8Array | undefined) ?? new Uint8Array(0)) === 0;
  return ours === undefined
    ? theirs === "" || theirs === 0 || theirs === 0n || theirs === false
    : Object.is(ours, theirs);
}

/**
 * The same message with every singular message field once: bodies of all its occurrences joined, which is what merging means
 * on the wire. The codec does not merge, it keeps the last; of bytes in this form it has nothing to merge.
 */
export function mergeOccurrences(message: CompiledMessage, bytes: Uint8Array): Uint8Array {
  const writer = new WireWriter(nodeCodec);
  const bodies = new Map<CompiledField, Uint8Array[]>();
  const reader = new WireReader(bytes);
  while (reader.pos < reader.end) {
    const start = reader.pos;
    const tag = reader.tag();
    const field = message.byTag.get(tag);
    if (field?.message !== undefined) {
      const length = reader.uint32();
      const at = reader.take(length);
      const body = mergeOccurrences(field.message, bytes.subarray(at, at + length));
      if (field.repeated) writeBody(writer, tag, body);
      else bodies.set(field, [...(bodies.get(field) ?? []), body]);
    } else {
      reader.skip(tag);
      writer.raw(bytes.subarray(start, reader.pos));
    }
    assert.equal(reader.rule, undefined, "the reader accepted bytes that cannot be walked");
  }
  for (const [field, parts] of bodies) {
    const joined = Buffer.concat(parts);
    writeBody(writer, field.tag, mergeOccurrences(field.message as CompiledMessage, joined));
  }
  return writer.finish();
}

function writeBody(writer: WireWriter, tag: number, body: Uint8Array): void {
  writer.uint32(tag);
  writer.bytes(body);
}

export function compiledMessage(name: string): CompiledMessage {
  return messageOf(schemaTable, name);
}
