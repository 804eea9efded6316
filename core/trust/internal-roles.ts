// What operator, routers and control planes may do in the internal account, which holds every stream and bucket.
import { pipelinePatterns } from "../handover/pipeline-subjects.ts";
import {
  DLQ_SUBJECT,
  DLQ_SUBJECT_BY_KIND,
  type Names,
  REGISTRY_REPORT_SUBJECT,
  REPLY_PREFIX,
} from "../handover/subjects.ts";
import { type Bus, type Grant, type Grants, grant, INBOXES } from "./grant.ts";

const API = "$JS.API";
/** Answered by every server to every user: account and permissions of the connection that asks. */
const USER_INFO = grant("$SYS.REQ.USER.INFO", "learning what it may do itself");

/** Administration of its own streams, buckets and consumers; it deletes and purges none of them. */
export function operatorGrants({ names }: Bus): Grants {
  const { submit, assignments, dlq, pipelines, pipelineOutputs } = names.streams;
  const { config, acks, registry } = names.buckets;
  const streams = [
    submit,
    assignments,
    dlq,
    pipelines,
    pipelineOutputs,
    ...[config, acks, registry].map(keyValueStream),
  ];
  return {
    publish: [
      USER_INFO,
      grant(`${API}.INFO`, "limits of the account"),
      ...streams.flatMap((stream) => [
        grant(`${API}.STREAM.CREATE.${stream}`, "making what is missing"),
        grant(`${API}.STREAM.INFO.${stream}`, "comparing settings"),
      ]),
      grant(`${API}.STREAM.UPDATE.${assignments}`, "binding the fixed subjects of legacy providers"),
      ...[submit, assignments, pipelines, pipelineOutputs].flatMap((stream) => [
        grant(`${API}.CONSUMER.CREATE.${stream}.>`, "the durables of routers and providers"),
        grant(`${API}.CONSUMER.INFO.${stream}.*`, "comparing settings"),
      ]),
      grant(`${API}.CONSUMER.NAMES.${assignments}`, "noticing that a provider's durable is gone"),
      grant(`${API}.CONSUMER.NAMES.${pipelineOutputs}`, "noticing that the durable of a pipeline's consumer is gone"),
      ...[config, acks, registry].flatMap(watchGrants),
      grant(`$KV.${config}.>`, "writing configuration"),
      grant(`${API}.DIRECT.GET.${dlq}`, "listing dead letters"),
    ],
    subscribe: [INBOXES],
  };
}

/** What handling a message takes, and nothing that changes configuration, streams or consumers. */
export function routerGrants({ names, fixedSubjects, stepSubjects }: Bus): Grants {
  const { submit, assignments } = names.streams;
  const { config, acks, registry } = names.buckets;
  const decide = names.consumers.decide;
  return {
    publish: [
      USER_INFO,
      ...watchGrants(config),
      ...watchGrants(registry),
      grant(`$KV.${acks}.>`, "acknowledging configuration"),
      grant(`${API}.DIRECT.GET.${keyValueStream(acks)}`, "seeing what other routers serve"),
      grant(`${API}.STREAM.INFO.${submit}`, "creation time of the stream, half of an effect's id"),
      grant(`${API}.CONSUMER.INFO.${submit}.${decide}`, "looking for its consumer"),
      grant(`${API}.CONSUMER.MSG.NEXT.${submit}.${decide}`, "pulling submitted messages"),
      ...acknowledgeGrants(submit, decide),
      ...pipelineGrants(names),
      grant(names.assignmentPattern, "storing assignments and decisions"),
      grant(`${API}.DIRECT.GET.${assignments}`, "reading what stands for an effect"),
      grant(`${API}.STREAM.MSG.DELETE.${assignments}`, "withdrawing an attempt that another has superseded"),
      ...[DLQ_SUBJECT, ...Object.values(DLQ_SUBJECT_BY_KIND)].map((subject) =>
        grant(names.toWire(subject), "dead letters"),
      ),
      grant(names.toWire(`${REPLY_PREFIX}>`), "decisions for submitted messages"),
      grant("_R_.>", "answers to requests from other accounts"),
      ...fixedSubjects.map((subject) => grant(names.toWire(subject), "assignments of a legacy provider")),
      ...stepSubjects.map((subject) => grant(names.toWire(subject), "asking a step of a policy")),
    ],
    subscribe: [
      INBOXES,
      grant(names.decideSubject, "requests"),
      grant(names.decideTenantPattern, "requests whose tenant an import fixes"),
    ],
  };
}

function pipelineGrants(names: Names): readonly Grant[] {
  const { pipelines, pipelineOutputs } = names.streams;
  const consumer = names.consumers.pipelines;
  const { output, done } = pipelinePatterns(names);
  return [
    grant(`${API}.STREAM.INFO.${pipelines}`, "creation time of the stream, half of an effect's id"),
    grant(`${API}.CONSUMER.INFO.${pipelines}.${consumer}`, "looking for its consumer"),
    grant(`${API}.CONSUMER.MSG.NEXT.${pipelines}.${consumer}`, "pulling the inputs of pipelines"),
    ...acknowledgeGrants(pipelines, consumer),
    grant(output, "storing what pipelines make"),
    grant(done, "marking their messages as done"),
    grant(`${API}.DIRECT.GET.${pipelineOutputs}`, "seeing whether a message is done"),
  ];
}

/** Keeping what control planes share, and looking at what a Router's consumers have before them. */
export function controlPlaneGrants({ names }: Bus): Grants {
  const { submit, assignments } = names.streams;
  const { registry, acks } = names.buckets;
  return {
    publish: [
      USER_INFO,
      grant(`${API}.INFO`, "limits of the account"),
      ...watchGrants(registry),
      grant(`${API}.DIRECT.GET.${keyValueStream(acks)}`, "seeing which routers serve"),
      grant(`$KV.${registry}.>`, "registrations, configurations and verdicts"),
      grant(REGISTRY_REPORT_SUBJECT, "telling the other control planes what it heard"),
      ...[submit, assignments].flatMap((stream) => [
        grant(`${API}.STREAM.INFO.${stream}`, "what a stream holds"),
        grant(`${API}.CONSUMER.INFO.${stream}.*`, "what waits for routers and providers"),
      ]),
    ],
    subscribe: [INBOXES, grant(REGISTRY_REPORT_SUBJECT, "what the other control planes heard")],
  };
}

/** Following a bucket: a consumer that ends with its listener, and a look at single keys. */
function watchGrants(bucket: string): readonly Grant[] {
  const stream = keyValueStream(bucket);
  return [
    grant(`${API}.STREAM.INFO.${stream}`, "noticing that the bucket was made anew"),
    grant(`${API}.CONSUMER.CREATE.${stream}`, "following the bucket"),
    grant(`${API}.CONSUMER.DELETE.${stream}.*`, "ending that"),
    grant(`${API}.DIRECT.GET.${stream}`, "looking at one key"),
    // With or without domain and account in front, as acknowledgements.
    grant(`$JS.FC.${stream}.>`, "flow control of that consumer"),
    grant(`$JS.FC.*.*.${stream}.>`, "flow control of that consumer"),
  ];
}

/** Servers write acknowledgement subjects with or without domain and account in front (ADR-15). */
export function acknowledgeGrants(stream: string, consumer: string): readonly Grant[] {
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.*.*.${stream}.${consumer}.>`].map((subject) =>
    grant(subject, "settling deliveries"),
  );
}

function keyValueStream(bucket: Names["buckets"][keyof Names["buckets"]]): string {
  return `KV_${bucket}`;
}
