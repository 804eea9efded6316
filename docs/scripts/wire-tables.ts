// Tables of what stands on the wire: subjects, streams, consumers, buckets, headers.
import { HEADER } from "../../core/handover/header.ts";
import { pipelineConsumer } from "../../core/handover/pipeline-streams.ts";
import {
  PIPELINE_OUTPUT_PREFIX,
  pipelineDoneSubject,
  pipelineInputSubject,
} from "../../core/handover/pipeline-subjects.ts";
import {
  type ConsumerSpec,
  DEFAULT_STREAM_SETTINGS,
  providerConsumer,
  type StreamSpec,
  streamSpecs,
} from "../../core/handover/streams.ts";
import {
  ASSIGNMENT_ACK_SUBJECT,
  ASSIGNMENT_PREFIX,
  DECIDE_SUBJECT,
  DECIDE_TENANT_PREFIX,
  DLQ_SUBJECT,
  DLQ_SUBJECT_BY_KIND,
  decidedSubject,
  endSubject,
  namesFor,
  REGISTRY_REPORT_SUBJECT,
  REPLY_PREFIX,
  RESULT_SUBJECT,
  STEP_PREFIX,
  SUBMIT_PREFIX,
  USAGE_SUBJECT,
} from "../../core/handover/subjects.ts";
import { code, codes, count, duration, table } from "./markdown.ts";

const names = namesFor();
const specs = streamSpecs(names, DEFAULT_STREAM_SETTINGS);
/** Stands for a provider in names that are made per provider. */
const someProvider = { namespace: "<namespace>", name: "<provider>" };

const somePipeline = { namespace: "<namespace>", name: "<pipeline>" };

const { streams } = names;

/** Subject, who publishes, who reads, message, stored in. */
const SUBJECT_ROWS: readonly (readonly string[])[] = [
  [
    code(DECIDE_SUBJECT),
    "producers, with a reply subject",
    "routers, as one queue group",
    "RouteRequest",
    "nothing: request/reply",
  ],
  [
    code(`${DECIDE_TENANT_PREFIX}<tenant>`),
    "an account's import that fixes the tenant",
    "routers, as one queue group",
    "RouteRequest",
    "nothing: request/reply",
  ],
  [
    code(`${SUBMIT_PREFIX}<tenant>`),
    "producers",
    "routers, through one consumer",
    "RouteRequest",
    code(streams.submit),
  ],
  [
    code(`${ASSIGNMENT_PREFIX}<effect id>.<namespace>.<provider>`),
    "routers",
    "workers, through the provider's consumer",
    "ExecAssignment",
    code(streams.assignments),
  ],
  [
    code(decidedSubject("<effect id>")),
    "routers",
    "routers",
    "none; the decision is in the headers",
    code(streams.assignments),
  ],
  [code(endSubject("<effect id>")), "routers", "routers", "none; the effect was given up", code(streams.assignments)],
  [
    code(`${REPLY_PREFIX}<tenant>.>`),
    "routers, when a submitted message asks for it",
    "producers",
    "RouteDecision or ErrorResponse",
    "nothing",
  ],
  [
    code(`${STEP_PREFIX}>`),
    "routers, with a reply subject, where `allowedSubjects` names it",
    "extensions that policies name as steps",
    "DataMessage, JSON",
    "nothing: request/reply",
  ],
  [code(DLQ_SUBJECT), "routers", "people and tools", "dead letter, JSON", code(streams.dlq)],
  [
    codes(Object.values(DLQ_SUBJECT_BY_KIND)),
    "routers that are configured for one subject a kind",
    "people and tools",
    "dead letter, JSON",
    code(streams.dlq),
  ],
  [code(ASSIGNMENT_ACK_SUBJECT), "workers", "reserved for routers", "ExecAssignmentAck", code(streams.acks)],
  [code(RESULT_SUBJECT), "workers", "reserved for routers", "ExecResult", code(streams.results)],
  [
    code(pipelineInputSubject(somePipeline)),
    "sources",
    "routers, through one consumer",
    "RouteRequest",
    code(streams.pipelines),
  ],
  [
    code(`${PIPELINE_OUTPUT_PREFIX}<effect id>.<position>.<namespace>.<pipeline>.<consumer>`),
    "routers",
    "the consumer, through its durable",
    "Message",
    code(streams.pipelineOutputs),
  ],
  [
    code(pipelineDoneSubject("<effect id>")),
    "routers",
    "routers",
    "none; the event is done",
    code(streams.pipelineOutputs),
  ],
  [code(REGISTRY_REPORT_SUBJECT), "control planes", "control planes", "what a replica heard, JSON", "nothing"],
  [code(USAGE_SUBJECT), "reserved for routers", "billing", "UsageEvent", code(streams.usage)],
];

