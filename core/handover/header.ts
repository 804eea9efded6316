// Names of the headers that a router writes, and how a value is made fit to stand in one.
import type { Codec } from "../codec.ts";

export const HEADER = {
  contentType: "Content-Type",
  /** Version of the body's schema; lower case as the older contract has it, like the next two. */
  version: "version",
  tenantId: "tenant_id",
  traceId: "trace_id",
  traceparent: "traceparent",
  effectId: "Beamline-Effect-Id",
  attempt: "Beamline-Attempt",
  attemptToken: "Beamline-Attempt-Token",
  fingerprint: "Beamline-Fingerprint",
  /** Milliseconds since the Unix epoch, decimal: work that has not begun by then shall not begin. */
  deadline: "Beamline-Deadline",
  /** The decision, as JSON in ASCII. */
  decision: "Beamline-Decision",
  /** `<namespace>/<name>` of the Provider object. */
  provider: "Beamline-Provider",
  /** `<namespace>/<name>` of the Pipeline object. */
  pipeline: "Beamline-Pipeline",
  eventType: "Beamline-Event-Type",
  legacySubject: "Beamline-Legacy-Subject",
  /** `true` on a claim whose assignment is stored on the fixed subject. */
  legacyPublished: "Beamline-Legacy-Published",
  /** Stream sequence of the message that this one takes the place of. */
  supersedes: "Beamline-Supersedes",
  replyTo: "Beamline-Reply-To",
  serviceError: "Nats-Service-Error",
  serviceErrorCode: "Nats-Service-Error-Code",
  retryAfter: "Retry-After",
} as const;

export const JSON_CONTENT = "application/json";
export const PROTOBUF_CONTENT = "application/x-protobuf";

export type HeaderPair = readonly [name: string, value: string];

/**
 * Characters of one encoded value at most: text of a user is cut there, so that headers stay far below the server's
 * bound.
 */
export const MAX_HEADER_VALUE = 1024;

const PLAIN_VALUE = /^(?! )[ -$&-~]*(?<! )$/;
const FIRST_VISIBLE = 0x21;
const LAST_VISIBLE = 0x7e;
const PERCENT = 0x25;
const SPACE = 0x20;

/**
 * A header value from any text: printable ASCII stays as it is; `%`, spaces at either end and every byte outside
 * printable ASCII (of UTF-8) become `%XX`, as in a URL. No line break can get through, and `decodeURIComponent`
 * restores the text, unless it was longer than MAX_HEADER_VALUE: then it is cut, never inside a `%XX`.
 */
export function encodeHeaderValue(codec: Codec, text: string): string {
  if (text.length <= MAX_HEADER_VALUE && PLAIN_VALUE.test(text)) return text;
  const bytes = codec.encodeUtf8(text);
  let value = "";
  for (const [index, byte] of bytes.entries()) {
    const piece = encodeByte(byte, index === 0 || index === bytes.length - 1);
    if (value.length + piece.length > MAX_HEADER_VALUE) break;
    value += piece;
  }
  return value;
}

function encodeByte(byte: number, atEnd: boolean): string {
  const visible = byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE && byte !== PERCENT;
  if (visible || (byte === SPACE && !atEnd)) return String.fromCharCode(byte);
  return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** JSON that holds nothing but printable ASCII, so that it can stand in a header: everything else is `\uXXXX`. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
