// What each stream, consumer and bucket must look like, as data: the operator creates them, routers verify them.
import { pipelineStreams, pipelinesConsumer } from "./pipeline-streams.ts";
import type { ProviderKey } from "./record.ts";
import { DLQ_SUBJECT, DLQ_SUBJECT_BY_KIND, type Names, providerFilter, REGISTRY_BUCKET } from "./subjects.ts";

/** A stream; what is absent is the server's default. Times in milliseconds. */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly description: string;
  readonly retention: "limits" | "workqueue";
  readonly storage: "file";
  readonly replicas: number;
  readonly discard: "old" | "new";
  readonly maxAgeMs?: number;
  readonly maxMessages: number;
  readonly maxConsumers?: number;
  readonly duplicateWindowMs: number;
  readonly allowDirect: boolean;
  readonly allowMessageTtl?: boolean;
  /** Several messages are stored all or none. */
  readonly allowAtomic?: boolean;
}

/** A durable pull consumer with explicit acknowledgement and unlimited deliveries. */
export interface ConsumerSpec {
  readonly stream: string;
  readonly durableName: string;
  readonly description: string;
  /** All of the stream when absent. */
  readonly filterSubject?: string;
  readonly ackWaitMs: number;
  /**
   * -1: with a limit, a message that is in flight when a router is killed too often is stranded without a word
   * (measured).
   */
  readonly maxDeliver: -1;
  readonly maxAckPending: number;
}

export interface BucketSpec {
  readonly name: string;
  readonly description: string;
  readonly history: 1;
  readonly storage: "file";
  readonly replicas: number;
  readonly ttlMs?: number;
  readonly maxBytes?: number;
}