export function subjectTable(): string {
  return table(["Subject", "Who publishes", "Who reads", "Message", "Stored in"], SUBJECT_ROWS);
}

export function streamTable(): string {
  return table(
    ["Stream", "Subjects", "Retention", "Kept for", "At most", "When full", "Duplicate window", "Holds"],
    specs.streams.map((stream) => [
      code(stream.name),
      codes(stream.subjects),
      stream.retention,
      stream.maxAgeMs === undefined ? "until settled" : duration(stream.maxAgeMs),
      limitOf(stream),
      stream.discard === "new" ? "refuses new messages" : "drops the oldest",
      duration(stream.duplicateWindowMs),
      stream.description,
    ]),
  );
}

function limitOf({ maxMessages, maxConsumers }: StreamSpec): string {
  const consumers = maxConsumers === undefined ? "" : `, ${count(maxConsumers)} consumers`;
  return `${count(maxMessages)} messages${consumers}`;
}

export function consumerTable(): string {
  const consumers: readonly ConsumerSpec[] = [
    ...specs.consumers,
    providerConsumer(names, someProvider),
    pipelineConsumer(names, somePipeline, "<consumer>", DEFAULT_STREAM_SETTINGS),
  ];
  return table(
    ["Consumer", "Stream", "Filter", "Ack wait", "In flight at most", "Deliveries", "For"],
    consumers.map((consumer) => [
      code(consumer.durableName),
      code(consumer.stream),
      consumer.filterSubject === undefined ? "all" : code(consumer.filterSubject),
      duration(consumer.ackWaitMs),
      count(consumer.maxAckPending),
      consumer.maxDeliver === -1 ? "unlimited" : count(consumer.maxDeliver),
      consumer.description,
    ]),
  );
}

export function bucketTable(): string {
  return table(
    ["Bucket", "Entries live", "Holds"],
    specs.buckets.map((bucket) => [
      code(bucket.name),
      bucket.ttlMs === undefined ? "until deleted" : duration(bucket.ttlMs),
      bucket.description,
    ]),
  );
}

/** What each header says; the record's type makes a header without a line a compile error. */
const HEADER_MEANING: Readonly<Record<keyof typeof HEADER, string>> = {
  contentType: "encoding of the body: `application/json` or `application/x-protobuf`",
  version: "schema version of the body, `1`",
  tenantId: "tenant",
  traceId: "trace, as the message carried it",
  traceparent: "W3C trace context",
  effectId: "names the effect: the same for every delivery and retry of one request",
  attempt: "number of the attempt, from 1",
  attemptToken: "random; an acknowledgement or result must echo it",
  fingerprint: "digest of what was asked for",
  deadline: "milliseconds since the Unix epoch; work that has not begun by then must not begin",
  decision: "the decision, as JSON in ASCII",
  provider: "`<namespace>/<name>` of the Provider object",
  pipeline: "`<namespace>/<name>` of the Pipeline, on what it makes",
  eventType: "type of the event, on what a pipeline makes",
  legacySubject: "fixed subject that the work was published to, for a legacy provider",
  legacyPublished: "`true` once the work of a legacy provider is stored on that subject",
  supersedes: "stream sequence of the message that this one takes the place of",
  replyTo: "where a submitted message wants its decision",
  serviceError: "text of the error, on error answers",
  serviceErrorCode: "HTTP status of the error, on error answers",
  retryAfter: "seconds after which the same request may be tried again",
};

export function headerTable(): string {
  const keys = Object.keys(HEADER) as (keyof typeof HEADER)[];
  return table(
    ["Header", "Meaning"],
    keys.map((key) => [code(HEADER[key]), HEADER_MEANING[key]]),
  );
}
