// Every reason that intake can raise, and every encoding that it accepts, with answer table row and dead letter.
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "mocha";
import { buildDeadLetter } from "../../../core/intake/dead-letter.ts";
import type { DecideRequest } from "../../../core/intake/message.ts";
import { REASONS, reasonRow } from "../../../core/intake/reasons.ts";
import { validateIntakeMessage } from "../../../core/intake/validate-intake-message.ts";
import { decodeJson } from "../../../core/schema/decode-json.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { goldenNames, goldenSuite, readGoldenOutput } from "../../support/golden.ts";
import { DECIDE, jsonBytes, ROUTE_REQUEST, routeRequestBytes, rules } from "./samples.ts";

const dir = join(import.meta.dirname, "../../golden/intake");

/** 2025-01-27T12:00:00Z, the time in the seed's example. */
const NOW_MS = 1_737_979_200_000;

interface GoldenInput {
  readonly note: string;
  readonly subject?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** One of: JSON value, proto3 JSON of a RouteRequest to be sent as protobuf, text, or hex. */
  readonly body:
    | { readonly json: unknown }
    | { readonly protobuf: unknown }
    | { readonly text: string }
    | { readonly hex: string };
  readonly rules?: Readonly<Record<string, unknown>>;
  /** Stream position of a durable message. */
  readonly position?: { readonly stream: string; readonly streamCreated: string; readonly sequence: number };
  readonly deadLetter?: { readonly payload?: "Full" | "Hash"; readonly subjects?: "Common" | "PerKind" };
}

function bytesOf(body: GoldenInput["body"]): Uint8Array {
  if ("json" in body) return jsonBytes(body.json);
  if ("text" in body) return nodeCodec.encodeUtf8(body.text);
  if ("hex" in body) return Buffer.from(body.hex, "hex");
  const request = decodeJson(schemaTable, ROUTE_REQUEST, body.protobuf, nodeCodec);
  assert.ok(request.ok, "the golden input is no RouteRequest");
  return routeRequestBytes(request.value);
}

function showRequest(request: DecideRequest): unknown {
  const payload = nodeCodec.decodeUtf8(request.payload) ?? `base64:${nodeCodec.base64Encode(request.payload)}`;
  return { ...request, payload };
}

function run(input: GoldenInput): unknown {
  const { subject = DECIDE, deadLetter } = input;
  const headers = new Map(Object.entries(input.headers ?? {}));
  const body = bytesOf(input.body);
  const result = validateIntakeMessage("decide", subject, headers, body, { ...rules, ...input.rules });
  if (result.ok) return { accepted: showRequest(result.value), warnings: result.warnings };
  const source = { subject, headers, body, position: input.position, nowMs: NOW_MS };
  const { payload = "Full", subjects = "Common" } = deadLetter ?? {};
  const letter = buildDeadLetter(result.error, source, { codec: nodeCodec, router: "default", payload, subjects });
  const record: unknown = JSON.parse(nodeCodec.decodeUtf8(letter.body) ?? "");
  return { rejected: result.error, row: reasonRow(result.error.reason), deadLetter: { ...letter, body: record } };
}

/** Reasons that no golden of intake can have, and where they come from. */
const RAISED_ELSEWHERE: Readonly<Record<string, string>> = {
  empty_idempotency_key:
    "validateIdempotencyKeyFormat on the key of a header; in a message an empty key is an absent one",
  flow_id_required_when_step_id_present: "never first in the seed's order of dependencies",
  idempotency_key_reused: "router/handle.ts",
  idempotency_check_failed: "router/reject.ts",
  internal_error: "router/reject.ts",
  redelivered_after_window: "router/handle.ts",
  poison_suspected: "router/handle.ts",
  pre_processor_blocked: "router/steps.ts",
  validator_blocked: "router/steps.ts",
  post_processor_blocked: "router/steps.ts",
  step_failed: "router/steps.ts",
  decision_failed: "router/reject.ts",
  retries_exhausted: "router/reject.ts",
  event_type_not_expected: "core/pipelines/take-input.ts",
  processor_refused: "router/pipelines/run-pipeline.ts",
  pipeline_output_too_large: "router/pipelines/run-pipeline.ts",
  pipeline_not_found: "router/pipelines/run-pipeline.ts",
};

describe("intake goldens", () => {
  goldenSuite({ dir, run: (input) => run(input as GoldenInput) });

  it("has one for each reason, unless it is raised elsewhere", () => {
    const outputs = goldenNames(dir).map((name) => readGoldenOutput(dir, name) as { rejected?: { reason: string } });
    const reasons = new Set(outputs.flatMap(({ rejected }) => (rejected === undefined ? [] : [rejected.reason])));
    const expected = Object.keys(REASONS).filter((reason) => !Object.hasOwn(RAISED_ELSEWHERE, reason));
    assert.deepEqual([...reasons].sort(), expected.sort());
  });

  it("lists nothing as raised elsewhere that the table lacks", () => {
    for (const reason of Object.keys(RAISED_ELSEWHERE)) assert.ok(Object.hasOwn(REASONS, reason), reason);
  });

  it("accepts one of each encoding", () => {
    type Output = { accepted?: { encoding: string } };
    const outputs = goldenNames(dir).map((name) => readGoldenOutput(dir, name) as Output);
    const encodings = new Set(outputs.flatMap(({ accepted }) => (accepted === undefined ? [] : [accepted.encoding])));
    assert.deepEqual([...encodings].sort(), ["compat-json", "json", "protobuf"]);
  });
});
