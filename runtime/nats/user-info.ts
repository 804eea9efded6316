// Asking the server who this connection is and what it may do: every user may ask that of itself.
import type { ServerUser } from "../../core/trust/confinement.ts";
import { asBuffer } from "../bytes.ts";
import type { NatsLink } from "./connection.ts";

const SUBJECT = "$SYS.REQ.USER.INFO";
const TIMEOUT_MS = 2_000;
const EMPTY = new Uint8Array(0);

/** Undefined when the server does not say, or not to this user. */
export function readServerUser(link: NatsLink): Promise<ServerUser | undefined> {
  return new Promise((resolve) => {
    link.mux.request(SUBJECT, EMPTY, undefined, TIMEOUT_MS, (reply) =>
      resolve(reply.kind === "reply" ? parseServerUser(asBuffer(reply.msg.data).toString("utf8")) : undefined),
    );
  });
}

interface UserInfoReply {
  readonly data?: {
    readonly account?: unknown;
    readonly permissions?: { readonly publish?: { readonly allow?: unknown; readonly deny?: unknown } };
  };
}

function parseServerUser(text: string): ServerUser | undefined {
  let reply: UserInfoReply | null;
  try {
    reply = JSON.parse(text);
  } catch {
    // Not an answer of a server that knows this request.
    return undefined;
  }
  const { account, permissions } = reply?.data ?? {};
  if (typeof account !== "string") return undefined;
  return { account, allow: patterns(permissions?.publish?.allow), deny: patterns(permissions?.publish?.deny) ?? [] };
}

function patterns(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}
