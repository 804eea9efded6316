// The last message of each subject that matches a pattern, in one request.
import { createInbox, type Msg } from "@nats-io/nats-core";
import type { NatsLink } from "./connection.ts";

/** Status codes of a direct get (ADR-31 of nats-architecture-and-design). */
const END_OF_BATCH = 204;
const NOT_FOUND = 404;

/** A message as the stream keeps it. */
export interface KeptMessage {
  readonly subject: string;
  /** When the server stored it, by its clock; NaN when it does not say. */
  readonly storedAtMs: number;
  readonly data: Uint8Array;
}

/**
 * Undefined when it cannot be known: no connection, no right to ask, no answer in time, or more subjects than the server
 * gives at once (1,024). The stream must allow direct access.
 */
export async function readLastMessages(
  link: NatsLink,
  stream: string,
  subjects: string,
  timeoutMs: number,
): Promise<readonly KeptMessage[] | undefined> {
  if (!link.connected()) return undefined;
  const inbox = createInbox();
  const found: KeptMessage[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly KeptMessage[] | undefined>();
  const receive = (error: Error | null, msg: Msg): void => {
    const code = error === null ? (msg.headers?.code ?? 0) : -1;
    if (code === 0) found.push(toKept(msg));
    else resolve(code === END_OF_BATCH || code === NOT_FOUND ? found : undefined);
  };
  const subscription = link.nc.subscribe(inbox, { callback: receive });
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  try {
    link.nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ multi_last: [subjects] }), { reply: inbox });
    return await promise;
  } finally {
    clearTimeout(timer);
    if (!subscription.isClosed()) subscription.unsubscribe();
  }
}

function toKept({ headers, data }: Msg): KeptMessage {
  const storedAtMs = Date.parse(headers?.get("Nats-Time-Stamp") ?? "");
  return { subject: headers?.get("Nats-Subject") ?? "", storedAtMs, data };
}
