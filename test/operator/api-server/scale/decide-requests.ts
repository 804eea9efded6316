// Requests for decisions whose answers can be worked out: a session fixes the provider, every fourth one is for the rule.
import { RouteDecision, RouteRequest } from "../../../../proto/gen/messages/beamline/flow/v1/flow.ts";

/** One decision as a router answered it. */
export interface Answer {
  readonly messageId: string;
  readonly tenantId: string;
  readonly policyId: string;
  readonly session: number;
  readonly revision: number;
  readonly generation: number;
  readonly providerId: string;
  readonly reason: string;
  readonly rule: string;
}

export type Question = Pick<Answer, "messageId" | "tenantId" | "policyId" | "session">;

export const PAYLOAD = Buffer.from('{"text":"hello"}');
const RULE_EVERY = 4;
/** An error answer is JSON and begins with it; a RouteDecision begins with the tag of its first field. */
const BRACE = 0x7b;

export function requestMetadata(session: number): Record<string, string> {
  return { tier: session % RULE_EVERY === 0 ? "gold" : "silver" };
}

export function requestContext(session: number): Record<string, string> {
  return { session_id: `session-${session}` };
}

export function encodeQuestion({ messageId, tenantId, policyId, session }: Question): Uint8Array {
  const message = {
    messageId,
    tenantId,
    messageType: "chat",
    payload: PAYLOAD,
    metadata: requestMetadata(session),
    timestampMs: BigInt(Date.now()),
  };
  return RouteRequest.encode(
    RouteRequest.fromPartial({ message, policyId, context: requestContext(session) }),
  ).finish();
}

/** Undefined for a policy that the router does not know (yet); throws for any other error. */
export function decodeAnswer(question: Question, data: Uint8Array): Answer | undefined {
  if (data[0] === BRACE) {
    const text = Buffer.from(data).toString("utf8");
    const { error } = JSON.parse(text) as { readonly error: { readonly details?: { readonly reason?: string } } };
    if (error.details?.reason === "policy_not_found") return undefined;
    throw new Error(text);
  }
  const { providerId, reason, metadata } = RouteDecision.decode(data);
  return {
    ...question,
    revision: Number(metadata.config_revision),
    generation: Number(metadata.policy_generation),
    providerId,
    reason,
    rule: metadata.rule ?? "",
  };
}
