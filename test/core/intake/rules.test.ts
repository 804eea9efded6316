// The intake rules by their own names, at the edges that no whole message shows well.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { validateCorrelationFields, validateProcessIdentifiers } from "../../../core/intake/correlation.ts";
import { validateIdempotency, validateIdempotencyKeyFormat } from "../../../core/intake/idempotency.ts";
import { validateUuidOrUlid } from "../../../core/intake/identifier.ts";
import { describeRefusal, INTAKE_CODES, REASONS, reasonRow, refuse } from "../../../core/intake/reasons.ts";
import { validateSchema } from "../../../core/intake/schema.ts";
import {
  parseTraceparent,
  readTraceFields,
  validateTraceFields,
  validateTraceIdFormat,
} from "../../../core/intake/trace.ts";
import { validateVersion, versionOfSubject } from "../../../core/intake/version.ts";
import { DECIDE, fullFields, jsonBytes, noHeaders, rules } from "./samples.ts";

const { run_id: runId, flow_id: flowId, step_id: stepId } = fullFields;

describe("validateUuidOrUlid", () => {
  const good = [runId, runId.toUpperCase(), flowId, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"];
  const bad = [
    "550e8400-e29b-11d4-a716-446655440000", // version 1
    "550e8400-e29b-41d4-c716-446655440000", // variant of Microsoft
    "550e8400e29b41d4a716446655440000",
    `${runId} `,
    `${runId}\n`,
    flowId.toLowerCase(),
    "01ARZ3NDEKTSV4RRFFQ69G5FAU", // no U in the alphabet
    "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", // more than 128 bits
    "run_abc123",
  ];
  for (const id of good) it(`accepts ${id}`, () => assert.equal(validateUuidOrUlid(id), true));
  for (const id of bad) it(`refuses ${JSON.stringify(id)}`, () => assert.equal(validateUuidOrUlid(id), false));
});

describe("validateProcessIdentifiers", () => {
  it("gives the seed's reason for each of the eight combinations", () => {
    const reasons = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => {
      const ids = {
        runId: bits & 4 ? runId : undefined,
        flowId: bits & 2 ? flowId : undefined,
        stepId: bits & 1 ? stepId : undefined,
      };
      return validateProcessIdentifiers(ids, "Baseline")?.reason;
    });
    assert.deepEqual(reasons, [
      undefined,
      "run_id_required_when_step_id_present",
      "run_id_required_when_flow_id_present",
      "run_id_required_when_flow_id_present",
      "flow_id_required_when_run_id_present",
      "flow_id_required_when_run_id_present",
      "step_id_required_when_run_id_present",
      undefined,
    ]);
  });

  it("asks for presence first, then for formats, at level Full", () => {
    const of = (ids: object) => validateProcessIdentifiers({ runId, flowId, stepId, ...ids }, "Full")?.reason;
    assert.equal(of({ runId: "x", stepId: undefined }), "missing_step_id");
    assert.equal(of({ runId: "x", stepId: "y" }), "invalid_run_id_format");
    assert.equal(of({}), undefined);
  });

  it("comes after the tenant", () => {
    const none = { tenantId: undefined, runId, flowId: undefined, stepId: undefined };
    assert.equal(validateCorrelationFields(none, "Baseline")?.reason, "missing_tenant_id");
    const named = { ...none, tenantId: "t" };
    assert.equal(validateCorrelationFields(named, "Baseline")?.reason, "flow_id_required_when_run_id_present");
  });
});

describe("validateIdempotency", () => {
  it("counts characters, not units: 1 to 256", () => {
    assert.equal(validateIdempotencyKeyFormat("")?.reason, "empty_idempotency_key");
    for (const good of ["k", " ", "\u0000", "k".repeat(256), "😀".repeat(256)]) {
      assert.equal(validateIdempotencyKeyFormat(good), undefined);
    }
    for (const long of ["k".repeat(257), "😀".repeat(257), `${"😀".repeat(256)}k`]) {
      assert.equal(validateIdempotencyKeyFormat(long)?.reason, "idempotency_key_too_long");
    }
    assert.equal(validateIdempotencyKeyFormat("k\udc00")?.reason, "invalid_idempotency_key_format");
  });

  it("requires a key at level Full only", () => {
    assert.equal(validateIdempotency(undefined, "Full")?.reason, "missing_idempotency_key");
    assert.equal(validateIdempotency(undefined, "Baseline"), undefined);
  });
});

