// What a step is told of a message, as properties with fixed names; docs/steps.md lists them for authors of processors.
import type { DecideRequest } from "../intake/message.ts";
import type { CompiledStep, Stage, StepCall } from "./step.ts";

/** Begin the names of what is Beamline's own; no step sets an entry that begins with it. */
export const RESERVED_PREFIX = "beamline.";
/** Begins context entries, in what is sent and in the answers of pre steps. */
export const CONTEXT_PREFIX = "context.";
/** Begins the sender's metadata, in what is sent and in the answers of post steps. */
export const METADATA_PREFIX = "metadata.";

/** What stays the same for all steps of one message. */
export interface StepFacts {
  readonly request: DecideRequest;
  readonly effectId: string;
  /** Deliveries of the message with this one; 1 for a request. */
  readonly delivery: number;
}

/** What changes from step to step. */
export interface StepState {
  readonly context: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Once decided. */
  readonly providerId: string | undefined;
}

export function stepCall(
  facts: StepFacts,
  state: StepState,
  { stage, step, attempt, timeoutMs }: { stage: Stage; step: CompiledStep; attempt: number; timeoutMs: number },
): StepCall {
  const { request } = facts;
  const metadata = ownProperties(facts, {
    stage,
    step: step.name,
    policy: request.policyId,
    message_type: request.messageType,
    attempt: String(attempt),
    provider: state.providerId,
  });
  for (const [name, value] of Object.entries(state.context)) metadata[CONTEXT_PREFIX + name] = value;
  for (const [name, value] of Object.entries(state.metadata)) metadata[METADATA_PREFIX + name] = value;
  return { target: step.target, payload: request.payload, metadata, timeoutMs };
}

/** What every processor is told of the message that it is called for, and `more` of the same kind; what is undefined is left out. */
export function ownProperties(
  { request, effectId, delivery }: StepFacts,
  more: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const { messageId, requestId, runId, flowId, stepId, traceId, traceparent } = request.correlation;
  const own: Readonly<Record<string, string | undefined>> = {
    ...more,
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
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) if (value !== undefined) properties[RESERVED_PREFIX + name] = value;
  return properties;
}
