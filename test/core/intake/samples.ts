// Messages and rules that the intake tests start from.
import type { HeaderReader, IntakeRules, TenantRules } from "../../../core/intake/message.ts";
import { encodeBinary } from "../../../core/schema/encode-binary.ts";
import type { PlainMessage } from "../../../core/schema/schema.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

export const DECIDE = "beamline.router.v1.decide";
export const ROUTE_REQUEST = "beamline.flow.v1.RouteRequest";

export const noHeaders: HeaderReader = new Map<string, string>();

const tenants: ReadonlyMap<string, TenantRules> = new Map<string, TenantRules>([
  ["tenant_abc", { level: "Baseline", deadLetterPayload: "Full" }],
  ["strict", { level: "Full", deadLetterPayload: "Hash" }],
  ["chat-only", { level: "Baseline", deadLetterPayload: "Full", allowedMessageTypes: new Set(["chat"]) }],
]);

/** Tenants `tenant_abc` (Baseline), `strict` (Full), `chat-only`; policy `full` is at Full, policy `small` takes 8 bytes. */
export const rules: IntakeRules = {
  codec: nodeCodec,
  schemas: schemaTable,
  supportedSchemaVersions: [1],
  maxPayloadBytes: 4096,
  tenantValidationEnabled: true,
  generateTraceIdIfMissing: false,
  newTraceId: () => "0123456789abcdef0123456789abcdef",
  tenant: (id) => tenants.get(id),
  policyLevel: (_, policyId) => (policyId === "full" ? "Full" : undefined),
  policyMaxPayloadBytes: (_, policyId) => (policyId === "small" ? 8 : undefined),
};

/** The correlation fields that level Full requires. */
export const fullFields = {
  run_id: "7b1d4c52-9a3e-4f0b-8c6d-2e5f8a9b0c1d",
  flow_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  step_id: "0e9c8b7a-6d5e-4c3b-a29f-8e7d6c5b4a39",
  idempotency_key: "idem_key",
  trace_id: "0af7651916cd43dd8448eb211c80319c",
};

export function routeRequestBytes(request: PlainMessage): Uint8Array {
  return encodeBinary(schemaTable, ROUTE_REQUEST, request, nodeCodec);
}

export function jsonBytes(value: unknown): Uint8Array {
  return nodeCodec.encodeUtf8(JSON.stringify(value));
}
