// What a JetStream server answers to a direct get of a stream's last message on a subject.
import type { Msg, MsgHdrs } from "@nats-io/nats-core";
import { isNoResponders, type UnavailableReason } from "./publish-result.ts";

export type GetResult =
  | {
      readonly kind: "found";
      readonly subject: string;
      readonly sequence: number;
      /** When the server stored it, RFC 3339 as the server writes it. */
      readonly storedAt: string;
      readonly headers: MsgHdrs;
      readonly data: Uint8Array;
    }
  /** No message on that subject. In a cluster a replica may say so of a message stored a moment ago: ask again. */
  | { readonly kind: "missing" }
  | { readonly kind: "rejected"; readonly code: number; readonly description: string }
  | { readonly kind: "unavailable"; readonly reason: UnavailableReason };

const NOT_FOUND_STATUS = 404;
const FIRST_ERROR_STATUS = 300;

/** Reads the reply of `$JS.API.DIRECT.GET`. No responders means no such stream, or one without direct access. */
export function parseGetReply(msg: Msg): GetResult {
  if (isNoResponders(msg)) return { kind: "unavailable", reason: "no_responders" };
  const { headers } = msg;
  if (headers === undefined) return { kind: "rejected", code: 0, description: "the reply has no headers" };
  if (headers.code === NOT_FOUND_STATUS) return { kind: "missing" };
  if (headers.code >= FIRST_ERROR_STATUS) {
    return { kind: "rejected", code: headers.code, description: headers.description };
  }
  const sequence = Number(headers.get("Nats-Sequence"));
  if (!Number.isSafeInteger(sequence) || sequence < 1) {
    return { kind: "rejected", code: 0, description: "the reply has no Nats-Sequence header" };
  }
  const subject = headers.get("Nats-Subject");
  return { kind: "found", subject, sequence, storedAt: headers.get("Nats-Time-Stamp"), headers, data: msg.data };
}
