// Reports between replicas as JSON: cut into messages that the bus carries, and read without trust.
import type { Codec } from "../codec.ts";
import { parseJsonRecord } from "../config/head.ts";
import { COMPONENT_KINDS, type ComponentName } from "./component.ts";
import { asFields, type Fields, readAmount, readObject, readOneOf, readText } from "./entry-fields.ts";
import type { PeerBeat, PeerReport, PeerSilence } from "./event.ts";
import { readHealthStatus } from "./health-status.ts";
import { MAX_INSTANCE_CHARS, MAX_METRIC_KEY_CHARS, MAX_METRICS, MAX_STATUS_CHARS } from "./limits.ts";
import { validateId } from "./validate-registration.ts";

/** What stands around the lists. */
const FRAME_BYTES = 512;
/** Characters of JSON take so many bytes at most: a report holds them once. */
const MAX_BYTES_PER_CHAR = 3;
/** Names of replicas. */
const MAX_REPLICA_CHARS = 128;
/** Entries of one message that are read. */
const MAX_REPORT_ENTRIES = 100_000;

/** The report as messages of at most `maxBytes`, one at least: a report without anything in it is told as well. */
export function encodeReport(codec: Codec, report: PeerReport, maxBytes: number): readonly Uint8Array[] {
  const { replica, sentAtMs } = report;
  const room = Math.floor((maxBytes - FRAME_BYTES) / MAX_BYTES_PER_CHAR);
  const messages: Uint8Array[] = [];
  let beats: string[] = [];
  let silent: string[] = [];
  let chars = 0;
  const flush = (): void => {
    const head = `{"replica":${JSON.stringify(replica)},"sentAtMs":${sentAtMs}`;
    messages.push(codec.encodeUtf8(`${head},"beats":[${beats.join(",")}],"silent":[${silent.join(",")}]}`));
    beats = [];
    silent = [];
    chars = 0;
  };
  const add = (list: "beats" | "silent", entry: string): void => {
    if (chars > 0 && chars + entry.length + 1 > room) flush();
    (list === "beats" ? beats : silent).push(entry);
    chars += entry.length + 1;
  };
  for (const beat of report.beats) add("beats", JSON.stringify(toFields(beat)));
  for (const silence of report.silent) add("silent", JSON.stringify(silence));
  if (chars > 0 || messages.length === 0) flush();
  return messages;
}

function toFields({ report, ...beat }: PeerBeat): Fields {
  if (report === undefined) return { ...beat };
  const { text, metrics, atMs } = report;
  return { ...beat, report: { text, metrics: Object.fromEntries(metrics), atMs } };
}

/** A report, and how many of its entries could not be read. Undefined for bytes that are none. */
export function decodeReport(
  codec: Codec,
  bytes: Uint8Array,
): { readonly report: PeerReport; readonly ignored: number } | undefined {
  const fields = parseJsonRecord(codec, bytes);
  if (fields === undefined) return undefined;
  const replica = readText(fields, "replica", MAX_REPLICA_CHARS);
  const sentAtMs = readAmount(fields, "sentAtMs");
  const { beats, silent } = fields;
  if (!replica || sentAtMs === undefined || !Array.isArray(beats) || !Array.isArray(silent)) return undefined;
  if (beats.length + silent.length > MAX_REPORT_ENTRIES) return undefined;
  const readBeats = beats.map(readBeat).filter((beat) => beat !== undefined);
  const readSilent = silent.map(readSilence).filter((silence) => silence !== undefined);
  const ignored = beats.length - readBeats.length + (silent.length - readSilent.length);
  return { report: { replica, sentAtMs, beats: readBeats, silent: readSilent }, ignored };
}

function readName(fields: Fields): (ComponentName & { readonly instance: string }) | undefined {
  const kind = readOneOf(fields, "kind", COMPONENT_KINDS);
  const { id } = fields;
  const instance = readText(fields, "instance", MAX_INSTANCE_CHARS);
  if (kind === undefined || typeof id !== "string" || !instance || validateId(id).length > 0) return undefined;
  return { kind, id, instance };
}

function readBeat(value: unknown): PeerBeat | undefined {
  const fields = asFields(value);
  const name = fields === undefined ? undefined : readName(fields);
  if (fields === undefined || name === undefined) return undefined;
  const lastSeenMs = readAmount(fields, "lastSeenMs");
  if (lastSeenMs === undefined) return undefined;
  const configurationRevision = readAmount(fields, "configurationRevision") ?? 0;
  const beat = { ...name, lastSeenMs, configurationRevision };
  if (fields.report === undefined) return beat;
  const report = readReport(readObject(fields, "report"));
  return report === undefined ? undefined : { ...beat, report };
}

function readReport(fields: Fields | undefined): PeerBeat["report"] {
  const metrics = fields === undefined ? undefined : readObject(fields, "metrics");
  if (fields === undefined || metrics === undefined) return undefined;
  const text = readText(fields, "text", MAX_STATUS_CHARS);
  const atMs = readAmount(fields, "atMs");
  const entries = Object.entries(metrics);
  if (text === undefined || atMs === undefined || entries.length > MAX_METRICS) return undefined;
  const read = new Map<string, number>();
  for (const [key, value] of entries) {
    if (key.length > MAX_METRIC_KEY_CHARS || typeof value !== "number") return undefined;
    read.set(key, value);
  }
  return { status: readHealthStatus(text), text, metrics: read, atMs };
}

function readSilence(value: unknown): PeerSilence | undefined {
  const fields = asFields(value);
  const name = fields === undefined ? undefined : readName(fields);
  const sinceMs = fields === undefined ? undefined : readAmount(fields, "sinceMs");
  if (fields === undefined || name === undefined || sinceMs === undefined) return undefined;
  const { held } = fields;
  return typeof held === "boolean" ? { ...name, sinceMs, held } : undefined;
}