describe("trace fields", () => {
  const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  it("knows the three formats of a trace id", () => {
    const good = ["0af7651916cd43dd8448eb211c80319c", "4BF92F3577B34DA6", runId];
    const bad = ["0".repeat(32), "0".repeat(16), "g".repeat(32), "4bf92f3577b34da", flowId, "tr-123", ""];
    for (const id of good) assert.equal(validateTraceIdFormat(id), true, id);
    for (const id of bad) assert.equal(validateTraceIdFormat(id), false, id);
  });

  it("reads a traceparent as W3C says", () => {
    const expected = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", parentId: "00f067aa0ba902b7" };
    assert.deepEqual(parseTraceparent(parent), expected);
    assert.deepEqual(parseTraceparent(`cc${parent.slice(2)}-more`), expected);
    const bad = [
      `ff${parent.slice(2)}`,
      `${parent}-more`,
      parent.toUpperCase(),
      parent.slice(0, -1),
      `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
      `00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`,
      `cc${parent.slice(2)}-${"x".repeat(300)}`,
    ];
    for (const text of bad) assert.equal(parseTraceparent(text), undefined, text);
  });

  it("takes body before header before traceparent, and no span of another trace", () => {
    const none = { bodyTraceId: undefined, bodySpanId: undefined, headerTraceId: undefined, headerSpanId: undefined };
    const of = (sources: object) => readTraceFields({ ...none, traceparent: parent, ...sources });
    const { traceId, spanId, traceparent } = of({});
    assert.deepEqual([traceId, spanId, traceparent], ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", parent]);
    assert.equal(of({ headerTraceId: "h", bodyTraceId: "b" }).traceId, "b");
    assert.equal(of({ headerTraceId: "h" }).traceId, "h");
    assert.equal(of({ headerTraceId: "h" }).spanId, undefined);
    assert.equal(of({ bodySpanId: "s" }).spanId, "s");
  });

  it("makes a trace id only at level Full and only when told to", () => {
    const none = { traceId: undefined, spanId: undefined, traceparent: undefined };
    const make = () => "f".repeat(32);
    assert.deepEqual(validateTraceFields(none, "Full", make), {
      ok: true,
      value: { ...none, traceId: make(), generated: true },
    });
    assert.deepEqual(validateTraceFields(none, "Baseline", make), { ok: true, value: { ...none, generated: false } });
    const refused = validateTraceFields(none, "Full", undefined);
    assert.equal(refused.ok ? undefined : refused.error.reason, "missing_trace_id");
    const span = validateTraceFields({ ...none, spanId: "0".repeat(16) }, "Baseline", undefined);
    assert.equal(span.ok ? undefined : span.error.reason, "invalid_span_id_format");
  });
});

describe("validateVersion", () => {
  it("finds the version of a subject at its fixed place only", () => {
    assert.equal(versionOfSubject(DECIDE), "1");
    assert.equal(versionOfSubject("beamline.router.v12.submit.v3"), "12");
    assert.equal(versionOfSubject("beamline.router.v1.decide.tenant.v2"), "1");
    for (const other of [
      "caf.exec.v2.decide",
      "beamline.router.x.v1.decide",
      "beamline.router.v1",
      "beamline.router.v1.decided",
    ]) {
      assert.equal(versionOfSubject(other), undefined, other);
    }
  });

  const cases: readonly [
    header: string | undefined,
    body: string | undefined,
    subject: string,
    outcome: number | string,
  ][] = [
    [undefined, undefined, DECIDE, 1],
    ["1", "1", DECIDE, 1],
    ["01", undefined, DECIDE, 1],
    [undefined, "1", "other", 1],
    [undefined, undefined, "other", "missing_schema_version"],
    ["v1", undefined, DECIDE, "unsupported_version"],
    ["-1", undefined, DECIDE, "unsupported_version"],
    ["0", undefined, DECIDE, "unsupported_version"],
    ["2", "1", DECIDE, "future_version"],
    [undefined, "10", DECIDE, "future_version"],
    ["1", "2", DECIDE, "version_mismatch"],
    ["1", "x", DECIDE, "version_mismatch"],
    ["1", undefined, "beamline.router.v2.decide", "version_mismatch"],
  ];
  for (const [header, body, subject, outcome] of cases) {
    it(`header ${header}, body ${body}, ${subject}: ${outcome}`, () => {
      const result = validateVersion({ header, body, subject }, [1]);
      assert.equal(result.ok ? result.value : result.error.reason, outcome);
    });
  }
});

describe("validateSchema", () => {
  it("takes every value that older clients send for push_assignment, and no other", () => {
    const push = (value: unknown) => {
      const body = {
        version: "1",
        request_id: "r",
        tenant_id: "t",
        task: { type: "x", payload_ref: "y" },
        push_assignment: value,
      };
      const result = validateSchema("decide", noHeaders, jsonBytes(body), rules);
      return result.ok ? result.value.pushRequested : result.error.reason;
    };
    assert.deepEqual([true, "true", 1, false, "false", 0, null].map(push), [
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    assert.deepEqual([2, "yes", []].map(push), ["invalid_field_type", "invalid_field_type", "invalid_field_type"]);
  });

  it("takes null for absent when it tells the bodies apart", () => {
    const body = { message: null, request_id: "r", task: { type: "x", payload_ref: "y" } };
    const result = validateSchema("decide", noHeaders, jsonBytes(body), rules);
    assert.equal(result.ok ? result.value.encoding : undefined, "compat-json");
  });
});

describe("the reasons table", () => {
  it("has every code, and one disposition that fits its dead letter", () => {
    const rows = Object.values(REASONS);
    assert.deepEqual(new Set(rows.map(({ code }) => code)), new Set(INTAKE_CODES));
    for (const [reason, row] of Object.entries(REASONS)) {
      // What comes back is not dead; what is dead does not come back (contracts.md "Intake").
      assert.equal(row.deadLetter, row.disposition === "term", reason);
      if (row.code !== "INTERNAL_VALIDATION_ERROR") assert.equal(row.deadLetter, true, reason);
    }
  });

  it("fills its sentences and shortens nothing else", () => {
    assert.equal(describeRefusal(refuse("missing_tenant_id", "tenant_id")), "Required field tenant_id is missing");
    assert.equal(
      describeRefusal(refuse("invalid_field_type", "a", "{field} $& $1")),
      "Field a has the wrong type: {field} $& $1",
    );
  });

  it("treats an unknown reason as a bug", () => {
    for (const name of ["no_such_reason", "toString", "__proto__"])
      assert.throws(() => reasonRow(name), /no such intake reason/);
  });
});
