// Decide inputs for tests.
import type { DecideInput } from "../../../core/decide/decision.ts";

/** A plain first attempt of a chat message; say only what matters. */
export function makeInput(over: Partial<DecideInput> = {}): DecideInput {
  return {
    tenantId: "default",
    policyId: "default",
    messageId: "m-1",
    messageType: "chat",
    payloadBytes: 5,
    metadata: {},
    context: {},
    constraints: {},
    pickKey: "key-1",
    attempt: 1,
    explain: false,
    ...over,
  };
}
