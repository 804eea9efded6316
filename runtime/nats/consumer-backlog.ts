// What a durable consumer has before it, in one request.
import type { NatsConnection } from "@nats-io/nats-core";
import { BeamlineError, reasonOf } from "../errors.ts";

export interface ConsumerBacklog {
  /** Messages that were never delivered. */
  readonly pending: number;
  /** Messages that were delivered and not acknowledged yet. */
  readonly unacknowledged: number;
}

interface InfoAnswer {
  readonly num_pending?: number;
  readonly num_ack_pending?: number;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** JetStream's err_codes for a consumer, and for a stream, that does not exist. */
const NOT_FOUND = new Set([10014, 10059]);

/** Undefined when there is no such consumer. Throws UNAVAILABLE when the server does not tell. */
export async function readConsumerBacklog(
  nc: NatsConnection,
  stream: string,
  durable: string,
  timeoutMs: number,
): Promise<ConsumerBacklog | undefined> {
  const answer = await requestInfo(nc, stream, durable, timeoutMs);
  const { num_pending: pending = 0, num_ack_pending: unacknowledged = 0, error } = answer;
  if (error === undefined) return { pending, unacknowledged };
  if (error.err_code !== undefined && NOT_FOUND.has(error.err_code)) return undefined;
  throw untold(stream, durable, error.description ?? `error ${error.err_code}`);
}

async function requestInfo(
  nc: NatsConnection,
  stream: string,
  durable: string,
  timeoutMs: number,
): Promise<InfoAnswer> {
  try {
    const reply = await nc.request(`$JS.API.CONSUMER.INFO.${stream}.${durable}`, "", { timeout: timeoutMs });
    return reply.json<InfoAnswer>();
  } catch (error) {
    throw untold(stream, durable, reasonOf(error), error);
  }
}

function untold(stream: string, durable: string, reason: string, cause?: unknown): BeamlineError {
  const message = `what consumer ${durable} of stream ${stream} has before it is not known: ${reason}`;
  return new BeamlineError("UNAVAILABLE", message, { cause });
}
