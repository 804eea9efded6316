// An event as a consumer reads it: `beamline.flow.v1.Message`, written as the source wrote.

import { JSON_CONTENT, PROTOBUF_CONTENT } from "../../core/handover/header.ts";
import type { BodyEncoding, DecideRequest } from "../../core/intake/message.ts";
import type { PipelineEvent } from "../../core/pipelines/event.ts";
import { Message } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { nodeCodec } from "../../runtime/bytes.ts";

export interface EncodedEvent {
  readonly contentType: string;
  readonly body: Uint8Array;
}

export function encodeEvent(
  request: DecideRequest,
  { type, payload, metadata }: PipelineEvent,
  id: string,
): EncodedEvent {
  const { traceId, runId, flowId, stepId, spanId } = request.correlation;
  const fields = {
    messageId: id,
    tenantId: request.tenantId,
    messageType: type,
    metadata: { ...metadata },
    traceId: traceId ?? "",
    runId: runId ?? "",
    flowId: flowId ?? "",
    stepId: stepId ?? "",
    spanId: spanId ?? "",
  };
  if (isProtobuf(request.encoding)) {
    const message = Message.fromPartial({ ...fields, payload, timestampMs: BigInt(request.timestampMs ?? 0) });
    return { contentType: PROTOBUF_CONTENT, body: Message.encode(message).finish() };
  }
  const json = {
    message_id: id,
    tenant_id: fields.tenantId,
    message_type: type,
    payload: nodeCodec.base64Encode(payload),
    metadata,
    trace_id: traceId,
    run_id: runId,
    flow_id: flowId,
    step_id: stepId,
    span_id: spanId,
    timestamp_ms: request.timestampMs,
  };
  return { contentType: JSON_CONTENT, body: nodeCodec.encodeUtf8(JSON.stringify(json)) };
}

function isProtobuf(encoding: BodyEncoding): boolean {
  return encoding === "protobuf";
}
