// The messages of the benchmark: one shape, 700 bytes, each with its number in it so that outputs can be counted by name.
import { RouteDecision, RouteRequest } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";

export const BENCH_TENANT = "bench";
export const BENCH_POLICY = "chat";

const PAYLOAD_BYTES = 256;
const NUMBER_DIGITS = 12;
const UUID_HEAD = "6f1d3c52-8a4b-4e0f-9c7d-";
const KEY_HEAD = "order-7c1e-";
/** Field 4 of RouteRequest, length-delimited. */
const KEY_TAG = 0x22;

const message = {
  messageId: `${UUID_HEAD}${"0".repeat(NUMBER_DIGITS)}`,
  tenantId: BENCH_TENANT,
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  messageType: "chat",
  payload: Uint8Array.from({ length: PAYLOAD_BYTES }, (_, index) => 32 + (index % 95)),
  metadata: { tier: "silver", region: "eu-central-1", conversation: "e3b7a5d1-52c8-4f2e-8f0b-6a9d4c1e7b20" },
  timestampMs: 1_790_000_000_000n,
  runId: "0b7f6f0e-3f5e-4a53-8f3b-2f8f0d9f6a11",
  flowId: "5d1f2b9c-6a35-4c0e-9a59-7b6f1c2d3e4f",
  stepId: "c2a9d7e4-1b3c-4d5e-8f6a-7b8c9d0e1f2a",
  spanId: "00f067aa0ba902b7",
};
const context = { customer: "8a1c6e2f-0d4b-4c7a-b5e9-3f2d1a6c8b74", channel: "web" };

const bare = Buffer.from(
  RouteRequest.encode(RouteRequest.fromPartial({ message, policyId: BENCH_POLICY, context })).finish(),
);
const numberAt = bare.indexOf(UUID_HEAD) + UUID_HEAD.length;

/** A message with a number (0..10^12-1) as part of its id; the same bytes each time. */
export function unkeyedBody(index: number): Uint8Array {
  const body = Buffer.from(bare);
  body.write(digits(index), numberAt, "latin1");
  return body;
}

/** As `unkeyedBody`, with the idempotency key of that number. */
export function keyedBody(index: number): Uint8Array {
  const key = benchKey(index);
  const body = Buffer.allocUnsafe(bare.length + 2 + key.length);
  bare.copy(body);
  body.write(digits(index), numberAt, "latin1");
  body[bare.length] = KEY_TAG;
  body[bare.length + 1] = key.length;
  body.write(key, bare.length + 2, "latin1");
  return body;
}

export function benchKey(index: number): string {
  return KEY_HEAD + digits(index);
}

/** The number of a message, from its bytes. */
export function numberOf(body: Uint8Array): number {
  return Number(
    Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1", numberAt, numberAt + NUMBER_DIGITS),
  );
}

/** The same message as proto3 JSON. */
export function jsonBody(): Uint8Array {
  const request = {
    message: { ...message, timestampMs: String(message.timestampMs) },
    policyId: BENCH_POLICY,
    context,
  };
  const payload = Buffer.from(message.payload).toString("base64");
  return Buffer.from(JSON.stringify({ ...request, message: { ...request.message, payload } }));
}

/** About the same message as the older JSON request. */
export function compatBody(): Uint8Array {
  const request = {
    version: "1",
    request_id: message.messageId,
    tenant_id: BENCH_TENANT,
    trace_id: message.traceId,
    task: { type: "chat", payload: { text: Buffer.from(message.payload).toString("latin1") } },
    policy_id: BENCH_POLICY,
    metadata: { ...message.metadata, ...context },
    run_id: message.runId,
    flow_id: message.flowId,
    step_id: message.stepId,
    span_id: message.spanId,
  };
  return Buffer.from(JSON.stringify(request));
}

/** An answer of the size that routers give: what the bare responders answer. */
export const decisionBytes: Uint8Array = RouteDecision.encode(
  RouteDecision.fromPartial({
    providerId: "anthropic",
    reason: "weighted",
    expectedLatencyMs: 700n,
    expectedCost: 0.01,
    metadata: { policy_generation: "1", config_revision: "6", snapshot_version: "0", attempt: "1" },
  }),
).finish();

function digits(index: number): string {
  return String(index).padStart(NUMBER_DIGITS, "0");
}