export interface StreamSettings {
  /** `handover.retention`: how long a stored assignment proves that its effect exists. */
  readonly retentionMs: number;
  /** Bound on what the retention may keep: 240-380 B of the server's memory each; reaching it is back-pressure. */
  readonly maxAssignments: number;
  readonly maxSubmitted: number;
  readonly maxDeadLetters: number;
  readonly deadLetterAgeMs: number;
  readonly ackWaitMs: number;
  /** JetStream replicas of every stream and bucket. */
  readonly replicas: number;
  /**
   * The Router's `allowedSubjects` (canonical): stored in the assignments stream too, because an assignment to a
   * provider that is fed by a fixed subject needs a PubAck and the stream's duplicate window.
   */
  readonly legacySubjects?: readonly string[];
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_STREAM_SETTINGS: StreamSettings = {
  retentionMs: 15 * MINUTE_MS,
  maxAssignments: 4_000_000,
  maxSubmitted: 5_000_000,
  maxDeadLetters: 1_000_000,
  deadLetterAgeMs: 14 * DAY_MS,
  ackWaitMs: 30 * SECOND_MS,
  replicas: 1,
};

/**
 * Providers of one bus. Servers allow 1,000 consumers when they are not told. Each costs the server 50 KB of memory, and the
 * time that it needs to start again (measured, docs/benchmarks.md).
 */
export const MAX_PROVIDER_CONSUMERS = 5_000;
/** The server's own default; 145 B of its memory for each id in the window (measured). */
const DUPLICATE_WINDOW_MS = 2 * MINUTE_MS;
/** Redeliveries of one message in flight on all routers of a bus together. */
const MAX_ACK_PENDING_DECIDE = 20_000;
const MAX_ACK_PENDING_PROVIDER = 1_000;
/** Acknowledgements of routers are written every 10 s; one that misses six is gone. */
const ROUTER_ACK_TTL_MS = MINUTE_MS;
/** Room for 50,000 registrations of the usual size with their verdicts, and for the configurations of components. */
const MAX_REGISTRY_BYTES = 268_435_456;
/**
 * A dead letter of a message whose settlement was lost comes again with the next delivery: no id may be forgotten
 * before.
 */
const DEAD_LETTER_WINDOW_FACTOR = 2;

interface StreamSpecs {
  readonly streams: readonly StreamSpec[];
  readonly consumers: readonly ConsumerSpec[];
  readonly buckets: readonly BucketSpec[];
}

/** Everything that one Router's account must hold before its routers can be ready. */
export function streamSpecs(names: Names, settings: StreamSettings = DEFAULT_STREAM_SETTINGS): StreamSpecs {
  return {
    streams: [
      submitStream(names, settings),
      assignmentsStream(names, settings),
      deadLetterStream(names, settings),
      ...pipelineStreams(names, settings),
    ],
    consumers: [decideConsumer(names, settings), pipelinesConsumer(names, settings)],
    buckets: [
      {
        name: names.buckets.config,
        description: "Configuration of routers: policies, providers, tenants and the head that names one set of them.",
        history: 1,
        storage: "file",
        replicas: settings.replicas,
      },
      {
        name: names.buckets.acks,
        description: "Which head each router has applied, and what it rejected.",
        history: 1,
        storage: "file",
        replicas: settings.replicas,
        ttlMs: ROUTER_ACK_TTL_MS,
      },
      registryBucket(settings.replicas),
    ],
  };
}

/** One for all Routers of an account. */
export function registryBucket(replicas: number): BucketSpec {
  return {
    name: REGISTRY_BUCKET,
    description: "Components: registrations, configurations, and the verdicts that routers read.",
    history: 1,
    storage: "file",
    replicas,
    maxBytes: MAX_REGISTRY_BYTES,
  };
}

/**
 * Messages leave it when they are settled: a consumer made again then finds only what is not. No age: nothing may be
 * lost.
 */
function submitStream(names: Names, settings: StreamSettings): StreamSpec {
  return {
    name: names.streams.submit,
    subjects: [names.submitPattern],
    description: "Durable intake: messages that wait for a decision.",
    retention: "workqueue",
    storage: "file",
    replicas: settings.replicas,
    discard: "new",
    maxMessages: settings.maxSubmitted,
    duplicateWindowMs: DUPLICATE_WINDOW_MS,
    allowDirect: true,
  };
}

/** Limits retention: an assignment is the claim of its effect and must stay after it was delivered. */
function assignmentsStream(names: Names, settings: StreamSettings): StreamSpec {
  const legacySubjects = new Set((settings.legacySubjects ?? []).map(names.toWire));
  return {
    name: names.streams.assignments,
    subjects: [names.assignmentPattern, ...legacySubjects],
    description: "Assignments; each one is the claim of its effect for as long as it is kept.",
    retention: "limits",
    storage: "file",
    replicas: settings.replicas,
    discard: "new",
    maxAgeMs: settings.retentionMs,
    maxMessages: settings.maxAssignments,
    maxConsumers: MAX_PROVIDER_CONSUMERS,
    duplicateWindowMs: Math.min(DUPLICATE_WINDOW_MS, settings.retentionMs),
    allowDirect: true,
    allowMessageTtl: true,
  };
}

/** Discards the oldest: a full dead letter stream must not stop the messages that are right. */
function deadLetterStream(names: Names, settings: StreamSettings): StreamSpec {
  const subjects = [DLQ_SUBJECT, ...Object.values(DLQ_SUBJECT_BY_KIND)];
  const windowMs = Math.max(HOUR_MS, DEAD_LETTER_WINDOW_FACTOR * settings.retentionMs);
  return {
    name: names.streams.dlq,
    subjects: subjects.map(names.toWire),
    description: "Messages that were refused, with the reason.",
    retention: "limits",
    storage: "file",
    replicas: settings.replicas,
    discard: "old",
    maxAgeMs: Math.max(settings.deadLetterAgeMs, windowMs),
    maxMessages: settings.maxDeadLetters,
    duplicateWindowMs: windowMs,
    allowDirect: true,
  };
}

function decideConsumer(names: Names, settings: StreamSettings): ConsumerSpec {
  return {
    stream: names.streams.submit,
    durableName: names.consumers.decide,
    description: "Routers take decide messages from here.",
    ackWaitMs: settings.ackWaitMs,
    maxDeliver: -1,
    maxAckPending: MAX_ACK_PENDING_DECIDE,
  };
}

/** The durable of one provider's workers, who never make consumers themselves. */
export function providerConsumer(
  names: Names,
  provider: ProviderKey,
  settings: StreamSettings = DEFAULT_STREAM_SETTINGS,
  maxInFlight: number = MAX_ACK_PENDING_PROVIDER,
): ConsumerSpec {
  return {
    stream: names.streams.assignments,
    durableName: names.consumers.provider(provider),
    description: `Workers of provider ${provider.namespace}/${provider.name} take assignments from here.`,
    filterSubject: names.toWire(providerFilter(provider)),
    ackWaitMs: settings.ackWaitMs,
    maxDeliver: -1,
    maxAckPending: maxInFlight,
  };
}
