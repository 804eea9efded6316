// One event on its way through a pipeline, and what a processor is told of it.
import type { DecideRequest } from "../intake/message.ts";
import { ownProperties, RESERVED_PREFIX, type StepFacts } from "../steps/message.ts";

export interface PipelineEvent {
  readonly type: string;
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What stays the same for all events that come of one message. */
export interface PipelineFacts extends StepFacts {
  /** `<namespace>/<name>`. */
  readonly pipeline: string;
}

/** Says the event's type, in what is sent to a processor and in what it answers. */
export const EVENT_TYPE_KEY = "event_type";

/** The message as the first processor gets it. */
export function firstEvent({ messageType, payload, metadata }: DecideRequest): PipelineEvent {
  return { type: messageType, payload, metadata: withoutOwn(metadata) };
}

/** Properties of an event as `obsrvr.flow.processor.DataMessage` carries them. */
export function describeEvent(
  { type, metadata }: PipelineEvent,
  facts: PipelineFacts,
  step: string,
): Readonly<Record<string, string>> {
  return { ...metadata, [EVENT_TYPE_KEY]: type, ...ownProperties(facts, { pipeline: facts.pipeline, step }) };
}

/**
 * What a processor answered, as events. One that does not say its type is of the only type that the processor registered,
 * else of the type that the event had before.
 */
export function readAnswer(
  { payload, metadata }: Pick<PipelineEvent, "payload" | "metadata">,
  before: PipelineEvent,
  outputTypes: readonly string[],
): PipelineEvent {
  const said = Object.hasOwn(metadata, EVENT_TYPE_KEY) ? metadata[EVENT_TYPE_KEY] : undefined;
  const only = outputTypes.length === 1 ? outputTypes[0] : undefined;
  const { [EVENT_TYPE_KEY]: _, ...others } = metadata;
  return { type: said || only || before.type, payload, metadata: withoutOwn(others) };
}

/** What is Beamline's own is told to processors, and taken out of what they answer. */
function withoutOwn(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith(RESERVED_PREFIX)));
}
