// Streams and consumers of pipelines, as data: both are work queues, from which a message goes when it is settled.
import { type PipelineKey, pipelineOutputFilter, pipelinePatterns } from "./pipeline-subjects.ts";
import type { ConsumerSpec, StreamSettings, StreamSpec } from "./streams.ts";
import type { Names } from "./subjects.ts";

/** The server's own default. */
const DUPLICATE_WINDOW_MS = 120_000;
/** Redeliveries of one message in flight on all routers of a bus together. */
const MAX_ACK_PENDING = 20_000;
const MAX_ACK_PENDING_CONSUMER = 1_000;
/** Consumers of all pipelines of one bus. */
export const MAX_PIPELINE_CONSUMERS = 1_000;

/**
 * Inputs, and what comes out of them. The marks that a message is done stand among its outputs, because only messages of one
 * stream are stored all or none; a mark lives as long as an assignment proves its effect.
 */
export function pipelineStreams(names: Names, settings: StreamSettings): readonly StreamSpec[] {
  const { input, output, done } = pipelinePatterns(names);
  const queue = {
    retention: "workqueue",
    storage: "file",
    replicas: settings.replicas,
    discard: "new",
    maxMessages: settings.maxSubmitted,
    duplicateWindowMs: DUPLICATE_WINDOW_MS,
    allowDirect: true,
  } as const;
  return [
    {
      ...queue,
      name: names.streams.pipelines,
      subjects: [input],
      description: "Events of sources that wait for their pipeline.",
    },
    {
      ...queue,
      name: names.streams.pipelineOutputs,
      subjects: [output, done],
      description: "What pipelines have made, until its consumer settles it; and marks of messages that are done.",
      maxConsumers: MAX_PIPELINE_CONSUMERS,
      allowMessageTtl: true,
      allowAtomic: true,
    },
  ];
}

export function pipelinesConsumer(names: Names, settings: StreamSettings): ConsumerSpec {
  return {
    stream: names.streams.pipelines,
    durableName: names.consumers.pipelines,
    description: "Routers take the inputs of pipelines from here.",
    ackWaitMs: settings.ackWaitMs,
    maxDeliver: -1,
    maxAckPending: MAX_ACK_PENDING,
  };
}

/** The durable of one consumer, who never makes one itself. */
export function pipelineConsumer(
  names: Names,
  pipeline: PipelineKey,
  consumer: string,
  settings: StreamSettings,
): ConsumerSpec {
  return {
    stream: names.streams.pipelineOutputs,
    durableName: names.consumers.pipeline(pipeline, consumer),
    description: `What pipeline ${pipeline.namespace}/${pipeline.name} makes for ${consumer}.`,
    filterSubject: names.toWire(pipelineOutputFilter(pipeline, consumer)),
    ackWaitMs: settings.ackWaitMs,
    maxDeliver: -1,
    maxAckPending: MAX_ACK_PENDING_CONSUMER,
  };
}
