// Whether a message that passed intake may enter its pipeline.
import type { DecideRequest } from "../intake/message.ts";
import { quote, type Refusal, refuse } from "../intake/reasons.ts";
import type { PipelineObject } from "../policy/objects.ts";

/** @param registeredTypes of the source; empty or absent: it did not say, and any are taken */
export function refuseInput(
  { spec }: PipelineObject,
  { tenantId, messageType }: DecideRequest,
  registeredTypes: readonly string[] = [],
): Refusal | undefined {
  if (tenantId !== spec.tenantId) return refuse("tenant_mismatch", "tenant_id", "pipeline");
  const types = spec.source.eventTypes ?? registeredTypes;
  if (types.length === 0 || types.includes(messageType)) return undefined;
  return refuse("event_type_not_expected", "message_type", quote(messageType));
}
