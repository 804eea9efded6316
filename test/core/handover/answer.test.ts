// Answers: a decision in each encoding, as clients of other implementations read it, and the one error body.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { buildAnswer, buildErrorAnswer } from "../../../core/handover/answer.ts";
import { type AnswerErrorCode, DECIDE_ERROR_CODE, ERROR_STATUS } from "../../../core/handover/error-codes.ts";
import { RouteDecision } from "../../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { RECORD } from "./requests.ts";

const CORRELATION = { requestId: "r-1", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" };

function textOf(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body).toString("utf8"));
}

describe("the answer to a request", () => {
  it("in protobuf is a RouteDecision", () => {
    const { headers, body } = buildAnswer("protobuf", RECORD, CORRELATION, schemaTable, nodeCodec);
    assert.deepEqual(headers, [["Content-Type", "application/x-protobuf"]]);
    const decision = RouteDecision.decode(body);
    assert.equal(decision.providerId, RECORD.provider_id);
    assert.equal(decision.reason, RECORD.reason);
    assert.equal(Number(decision.expectedLatencyMs), RECORD.expected_latency_ms);
    assert.equal(decision.expectedCost, RECORD.expected_cost);
    assert.deepEqual({ ...decision.metadata }, RECORD.metadata);
  });

  it("in proto3 JSON is the same message", () => {
    const { headers, body } = buildAnswer("json", RECORD, CORRELATION, schemaTable, nodeCodec);
    assert.deepEqual(headers, [["Content-Type", "application/json"]]);
    assert.deepEqual(textOf(body), {
      providerId: "openai",
      reason: "weighted",
      priority: 0,
      expectedLatencyMs: "850",
      expectedCost: 0.02,
      metadata: RECORD.metadata,
    });
    const binary = buildAnswer("protobuf", RECORD, CORRELATION, schemaTable, nodeCodec).body;
    const decision = RouteDecision.decode(binary);
    assert.deepEqual(textOf(body), { priority: 0, ...(RouteDecision.toJSON(decision) as object) });
  });

  it("in the older JSON is a DecideResponse", () => {
    const { body } = buildAnswer("compat-json", RECORD, CORRELATION, schemaTable, nodeCodec);
    assert.deepEqual(textOf(body), {
      ok: true,
      decision: { ...RECORD },
      context: { request_id: "r-1", trace_id: CORRELATION.traceId },
    });
  });

  it("names the message where a request has no id", () => {
    const { body } = buildAnswer("compat-json", RECORD, { messageId: "m-1" }, schemaTable, nodeCodec);
    assert.deepEqual((textOf(body) as { context: unknown }).context, { request_id: "m-1" });
  });
});

describe("the answer to a failed request", () => {
  it("is the ErrorResponse with the service headers", () => {
    const error = {
      code: "invalid_request",
      message: "tenant_id is\r\nmissing: 100 %",
      intakeErrorCode: "SCHEMA_VALIDATION_FAILED",
      details: { field: "tenant_id" },
    } as const;
    const { headers, body } = buildErrorAnswer(error, CORRELATION, nodeCodec);
    assert.deepEqual(headers, [
      ["Content-Type", "application/json"],
      ["Nats-Service-Error-Code", "400"],
      ["Nats-Service-Error", "tenant_id is%0D%0Amissing: 100 %25"],
    ]);
    assert.deepEqual(textOf(body), {
      ok: false,
      error: {
        code: "invalid_request",
        message: error.message,
        details: { field: "tenant_id" },
        intake_error_code: "SCHEMA_VALIDATION_FAILED",
      },
      context: { request_id: "r-1", trace_id: CORRELATION.traceId },
    });
  });

  it("says when to try again, in whole seconds for HTTP", () => {
    const error = { code: "unavailable", message: "the assignments stream is full", retryAfterMs: 1500 } as const;
    const { headers, body } = buildErrorAnswer(error, {}, nodeCodec);
    assert.deepEqual(headers.at(-1), ["Retry-After", "2"]);
    assert.deepEqual(textOf(body), {
      ok: false,
      error: { code: "unavailable", message: error.message, details: { retry_after_ms: 1500 } },
      context: { request_id: "" },
    });
  });

  it("has the status of a reason that has one of its own", () => {
    const { headers } = buildErrorAnswer({ code: "invalid_request", message: "x", httpStatus: 409 }, {}, nodeCodec);
    assert.deepEqual(headers[1], ["Nats-Service-Error-Code", "409"]);
  });

  /** The older gateway's map (reference: error.code to HTTP), and the gRPC map of the older router. */
  const statuses: [AnswerErrorCode, number, number][] = [
    ["invalid_request", 400, 3],
    ["unauthorized", 401, 7],
    ["validator_blocked", 403, 7],
    ["policy_not_found", 404, 5],
    ["extension_not_found", 404, 5],
    ["rate_limit_exceeded", 429, 8],
    ["decision_failed", 500, 13],
    ["extension_error", 500, 13],
    ["post_processor_failed", 500, 13],
    ["internal", 500, 13],
    ["unavailable", 503, 14],
    ["extension_unavailable", 503, 14],
    ["extension_timeout", 504, 14],
  ];
  it("maps every code as older gateways do", () => {
    assert.deepEqual(
      Object.entries(ERROR_STATUS).map(([code, { http, grpc }]) => [code, http, grpc]),
      statuses,
    );
    assert.equal(DECIDE_ERROR_CODE.no_provider_available, "decision_failed");
    assert.equal(DECIDE_ERROR_CODE.policy_not_found, "policy_not_found");
  });
});
