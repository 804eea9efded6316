// What producers and workers may do, each in an account without streams, and what of the internal account they reach.
import { pipelinePatterns } from "../handover/pipeline-subjects.ts";
import { ASSIGNMENT_ACK_SUBJECT, REPLY_PREFIX, RESULT_SUBJECT } from "../handover/subjects.ts";
import { type Bus, type Crossing, type Grants, grant, INBOXES } from "./grant.ts";
import { acknowledgeGrants } from "./internal-roles.ts";

const CONSUMER_API = "$JS.API.CONSUMER";
/**
 * An account that does not import this one is answered by the server itself, to all of `$JS.API`, that it has no JetStream:
 * before the internal account can answer.
 */
const ACCOUNT_INFO = "$JS.API.INFO";

export function producerGrants({ names }: Bus): Grants {
  return {
    publish: [
      grant(names.decideSubject, "asking for a decision"),
      grant(names.submitPattern, "submitting a message durably"),
      grant(pipelinePatterns(names).input, "giving an event to a pipeline"),
    ],
    subscribe: [INBOXES, grant(names.toWire(`${REPLY_PREFIX}>`), "decisions for submitted messages")],
  };
}

export function producerCrossings({ names }: Bus): readonly Crossing[] {
  return [
    { kind: "service", subject: names.decideSubject },
    { kind: "service", subject: names.submitPattern },
    { kind: "service", subject: pipelinePatterns(names).input },
    { kind: "stream", subject: names.toWire(`${REPLY_PREFIX}>`) },
  ];
}

/** Takes work from the durables that the operator made; makes, changes and deletes none. */
export function workerGrants({ names, fixedSubjects, stepSubjects }: Bus): Grants {
  const { assignments, pipelineOutputs } = names.streams;
  return {
    publish: [
      grant(ACCOUNT_INFO, "the check of client libraries that there is JetStream"),
      grant(`${CONSUMER_API}.LIST.${assignments}`, "seeing which providers there are"),
      grant(`${CONSUMER_API}.INFO.${assignments}.*`, "finding a provider's consumer"),
      grant(`${CONSUMER_API}.MSG.NEXT.${assignments}.*`, "pulling assignments"),
      ...acknowledgeGrants(assignments, "*"),
      grant(`${CONSUMER_API}.LIST.${pipelineOutputs}`, "seeing which consumers pipelines have"),
      grant(`${CONSUMER_API}.INFO.${pipelineOutputs}.*`, "finding the durable of a pipeline's consumer"),
      grant(`${CONSUMER_API}.MSG.NEXT.${pipelineOutputs}.*`, "pulling what pipelines make"),
      ...acknowledgeGrants(pipelineOutputs, "*"),
      ...answerSubjects(names.toWire).map((subject) => grant(subject, "acknowledging assignments, reporting results")),
      // Leads to whoever asked and nowhere else: it is made by the server for one request.
      ...(stepSubjects.length === 0 ? [] : [grant("_R_.>", "answers of steps")]),
    ],
    subscribe: [
      INBOXES,
      ...fixedSubjects.map((subject) => grant(names.toWire(subject), "assignments of a legacy provider")),
      ...stepSubjects.map((subject) => grant(names.toWire(subject), "requests to a step of a policy")),
    ],
  };
}

export function workerCrossings({ names, fixedSubjects }: Bus): readonly Crossing[] {
  const { assignments, pipelineOutputs } = names.streams;
  return [
    { kind: "service", subject: ACCOUNT_INFO },
    ...[assignments, pipelineOutputs].flatMap(pullCrossings),
    ...answerSubjects(names.toWire).map((subject): Crossing => ({ kind: "service", subject })),
    ...fixedSubjects.map((subject): Crossing => ({ kind: "stream", subject: names.toWire(subject) })),
  ];
}

/** Finding the durables of a stream, pulling from them, and settling. */
function pullCrossings(stream: string): readonly Crossing[] {
  return [
    { kind: "service", subject: `${CONSUMER_API}.LIST.${stream}` },
    { kind: "service", subject: `${CONSUMER_API}.INFO.${stream}.*` },
    { kind: "service", subject: `${CONSUMER_API}.MSG.NEXT.${stream}.*`, manyAnswers: true },
    ...acknowledgeGrants(stream, "*").map(({ subject }): Crossing => ({ kind: "service", subject })),
  ];
}

/** What workers let routers ask. */
export function stepCrossings({ names, stepSubjects }: Bus): readonly Crossing[] {
  return stepSubjects.map((subject) => ({ kind: "service", subject: names.toWire(subject) }));
}

/** The bare subject, and the longer forms below it that name effect and provider. */
function answerSubjects(toWire: (subject: string) => string): readonly string[] {
  return [ASSIGNMENT_ACK_SUBJECT, RESULT_SUBJECT].flatMap((subject) => [toWire(subject), toWire(`${subject}.>`)]);
}
