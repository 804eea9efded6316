// Decide requests in the three encodings, and what their answers hold.
import type { Msg } from "@nats-io/nats-core";
import { RouteDecision, RouteRequest } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";

export const TENANT = "demo";
export const DECIDE = "beamline.router.v1.decide";
export const SUBMIT = `beamline.router.v1.submit.${TENANT}`;

export type Encoding = "protobuf" | "json" | "compat-json";

export interface RequestFields {
  readonly policy?: string;
  readonly key?: string;
  readonly tenant?: string;
  readonly payload?: string;
  readonly push?: boolean;
  readonly messageId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** As JSON it is both a payload in bytes and a `task.payload`. */
const PAYLOAD = '{"text":"hello there"}';
const MESSAGE_TYPE = "chat";

export function encodeRequest(encoding: Encoding, fields: RequestFields = {}): Uint8Array {
  switch (encoding) {
    case "protobuf":
      return protobufRequest(fields);
    case "json":
      return encoder.encode(JSON.stringify(jsonRequest(fields)));
    case "compat-json":
      return encoder.encode(JSON.stringify(compatRequest(fields)));
  }
}

function protobufRequest({ policy, key, tenant, payload, push, messageId, metadata }: RequestFields): Uint8Array {
  const message = {
    messageId: messageId ?? "m-1",
    tenantId: tenant ?? TENANT,
    messageType: MESSAGE_TYPE,
    payload: encoder.encode(payload ?? PAYLOAD),
    metadata: metadata ?? {},
  };
  const context = push ? { "beamline.push": "true" } : {};
  const request = { message, policyId: policy ?? "chat", idempotencyKey: key ?? "", context };
  return RouteRequest.encode(RouteRequest.fromPartial(request)).finish();
}

function jsonRequest({ policy, key, tenant, payload, push, messageId, metadata }: RequestFields): object {
  const message = {
    messageId: messageId ?? "m-1",
    tenantId: tenant ?? TENANT,
    messageType: MESSAGE_TYPE,
    payload: Buffer.from(payload ?? PAYLOAD).toString("base64"),
    metadata: metadata ?? {},
  };
  return {
    message,
    policyId: policy ?? "chat",
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(push ? { context: { "beamline.push": "true" } } : {}),
  };
}

function compatRequest({ policy, key, tenant, payload, push, messageId }: RequestFields): object {
  return {
    version: "1",
    request_id: messageId ?? "r-1",
    tenant_id: tenant ?? TENANT,
    task: { type: MESSAGE_TYPE, payload: JSON.parse(payload ?? PAYLOAD) as unknown },
    policy_id: policy ?? "chat",
    ...(key === undefined ? {} : { idempotency_key: key }),
    ...(push ? { push_assignment: true } : {}),
  };
}

/** A decision, by the names of the protobuf message, whatever the encoding of the answer. */
export interface AnsweredDecision {
  readonly providerId: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface AnsweredError {
  readonly ok: false;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly intake_error_code?: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
  readonly context: Readonly<Record<string, string>>;
}

/** Throws when the answer carries no decision in this encoding. */
export function readDecision(encoding: Encoding, msg: Msg): AnsweredDecision {
  const code = msg.headers?.get("Nats-Service-Error-Code");
  if (code) throw new Error(`answered ${code}: ${decoder.decode(msg.data)}`);
  if (encoding === "protobuf") {
    const { providerId, reason, metadata } = RouteDecision.decode(msg.data);
    return { providerId, reason, metadata };
  }
  const body = msg.json<AnsweredDecision & { decision: { provider_id: string } & AnsweredDecision }>();
  if (encoding === "json") return { providerId: body.providerId, reason: body.reason, metadata: body.metadata };
  const { provider_id: providerId, reason, metadata } = body.decision;
  return { providerId, reason, metadata };
}

/** Throws when the answer is none. */
export function readError(msg: Msg): AnsweredError & { readonly status: string } {
  const status = msg.headers?.get("Nats-Service-Error-Code") ?? "";
  const body = msg.json<AnsweredError>();
  if (status === "" || body.ok !== false) throw new Error(`no error answer: ${decoder.decode(msg.data)}`);
  return { ...body, status };
}
