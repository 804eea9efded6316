// A load of durable messages whose outcome is known before it runs: which effects there must be, and which dead letters.
import { RouteRequest } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";

export interface LoadMessage {
  readonly index: number;
  readonly subject: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  /** The idempotency key, for messages that have one; a repeated one is byte for byte the same. */
  readonly key?: string;
  /** Set for a message that must be refused: the reason of its dead letter. */
  readonly refusedAs?: string;
}

export const LOAD_TENANT = "demo";
const SUBJECT = `beamline.router.v1.submit.${LOAD_TENANT}`;
const encoder = new TextEncoder();

/** Every hundredth message is invalid, the ways taken in turn. */
const INVALID_EVERY = 100;
/** Of ten messages, the two at these places are keyed first uses; the next two repeat keys of the ten before. */
const FIRST_USE = [0, 1];
const REPEAT = [5, 6];

type Invalid = (index: number) => Pick<LoadMessage, "body" | "headers" | "refusedAs">;

const invalidWays: readonly Invalid[] = [
  () => invalid("protobuf_decode_failed", Uint8Array.of(0x0a, 0x7f, 0x01)),
  () => invalid("invalid_json_format", encoder.encode('{"message":')),
  () => invalid("missing_message", encoder.encode('{"policyId":"chat"}')),
  (index) => invalid("missing_tenant_id", protobufBody(index, { tenantId: "" })),
  (index) => invalid("missing_message_type", protobufBody(index, { messageType: "" })),
  (index) => invalid("missing_payload", protobufBody(index, { payload: new Uint8Array() })),
  (index) => invalid("tenant_mismatch", protobufBody(index, { tenantId: "other" })),
  (index) => invalid("future_version", protobufBody(index, {}), [["version", "2"]]),
  (index) => invalid("flow_id_required_when_run_id_present", protobufBody(index, { runId: uuid(index) })),
  (index) => invalid("invalid_trace_id_format", protobufBody(index, { traceId: "tr-123" })),
];

/** The message at a place of the load; pure, so that the whole load need not be kept. */
export function loadMessage(index: number): LoadMessage {
  if (index % INVALID_EVERY === INVALID_EVERY - 1) {
    const way = invalidWays[Math.floor(index / INVALID_EVERY) % invalidWays.length] as Invalid;
    return { index, subject: SUBJECT, ...way(index) };
  }
  const key = keyOf(index);
  // A repetition carries the same content: its body is made from the index of the first use.
  const content = key === undefined ? index : Number(key.slice("key-".length));
  const headers: (readonly [string, string])[] = [];
  const body =
    content % 3 === 0
      ? jsonBody(content, key)
      : protobufBody(content, key === undefined ? {} : { idempotencyKey: key });
  return { index, subject: SUBJECT, headers, body, ...(key === undefined ? {} : { key }) };
}

/** A fifth of the messages repeats the key of an earlier one. */
function keyOf(index: number): string | undefined {
  const place = index % 10;
  if (FIRST_USE.includes(place)) return `key-${index}`;
  if (!REPEAT.includes(place)) return undefined;
  return `key-${index - 5}`;
}

function protobufBody(index: number, change: Partial<NonNullable<RouteRequest["message"]>>): Uint8Array {
  const message = {
    messageId: `m-${index}`,
    tenantId: LOAD_TENANT,
    messageType: "chat",
    payload: encoder.encode(`payload of message ${index} `.repeat(8)),
    metadata: { tier: index % 7 === 0 ? "gold" : "free" },
    ...change,
  };
  return RouteRequest.encode(RouteRequest.fromPartial({ message, policyId: "chat" })).finish();
}

function jsonBody(index: number, key: string | undefined): Uint8Array {
  const payload = Buffer.from(`payload of message ${index}`).toString("base64");
  const message = { messageId: `m-${index}`, tenantId: LOAD_TENANT, messageType: "chat", payload };
  const request = { message, policyId: "chat", ...(key === undefined ? {} : { idempotencyKey: key }) };
  return encoder.encode(JSON.stringify(request));
}

function invalid(reason: string, body: Uint8Array, headers: LoadMessage["headers"] = []) {
  return { refusedAs: reason, body, headers };
}

function uuid(index: number): string {
  return `${index.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
}
