// One event on its way through a pipeline, and what a processor is told of it.
import type { DecideRequest } from "../intake/message.ts";

export interface PipelineEvent {
  readonly type: string;
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What stays the same for all events that come of one message. */
export interface PipelineFacts {
  /** `<namespace>/<name>`. */
  readonly pipeline: string;
  readonly request: DecideRequest;
  readonly effectId: string;
  /** Deliveries of the message with this one. */
  readonly delivery: number;
}

/** Says the event's type, in what is sent to a processor and in what it answers. */
export const EVENT_TYPE_KEY = "event_type";
/** Begins the names of what is Beamline's own: told to processors, and taken out of what they answer. */
export const OWN_PREFIX = "beamline.";

/** The message as the first processor gets it. */
export function firstEvent({ messageType, payload, metadata }: DecideRequest): PipelineEvent {
  return { type: messageType, payload, metadata: withoutOwn(metadata) };
}

/** Properties of an event as `obsrvr.flow.processor.DataMessage` carries them. */
export function describeEvent(
  { type, metadata }: PipelineEvent,
  { pipeline, request, effectId, delivery }: PipelineFacts,
  step: string,
): Readonly<Record<string, string>> {
  const { messageId, requestId, runId, flowId, stepId, traceId, traceparent } = request.correlation;
  const own: Readonly<Record<string, string | undefined>> = {
    pipeline,
    step,
    tenant: request.tenantId,
    message_id: messageId ?? requestId,
    run_id: runId,
    flow_id: flowId,
    step_id: stepId,
    trace_id: traceId,
    traceparent,
    effect_id: effectId,
    delivery: String(delivery),
  };
  const described: Record<string, string> = { ...metadata, [EVENT_TYPE_KEY]: type };
  for (const [name, value] of Object.entries(own)) if (value !== undefined) described[OWN_PREFIX + name] = value;
  return described;
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

function withoutOwn(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !name.startsWith(OWN_PREFIX)));
}
