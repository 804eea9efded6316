// Durable consumers as plain data: created when they are missing, compared when they are there, never changed.
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/nats-core";
import { BeamlineError, reasonOf } from "../errors.ts";
import { isStreamNotFound, type StreamDrift } from "./streams.ts";

/** A durable pull consumer with explicit acknowledgement. */
export interface ConsumerSpec {
  readonly stream: string;
  readonly durableName: string;
  readonly description?: string;
  /** All of the stream when absent. */
  readonly filterSubject?: string;
  readonly ackWaitMs: number;
  /** -1: unlimited. */
  readonly maxDeliver: number;
  readonly maxAckPending: number;
}

export type ConsumerState =
  | { readonly kind: "missing" }
  | { readonly kind: "present"; readonly drift: readonly StreamDrift[] };

/** JetStream's err_code for a consumer that does not exist. */
const CONSUMER_NOT_FOUND = 10014;

/** Creates the consumer when it is missing; otherwise as `verifyConsumer`. Throws when there is no such stream. */
export async function ensureConsumer(
  jsm: JetStreamManager,
  spec: ConsumerSpec,
): Promise<{ readonly created: boolean; readonly drift: readonly StreamDrift[] }> {
  const before = await verifyConsumer(jsm, spec);
  if (before.kind === "present") return { created: false, drift: before.drift };
  try {
    const info = await jsm.consumers.add(spec.stream, toConsumerConfig(spec));
    return { created: true, drift: compareConsumer(info.config, spec) };
  } catch (error) {
    // Another process may have created it in between.
    const after = await verifyConsumer(jsm, spec);
    if (after.kind === "present") return { created: false, drift: after.drift };
    const missing = isStreamNotFound(error);
    const message = `consumer ${spec.durableName} of stream ${spec.stream} cannot be created: ${reasonOf(error)}`;
    throw new BeamlineError(missing ? "STREAM_MISSING" : "STREAM_MISMATCH", message, { cause: error });
  }
}

/** Looks without touching; a missing stream has no consumers. Throws when the server cannot be asked. */
export async function verifyConsumer(jsm: JetStreamManager, spec: ConsumerSpec): Promise<ConsumerState> {
  try {
    const info = await jsm.consumers.info(spec.stream, spec.durableName);
    return { kind: "present", drift: compareConsumer(info.config, spec) };
  } catch (error) {
    if (isStreamNotFound(error) || isConsumerNotFound(error)) return { kind: "missing" };
    throw error;
  }
}

/** The server answers with 1,024 at a time; a stream with more pages has more consumers than any server carries. */
const MAX_NAME_PAGES = 1_000;
const NAMES_TIMEOUT_MS = 5_000;

/** Names of all consumers of a stream, in one request for each 1,024. Throws UNAVAILABLE when the server does not tell. */
export async function listConsumerNames(nc: NatsConnection, stream: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (let page = 0, offset = 0; page < MAX_NAME_PAGES; page++) {
    const answer = await requestNames(nc, stream, offset);
    const { consumers = [], total = 0, error } = answer;
    if (error !== undefined) throw unlisted(stream, error.description ?? `error ${error.err_code}`);
    for (const name of consumers ?? []) names.add(name);
    offset += consumers?.length ?? 0;
    if (offset >= total || consumers?.length === 0) return names;
  }
  throw unlisted(stream, `more than ${MAX_NAME_PAGES} pages`);
}

interface NamesAnswer {
  readonly total?: number;
  /** Null where there are none. */
  readonly consumers?: readonly string[] | null;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

async function requestNames(nc: NatsConnection, stream: string, offset: number): Promise<NamesAnswer> {
  try {
    const body = JSON.stringify({ offset });
    const reply = await nc.request(`$JS.API.CONSUMER.NAMES.${stream}`, body, { timeout: NAMES_TIMEOUT_MS });
    return reply.json<NamesAnswer>();
  } catch (error) {
    throw unlisted(stream, reasonOf(error), error);
  }
}

function unlisted(stream: string, reason: string, cause?: unknown): BeamlineError {
  return new BeamlineError("UNAVAILABLE", `consumers of stream ${stream} cannot be listed: ${reason}`, { cause });
}

function isConsumerNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND;
}

function toConsumerConfig(spec: ConsumerSpec): Partial<ConsumerConfig> {
  return {
    durable_name: spec.durableName,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...(spec.filterSubject === undefined ? {} : { filter_subject: spec.filterSubject }),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(spec.ackWaitMs),
    max_deliver: spec.maxDeliver,
    max_ack_pending: spec.maxAckPending,
  };
}

function compareConsumer(have: Partial<ConsumerConfig>, spec: ConsumerSpec): StreamDrift[] {
  const present = new Map<string, unknown>(Object.entries(have));
  return Object.entries({ filter_subject: undefined, ...toConsumerConfig(spec) })
    .filter(([field]) => field !== "description")
    .filter(([field, want]) => (present.get(field) ?? undefined) !== want)
    .map(([field, want]) => ({ field, have: present.get(field) ?? null, want }));
}
