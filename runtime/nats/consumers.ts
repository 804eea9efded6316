// Durable consumers as plain data: created when they are missing, compared when they are there, never changed.
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
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
