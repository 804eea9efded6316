// What a JetStream server answers to a publish, and what that means for the publisher.
import type { Msg } from "@nats-io/nats-core";
import { asBuffer } from "../bytes.ts";

/** Why nobody answered. Only `no_responders`, `overloaded` and `closed` prove that nothing was stored. */
export type UnavailableReason = "no_responders" | "timeout" | "disconnected" | "closed" | "overloaded";

export type PublishResult =
  | {
      readonly kind: "stored";
      readonly sequence: number;
      /** The message id was seen in the stream's duplicate window: nothing was stored now, `sequence` is the first one's. */
      readonly duplicate: boolean;
      readonly stream: string;
    }
  /** The expected last sequence is not the last one (10071): someone else's message stands there. */
  | { readonly kind: "conflict"; readonly lastSequence: number | undefined }
  /** Another publish under the same expectation or id is being replicated (10164, 10158): ask again. */
  | { readonly kind: "inFlight" }
  /** A limit of the stream or of the server's storage; stored nothing; may heal. */
  | { readonly kind: "full"; readonly code: number; readonly description: string }
  /** Any other refusal; `code` is JetStream's err_code, or 0 when the message could not be sent at all. */
  | { readonly kind: "rejected"; readonly code: number; readonly description: string }
  | { readonly kind: "unavailable"; readonly reason: UnavailableReason };

const NO_RESPONDERS_STATUS = 503;

// err_codes of nats-server's server/errors.json.
const WRONG_LAST_SEQUENCE = 10071;
const WRONG_LAST_SEQUENCE_IN_FLIGHT = 10164;
const DUPLICATE_ID_IN_FLIGHT = 10158;
const JETSTREAM_TEMPORARILY_UNAVAILABLE = 10008;
const TOO_MANY_REQUESTS = 10167;
const OUT_OF_ROOM: ReadonlySet<number> = new Set([
  10002, // account resources exceeded
  10023, // insufficient resources
  10028, // insufficient memory
  10047, // insufficient storage
  10077, // the store refused: maximum messages, maximum bytes, or the disk's own error
]);

interface PubAckBody {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly code?: number; readonly description?: string };
}

/** The server's word that nobody listens on the subject: a status 503 without a body. Never a success. */
export function isNoResponders(msg: Msg): boolean {
  return msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS_STATUS;
}

/** Reads the reply to a publish. An empty body is a failure, whatever its status. */
export function parsePublishReply(msg: Msg): PublishResult {
  const { data } = msg;
  if (data.length === 0) {
    if (isNoResponders(msg)) return { kind: "unavailable", reason: "no_responders" };
    return { kind: "rejected", code: 0, description: `empty reply with status ${msg.headers?.status || "none"}` };
  }
  const text = asBuffer(data).toString("utf8");
  const body = parseBody(text);
  if (body?.error !== undefined) return classifyRefusal(body.error);
  // A stored sequence begins at 1: 0 or none is not a PubAck.
  if (body?.stream === undefined || !body.seq) {
    return { kind: "rejected", code: 0, description: `the reply is not a PubAck: ${text.slice(0, 200)}` };
  }
  return { kind: "stored", sequence: body.seq, duplicate: body.duplicate === true, stream: body.stream };
}

function parseBody(text: string): PubAckBody | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    // Not JSON: whoever answered is not JetStream. The caller reports the text.
    return undefined;
  }
}

function classifyRefusal(error: NonNullable<PubAckBody["error"]>): PublishResult {
  const code = error.err_code ?? 0;
  const description = error.description ?? `error ${error.code ?? "without a code"}`;
  if (code === WRONG_LAST_SEQUENCE) return { kind: "conflict", lastSequence: trailingNumber(description) };
  if (code === WRONG_LAST_SEQUENCE_IN_FLIGHT || code === DUPLICATE_ID_IN_FLIGHT) return { kind: "inFlight" };
  if (code === JETSTREAM_TEMPORARILY_UNAVAILABLE) return { kind: "unavailable", reason: "no_responders" };
  if (code === TOO_MANY_REQUESTS) return { kind: "unavailable", reason: "overloaded" };
  if (OUT_OF_ROOM.has(code)) return { kind: "full", code, description };
  return { kind: "rejected", code, description };
}

/** "wrong last sequence: 7" carries the sequence that stands. */
function trailingNumber(description: string): number | undefined {
  const match = /: (\d{1,16})$/.exec(description);
  return match === null ? undefined : Number(match[1]);
}
