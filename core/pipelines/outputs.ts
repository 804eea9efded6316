// What a pipeline made of one message -> the messages to store, all or none: one an event and consumer, and the mark that it is done.
import type { Codec } from "../codec.ts";
import type { RouterKey } from "../config/entry.ts";
import { streamEffectId } from "../handover/effect-id.ts";
import { encodeHeaderValue, HEADER, type HeaderPair } from "../handover/header.ts";
import { type PipelineKey, pipelineDoneSubject, pipelineOutputSubject } from "../handover/pipeline-subjects.ts";
import { digestParts, toHex } from "../hash.ts";
import type { DecideRequest } from "../intake/message.ts";
import type { PipelineObject } from "../policy/objects.ts";
import type { PipelineEvent } from "./event.ts";

/** As many as a server stores at once. */
export const MAX_STORED_TOGETHER = 1_000;
/** An effect id is the first 16 bytes of its digest. */
const ID_BYTES = 16;
const KEYED_TAG = "beamline.effect.pipeline.v1";
const EVENT_VERSION = "1";
const NO_BYTES = new Uint8Array(0);

export interface StoredTogether {
  readonly subject: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Uint8Array;
  readonly expectLastSequence?: number;
  readonly ttlMs?: number;
}

/** Keyed: by what the source says, within its tenant and this pipeline. Else by where the message stands in its stream. */
export function pipelineEffectId(
  codec: Codec,
  router: RouterKey,
  { namespace, name }: PipelineKey,
  request: DecideRequest,
  position: { readonly streamCreated: string; readonly sequence: number },
): string {
  const key = request.correlation.idempotencyKey;
  if (key === undefined) return streamEffectId(codec, position.streamCreated, position.sequence);
  const parts = [router.namespace, router.name, namespace, name, request.tenantId, key];
  return toHex(digestParts(codec, KEYED_TAG, parts), ID_BYTES);
}

/** Events that one message may come to. */
export function maxEvents({ spec }: PipelineObject): number {
  return Math.floor((MAX_STORED_TOGETHER - 1) / spec.consumers.length);
}

export interface OutputPlan {
  readonly codec: Codec;
  readonly pipeline: PipelineObject;
  readonly request: DecideRequest;
  readonly effectId: string;
  readonly events: readonly PipelineEvent[];
  /** How long it is known that the message is done; milliseconds. */
  readonly doneTtlMs: number;
  /** The body of one event, with its content type. `id` names it for ever. */
  encode(event: PipelineEvent, id: string): { readonly contentType: string; readonly body: Uint8Array };
}

/** The mark first: where it stands already, nothing of this is stored. */
export function planOutputs(plan: OutputPlan): readonly StoredTogether[] {
  const { codec, pipeline, request, effectId, events, doneTtlMs, encode } = plan;
  const { namespace, name } = pipeline.meta;
  const common = commonHeaders(codec, pipeline, request, effectId);
  const done: StoredTogether = {
    subject: pipelineDoneSubject(effectId),
    headers: [],
    body: NO_BYTES,
    expectLastSequence: 0,
    ttlMs: doneTtlMs,
  };
  const outputs = events.flatMap((event, at) => {
    const position = at + 1;
    const { contentType, body } = encode(event, `${effectId}-${position}`);
    const type: HeaderPair = [HEADER.eventType, encodeHeaderValue(codec, event.type)];
    const headers: readonly HeaderPair[] = [[HEADER.contentType, contentType], ...common, type];
    return pipeline.spec.consumers.map((consumer) => ({
      subject: pipelineOutputSubject({ namespace, name }, consumer.name, { effectId, position }),
      headers,
      body,
    }));
  });
  return [done, ...outputs];
}

function commonHeaders(
  codec: Codec,
  { meta }: PipelineObject,
  { tenantId, correlation }: DecideRequest,
  effectId: string,
): readonly HeaderPair[] {
  const { traceId, traceparent } = correlation;
  return [
    [HEADER.version, EVENT_VERSION],
    [HEADER.tenantId, encodeHeaderValue(codec, tenantId)],
    [HEADER.effectId, effectId],
    [HEADER.pipeline, `${meta.namespace}/${meta.name}`],
    ...(traceId === undefined ? [] : [[HEADER.traceId, encodeHeaderValue(codec, traceId)] as const]),
    ...(traceparent === undefined ? [] : [[HEADER.traceparent, encodeHeaderValue(codec, traceparent)] as const]),
  ];
}
