// Requests for the tests of this folder, as the validator would let them through.
import type { DecisionRecord, ProviderKey } from "../../../core/handover/record.ts";
import type { DecideRequest } from "../../../core/intake/message.ts";

type RequestFields = Omit<DecideRequest, symbol>;

const FIELDS: RequestFields = {
  encoding: "protobuf",
  schemaVersion: 1,
  tenantId: "demo",
  policyId: "chat",
  messageType: "chat",
  payload: new TextEncoder().encode('{"prompt":"hello"}'),
  metadata: { tier: "gold" },
  context: { session_id: "s-1" },
  correlation: {
    messageId: "m-1",
    runId: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    flowId: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    stepId: "01BX5ZZKBKACTAV9WEVGEMMVRZ",
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    spanId: "00f067aa0ba902b7",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    idempotencyKey: "order-1",
  },
  pushRequested: true,
  constraints: {},
};

/** The brand is the validator's alone; these tests look at what comes after it. */
export function requestOf(changes: Partial<RequestFields> = {}): DecideRequest {
  return { ...FIELDS, ...changes } as unknown as DecideRequest;
}

export const EFFECT_ID = "0123456789abcdef0123456789abcdef";
export const FINGERPRINT = "fedcba9876543210fedcba9876543210";
export const OPENAI: ProviderKey = { namespace: "demo", name: "openai" };

export const RECORD: DecisionRecord = {
  provider_id: "openai",
  reason: "weighted",
  priority: 0,
  expected_latency_ms: 850,
  expected_cost: 0.02,
  metadata: { policy_id: "chat", policy_generation: "3", config_revision: "17", snapshot_version: "0", attempt: "1" },
};
