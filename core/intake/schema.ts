// The schema rule: every byte that enters goes through a generated schema, JSON too (seed 004, 1).
import type { Codec } from "../codec.ts";
import { err, ok, type Result } from "../result.ts";
import { decodeBinary } from "../schema/decode-binary.ts";
import { decodeJson } from "../schema/decode-json.ts";
import { describeProblem, type SchemaProblem } from "../schema/problem.ts";
import type { SchemaTable } from "../schema/schema.ts";
import { isJsonObject } from "../schema/well-known.ts";
import { parseJsonBody, writingOf } from "./body.ts";
import { type DecodedMessage, fromCompatRequest, fromRouteRequest } from "./decoded.ts";
import type { HeaderReader } from "./message.ts";
import { type IntakeReason, type Refusal, refuse } from "./reasons.ts";
import { validateVerbatim } from "./verbatim.ts";

/** What a decide message is. */
export const DECIDE_MESSAGE = "beamline.flow.v1.RouteRequest";
/** What it was in the older router; JSON only. */
export const COMPAT_DECIDE_MESSAGE = "beamline.compat.v1.DecideRequest";

/** Fields of which the older body has some and a RouteRequest none. */
const COMPAT_FIELDS = ["task", "request_id", "version"];

/** Reasons that the older router gave for a wrong type at one place. */
const REASON_BY_PATH: Readonly<Record<string, IntakeReason>> = {
  request_id: "invalid_request_id_format",
  task: "invalid_task_format",
  "task.type": "invalid_task_type",
  "task.payload": "invalid_payload_format",
};

/** What older clients send for a bool in push_assignment, beside the bool. */
const PUSH_VALUES: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ["true", true],
  ["false", false],
  [1, true],
  [0, false],
]);

/** Field version beside a RouteRequest in JSON: no field of its schema, but some clients send it. */
const VERSION_TYPES: ReadonlySet<string> = new Set(["undefined", "string", "number"]);

/** A refusal, with the JSON object as far as there is one: its identifiers belong into the answer. */
export interface SchemaRefusal extends Refusal {
  readonly body?: Readonly<Record<string, unknown>>;
}

export interface SchemaRules {
  readonly codec: Codec;
  readonly schemas: SchemaTable;
}

/** Decodes a decide message by its schema: protobuf or proto3 JSON RouteRequest, or the older JSON body. */
export function validateSchema(
  kind: "decide",
  headers: HeaderReader,
  bytes: Uint8Array,
  rules: SchemaRules,
): Result<DecodedMessage, SchemaRefusal> {
  switch (kind) {
    case "decide":
      return writingOf(headers, bytes) === "json" ? decodeJsonBody(bytes, rules) : decodeProtobufBody(bytes, rules);
  }
}

function decodeProtobufBody(bytes: Uint8Array, { codec, schemas }: SchemaRules): Result<DecodedMessage, SchemaRefusal> {
  const decoded = decodeBinary(schemas, DECIDE_MESSAGE, bytes, codec);
  if (!decoded.ok)
    return err(refuse("protobuf_decode_failed", decoded.error.path || undefined, describeProblem(decoded.error)));
  if (decoded.value.message === undefined) return err(refuse("missing_message", "message"));
  return ok(fromRouteRequest(decoded.value, "protobuf", undefined));
}

function decodeJsonBody(bytes: Uint8Array, rules: SchemaRules): Result<DecodedMessage, SchemaRefusal> {
  const { codec, schemas } = rules;
  const parsed = parseJsonBody(bytes, codec);
  if (!parsed.ok) return parsed;
  const body = parsed.value.object;
  if (isCompat(body)) {
    const spoilt = validateVerbatim(parsed.value.text, body);
    if (spoilt !== undefined) return err({ ...spoilt, body });
    const request = decodeJson(schemas, COMPAT_DECIDE_MESSAGE, normalizePush(body), codec);
    return request.ok
      ? ok(fromCompatRequest(request.value, body, codec))
      : err({ ...refuseProblem(request.error), body });
  }
  const request = decodeJson(schemas, DECIDE_MESSAGE, body, codec);
  if (!request.ok) return err({ ...refuseProblem(request.error), body });
  if (request.value.message === undefined) return err({ ...refuse("missing_message", "message"), body });
  if (!VERSION_TYPES.has(typeof body.version)) {
    return err({ ...refuse("invalid_field_type", "version", "expected string or number"), body });
  }
  return ok(fromRouteRequest(request.value, "json", body.version));
}

function isCompat(body: Readonly<Record<string, unknown>>): boolean {
  const present = (field: string) => body[field] !== undefined && body[field] !== null;
  return !present("message") && COMPAT_FIELDS.some(present);
}

function normalizePush(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const push = PUSH_VALUES.get(body.push_assignment);
  return push === undefined ? body : { ...body, push_assignment: push };
}

function refuseProblem(problem: SchemaProblem): Refusal {
  const field = problem.path || undefined;
  const detail = `expected ${problem.expected}`;
  if (problem.rule === "unicode" && problem.path.endsWith("idempotency_key")) {
    return refuse("invalid_idempotency_key_format", field);
  }
  if (problem.rule !== "type") return refuse("invalid_field_value", field, detail);
  const reason = Object.hasOwn(REASON_BY_PATH, problem.path) ? REASON_BY_PATH[problem.path] : undefined;
  return refuse(reason ?? "invalid_field_type", field, detail);
}

/** Text fields of a JSON body that could not be decoded, by .proto name, its `message` included. */
export function textFieldsOf(body: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  if (body === undefined) return {};
  return isJsonObject(body.message) ? { ...body, ...body.message } : body;
}
