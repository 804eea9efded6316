// The three tests that the proto plan names for the fields of its second checkpoint, under their names: from bytes, through
// the schema and intake, to the decision.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decide } from "../../../core/decide/decide.ts";
import { emptySnapshot } from "../../../core/decide/decision.ts";
import type { DecideRequest } from "../../../core/intake/message.ts";
import { validateIntakeMessage } from "../../../core/intake/validate-intake-message.ts";
import { compileTable } from "../../../core/policy/compile.ts";
import { decodeBinary } from "../../../core/schema/decode-binary.ts";
import { RouteRequest } from "../../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { makeInput } from "../decide/input.ts";
import { parseWritten } from "../policy/fixtures.ts";
import { DECIDE, fullFields, noHeaders, ROUTE_REQUEST, rules } from "./samples.ts";

/** Policy `default` of tenant_abc: openai, and anthropic when openai is no candidate, so that the answer depends on no hash. */
function tableOfTenantAbc() {
  const tenant = parseWritten({
    kind: "Tenant",
    name: "older",
    spec: { tenantId: "tenant_abc", namespaces: ["default"] },
  });
  const providers = [
    { name: "openai", weight: 70 },
    { name: "anthropic", weight: 30, priority: 1 },
  ];
  const spec = { tenantId: "tenant_abc", providers };
  const policy = parseWritten({ kind: "RoutingPolicy", name: "default", namespace: "default", spec });
  const { table, problems } = compileTable([tenant, policy]);
  assert.deepEqual(problems, []);
  return table;
}

const cp1Message = {
  messageId: "msg_123",
  tenantId: "tenant_abc",
  messageType: "chat",
  payload: nodeCodec.encodeUtf8("Hello"),
};

/** As a client with the generated code of this repository sends it. */
function encode(request: Parameters<typeof RouteRequest.fromPartial>[0]): Uint8Array {
  return RouteRequest.encode(RouteRequest.fromPartial(request)).finish();
}

function accept(bytes: Uint8Array): DecideRequest {
  const result = validateIntakeMessage("decide", DECIDE, noHeaders, bytes, rules);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

function decideProvider(request: DecideRequest): string {
  const { tenantId, policyId, messageType, metadata, context, constraints, correlation } = request;
  const messageId = correlation.messageId ?? "";
  const pickKey = correlation.idempotencyKey ?? "0";
  const input = makeInput({ tenantId, policyId, messageType, messageId, metadata, context, constraints, pickKey });
  const result = decide(input, tableOfTenantAbc(), emptySnapshot);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.provider.providerId;
}

describe("seed 000", () => {
  it("cp2_message_with_fields_test", () => {
    const { run_id: runId, flow_id: flowId, step_id: stepId } = fullFields;
    const cp2 = { runId, flowId, stepId, idempotencyKey: "idem_key", spanId: "b7ad6b7169203331" };
    const request = accept(encode({ message: { ...cp1Message, ...cp2 }, policyId: "default" }));
    assert.equal(decideProvider(request), "openai");
    assert.deepEqual(request.correlation, { messageId: "msg_123", requestId: "msg_123", ...cp2 });
  });

  it("cp2_message_with_fields_test: its own identifiers decode, and intake refuses them by the formats of seed 004", () => {
    const cp2 = {
      runId: "run_xyz",
      flowId: "flow_123",
      stepId: "step_1",
      idempotencyKey: "idem_key",
      spanId: "span_abc",
    };
    const bytes = encode({ message: { ...cp1Message, ...cp2 }, policyId: "default" });
    const decoded = decodeBinary(schemaTable, ROUTE_REQUEST, bytes, nodeCodec);
    assert.ok(decoded.ok);
    const { run_id, flow_id, step_id, idempotency_key, span_id } = decoded.value.message as Record<string, unknown>;
    const read = { runId: run_id, flowId: flow_id, stepId: step_id, idempotencyKey: idempotency_key, spanId: span_id };
    assert.deepEqual(read, cp2);
    const result = validateIntakeMessage("decide", DECIDE, noHeaders, bytes, rules);
    assert.equal(result.ok ? undefined : result.error.reason, "invalid_run_id_format");
  });

  it("cp1_message_without_cp2_fields_test", () => {
    const request = accept(encode({ message: cp1Message, policyId: "default" }));
    assert.equal(decideProvider(request), "openai");
    assert.deepEqual(request.correlation, { messageId: "msg_123", requestId: "msg_123" });
  });

  it("cp2_route_request_with_idempotency_key_test", () => {
    const message = { ...cp1Message, idempotencyKey: "message_idem_key" };
    const request = accept(encode({ message, policyId: "default", idempotencyKey: "request_idem_key" }));
    assert.equal(decideProvider(request), "openai");
    assert.equal(request.correlation.idempotencyKey, "request_idem_key");
  });
});
