// Headers of a message from NATS, whoever wrote them.
import type { Msg, MsgHdrs } from "@nats-io/nats-core";

/** Longest header block that is read: decoding takes the square of the number of names (3 s for 120 KB, measured). */
const MAX_HEADER_BYTES = 16_384;

/**
 * Headers decoded when first asked for. The client throws on names and values that the server lets pass, so what a producer
 * wrote can end in a throw here: a block that is too long or cannot be decoded counts as none.
 */
export function headerReader(msg: Msg): { get(name: string): string | undefined } {
  let read = false;
  let headers: MsgHdrs | undefined;
  return {
    get: (name) => {
      if (!read) headers = decodeHeaders(msg);
      read = true;
      return headers?.has(name) ? headers.get(name) : undefined;
    },
  };
}

/** `size` is a method of the client's messages that its interface leaves out: subject, reply, headers and payload. */
function decodeHeaders(msg: Msg & { size?(): number }): MsgHdrs | undefined {
  const bytes = msg.size?.() ?? 0;
  if (bytes - msg.data.length - msg.subject.length - (msg.reply ?? "").length > MAX_HEADER_BYTES) return undefined;
  try {
    return msg.headers;
  } catch {
    // The message is judged by its body; nothing that a header says can be relied on in such a block.
    return undefined;
  }
}
