// A refused message -> the record that goes to the dead-letter stream, in the format of seed 004.
import type { Codec } from "../codec.ts";
import type { OutgoingMessage } from "../handover/effects.ts";
import { HEADER, JSON_CONTENT } from "../handover/header.ts";
import { DLQ_SUBJECT, DLQ_SUBJECT_BY_KIND } from "../handover/subjects.ts";
import { digestParts, toHex } from "../hash.ts";
import { formatTimestampMs } from "../schema/timestamp.ts";
import { parseJsonBody, writingOf } from "./body.ts";
import type { HeaderReader, Rejection, TenantRules } from "./message.ts";
import { presentOnly, presentText } from "./presence.ts";
import { reasonRow } from "./reasons.ts";
import { ECHOED_CHARACTERS } from "./rejection.ts";

/** A record must fit one message: 1 MiB, the server's default, less room for headers. Larger ones carry a hash. */
export const MAX_DEAD_LETTER_BYTES = 1_048_576 - 16_384;
/** Bytes of a digest that name a record: 128 bits. */
const ID_BYTES = 16;
/** Keep the ids of stream messages and of requests apart, and both from every other digest. */
const STREAM_TAG = "beamline.dead-letter.stream.v1";
const REQUEST_TAG = "beamline.dead-letter.request.v1";

/** The message as it came in. */
export interface DeadLetterSource {
  /** Without the Router's prefix. */
  readonly subject: string;
  readonly headers: HeaderReader;
  readonly body: Uint8Array;
  /** Where it stands in its stream; undefined for a request. */
  readonly position: { readonly stream: string; readonly streamCreated: string; readonly sequence: number } | undefined;
  /** When it was refused, milliseconds since the Unix epoch. */
  readonly nowMs: number;
}

export interface DeadLetterSettings {
  readonly codec: Codec;
  /** Which router refused it, for people. */
  readonly router: string;
  /** Full keeps the payload; Hash keeps its SHA-256 only (`dlq payload` of a Tenant). */
  readonly payload: TenantRules["deadLetterPayload"];
  /** Common: one subject for all kinds; PerKind: the seed's name of the kind. */
  readonly subjects: "Common" | "PerKind";
}

/**
 * The dead letter of a rejection. Its message id comes from the stream position, or from subject and body of a request, so
 * that a message refused again makes no second record within the stream's duplicate window.
 */
export function buildDeadLetter(
  rejection: Rejection,
  source: DeadLetterSource,
  settings: DeadLetterSettings,
): OutgoingMessage {
  const { codec } = settings;
  const full = encodeRecord(rejection, source, settings, settings.payload);
  const body = full.length <= MAX_DEAD_LETTER_BYTES ? full : encodeRecord(rejection, source, settings, "Hash");
  return {
    purpose: "dead-letter",
    subject: settings.subjects === "PerKind" ? DLQ_SUBJECT_BY_KIND[rejection.kind] : DLQ_SUBJECT,
    headers: [[HEADER.contentType, JSON_CONTENT]],
    body,
    msgId: deadLetterId(source, codec),
  };
}

/** `dlq:` and 32 hex digits. */
export function deadLetterId(
  { subject, body, position }: Pick<DeadLetterSource, "subject" | "body" | "position">,
  codec: Codec,
): string {
  const digest =
    position === undefined
      ? digestParts(codec, REQUEST_TAG, [subject, body])
      : digestParts(codec, STREAM_TAG, [position.stream, position.streamCreated, String(position.sequence)]);
  return `dlq:${toHex(digest, ID_BYTES)}`;
}

function encodeRecord(
  rejection: Rejection,
  source: DeadLetterSource,
  settings: DeadLetterSettings,
  payload: DeadLetterSettings["payload"],
): Uint8Array {
  const { code } = reasonRow(rejection.reason);
  const error = {
    code: rejection.reason,
    message: rejection.message,
    ...presentOnly({ field: rejection.field }),
    intake_error_code: code,
  };
  // The payload's own text goes in as it is: numbers keep their digits, and nesting of any depth costs no stack.
  const parts = [
    `"original_subject":${JSON.stringify(source.subject)}`,
    payload === "Full" ? keptPayload(source, settings.codec) : hashedPayload(source, settings.codec),
    `"validation_error":${JSON.stringify(error)}`,
    `"context":${JSON.stringify(contextOf(rejection, source, settings.router))}`,
  ];
  return settings.codec.encodeUtf8(`{${parts.join(",")}}`);
}

/** JSON as itself, everything else as base64. */
function keptPayload({ headers, body }: DeadLetterSource, codec: Codec): string {
  const parsed = writingOf(headers, body) === "json" ? parseJsonBody(body, codec) : undefined;
  if (parsed?.ok) return `"original_payload":${parsed.value.text}`;
  return `"original_payload":"${codec.base64Encode(body)}","original_payload_encoding":"base64"`;
}

function hashedPayload({ body }: DeadLetterSource, codec: Codec): string {
  const hash = toHex(codec.sha256(body));
  return `"original_payload":"${hash}","original_payload_encoding":"sha256","original_payload_bytes":${body.length}`;
}

function contextOf(rejection: Rejection, source: DeadLetterSource, router: string): object {
  const { correlation } = rejection;
  const header = presentText(source.headers.get("Nats-Msg-Id"))?.slice(0, ECHOED_CHARACTERS);
  return presentOnly({
    subject: source.subject,
    timestamp: formatTimestampMs(source.nowMs),
    msg_id: header ?? correlation.messageId,
    tenant_id: rejection.tenantId,
    run_id: correlation.runId,
    flow_id: correlation.flowId,
    step_id: correlation.stepId,
    trace_id: correlation.traceId,
    router,
  });
}
