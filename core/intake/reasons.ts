// THE table: why a message is refused, and what follows from it - code, severity, disposition, dead letter, answer, texts.
import { type AnswerErrorCode, ERROR_STATUS } from "../handover/error-codes.ts";

/** The seven codes of the intake contract (seed 004 and the older router). */
export const INTAKE_CODES = [
  "SCHEMA_VALIDATION_FAILED",
  "VERSION_UNSUPPORTED",
  "CORRELATION_FIELDS_INVALID",
  "TENANT_FORBIDDEN",
  "IDEMPOTENCY_VIOLATION",
  "PAYLOAD_TOO_SMALL",
  "INTERNAL_VALIDATION_ERROR",
] as const;

export type IntakeCode = (typeof INTAKE_CODES)[number];

/** What follows from a refusal. */
export interface ReasonRow {
  readonly code: IntakeCode;
  readonly severity: "error" | "warning";
  /** Of a JetStream delivery: `term` is final, `nak` brings it back and counts as an error of the message. */
  readonly disposition: "term" | "nak";
  /** Whether a record goes to the dead-letter stream first. */
  readonly deadLetter: boolean;
  /** `error.code` of the answer. */
  readonly errorCode: AnswerErrorCode;
  /** Status of the answer over HTTP and gRPC: that of `errorCode`. */
  readonly http: number;
  readonly grpc: number;
  /** Who finds it: intake itself, or the router after a message was accepted. */
  readonly raisedBy: "intake" | "router";
  /** Text for people; `{field}` and `{detail}` are filled in. */
  readonly message: string;
}

interface RowOptions {
  readonly severity?: ReasonRow["severity"];
  readonly disposition?: ReasonRow["disposition"];
  readonly deadLetter?: boolean;
  readonly errorCode?: AnswerErrorCode;
  readonly raisedBy?: ReasonRow["raisedBy"];
}

function row(code: IntakeCode, message: string, options: RowOptions = {}): ReasonRow {
  const errorCode = options.errorCode ?? "invalid_request";
  const { http, grpc } = ERROR_STATUS[errorCode];
  return {
    code,
    severity: options.severity ?? "error",
    disposition: options.disposition ?? "term",
    deadLetter: options.deadLetter ?? true,
    errorCode,
    http,
    grpc,
    raisedBy: options.raisedBy ?? "intake",
    message,
  };
}

const schema = (message: string) => row("SCHEMA_VALIDATION_FAILED", message);
const version = (message: string) => row("VERSION_UNSUPPORTED", message);
const correlation = (message: string) => row("CORRELATION_FIELDS_INVALID", message);
const tenant = (message: string) => row("TENANT_FORBIDDEN", message, { errorCode: "unauthorized" });
const internal = (message: string, options: RowOptions) =>
  row("INTERNAL_VALIDATION_ERROR", message, { errorCode: "internal", raisedBy: "router", ...options });

const blocked = (errorCode: AnswerErrorCode) =>
  row("SCHEMA_VALIDATION_FAILED", "Refused by the policy's {detail}", { errorCode, raisedBy: "router" });

const MISSING = "Required field {field} is missing";
const UUID_OR_ULID = "Field {field} must be a UUIDv4 or a ULID";

/** Every reason, by the name that seed 004 or the older router gave it. */
export const REASONS = {
  payload_too_large: schema("The payload is too large: {detail}"),
  protobuf_decode_failed: schema("The body is not a valid protobuf message: {detail}"),
  invalid_json_format: schema("The body is not a JSON object: {detail}"),
  invalid_field_type: schema("Field {field} has the wrong type: {detail}"),
  invalid_field_value: schema("Field {field} has a value that its type cannot hold: {detail}"),
  missing_message: schema(MISSING),
  invalid_request_id_format: schema("Field {field} must be a string"),
  invalid_task_format: schema("Field {field} must be an object"),
  invalid_task_type: schema("Field {field} must be a string"),
  invalid_payload_format: schema("Field {field} must be an object"),

  missing_schema_version: version("No schema version in header, body or subject"),
  unsupported_version: version("Unsupported schema version: {detail}"),
  future_version: version("The schema version is newer than this router: {detail}"),
  version_mismatch: version("The schema versions of header, body and subject differ: {detail}"),

  missing_tenant_id: correlation(MISSING),
  missing_run_id: correlation(MISSING),
  missing_flow_id: correlation(MISSING),
  missing_step_id: correlation(MISSING),
  flow_id_required_when_run_id_present: correlation("Field flow_id is required when run_id is present"),
  step_id_required_when_run_id_present: correlation("Field step_id is required when run_id is present"),
  run_id_required_when_flow_id_present: correlation("Field run_id is required when flow_id is present"),
  run_id_required_when_step_id_present: correlation("Field run_id is required when step_id is present"),
  flow_id_required_when_step_id_present: correlation("Field flow_id is required when step_id is present"),
  invalid_run_id_format: correlation(UUID_OR_ULID),
  invalid_flow_id_format: correlation(UUID_OR_ULID),
  invalid_step_id_format: correlation(UUID_OR_ULID),
  missing_idempotency_key: correlation(MISSING),
  empty_idempotency_key: correlation("Field {field} is empty"),
  idempotency_key_too_long: correlation("Field {field} is longer than 256 characters"),
  invalid_idempotency_key_format: correlation("Field {field} is not valid Unicode text"),
  missing_trace_id: correlation(MISSING),
  invalid_trace_id_format: correlation(
    "Field {field} must be 32 hex digits that are not all zero, a UUIDv4, or 16 hex digits",
  ),
  invalid_span_id_format: correlation("Field {field} must be 16 hex digits that are not all zero"),
  missing_request_id: correlation(MISSING),
  empty_request_id: correlation("Field {field} is empty"),
  missing_message_type: correlation(MISSING),
  missing_payload: correlation(MISSING),
  missing_task: correlation(MISSING),
  missing_task_type: correlation(MISSING),
  empty_task_type: correlation("Field {field} is empty"),
  missing_task_payload: correlation("One of task.payload and task.payload_ref is required"),

  tenant_not_allowed: tenant("Tenant {detail} is not known to this router"),
  message_type_not_allowed: tenant("The tenant may not send messages of type {detail}"),
  tenant_mismatch: tenant("The tenant of the message is not that of the {detail}"),

  payload_too_small: row("PAYLOAD_TOO_SMALL", "The payload is too small: {detail}", { severity: "warning" }),

  idempotency_key_reused: row("IDEMPOTENCY_VIOLATION", "The idempotency key stands for another message", {
    severity: "warning",
    raisedBy: "router",
  }),
  event_type_not_expected: row("SCHEMA_VALIDATION_FAILED", "The pipeline's source gives no events of type {detail}", {
    raisedBy: "router",
  }),
  processor_refused: row("SCHEMA_VALIDATION_FAILED", "Refused by {detail}", { raisedBy: "router" }),
  pipeline_output_too_large: internal("What the pipeline made of the message exceeds a bound: {detail}", {}),
  pipeline_not_found: internal("This router runs no pipeline {detail}", {}),
  pre_processor_blocked: blocked("validator_blocked"),
  validator_blocked: blocked("validator_blocked"),
  post_processor_blocked: blocked("post_processor_failed"),
  idempotency_check_failed: internal("Whether the effect exists could not be found out: {detail}", {
    disposition: "nak",
    deadLetter: false,
    errorCode: "unavailable",
  }),
  internal_error: internal("Validation failed through a fault of the router: {detail}", {
    disposition: "nak",
    deadLetter: false,
  }),
  redelivered_after_window: internal(
    "Redelivered after its effect could have been forgotten; dispatching again is not risked",
    {},
  ),
  poison_suspected: internal("Delivered too often without an outcome: {detail}", {}),
  decision_failed: internal("No decision after the last retry: {detail}", { errorCode: "decision_failed" }),
  step_failed: internal("A step of the policy was not passed after the last retry: {detail}", {
    errorCode: "extension_error",
  }),
  retries_exhausted: internal("Not handled after the last retry: {detail}", {}),
} as const satisfies Record<string, ReasonRow>;

export type IntakeReason = keyof typeof REASONS;

/** The row of a reason as records carry it. Throws on a name that is not in the table: that is a bug. */
export function reasonRow(reason: string): ReasonRow {
  if (!Object.hasOwn(REASONS, reason)) throw new Error(`no such intake reason: ${reason}`);
  return REASONS[reason as IntakeReason];
}

/** One rule found broken. */
export interface Refusal {
  readonly reason: IntakeReason;
  /** Path of the field, by .proto names. */
  readonly field?: string;
  /** What was found or expected; text of the sender in it is shortened by `quote`. */
  readonly detail?: string;
}

export function refuse(reason: IntakeReason, field?: string, detail?: string): Refusal {
  return { reason, ...(field === undefined ? {} : { field }), ...(detail === undefined ? {} : { detail }) };
}

/** The sentence for people. */
export function describeRefusal({ reason, field, detail }: Refusal): string {
  return REASONS[reason].message.replace(/\{(field|detail)\}/g, (_, name) => (name === "field" ? field : detail) ?? "");
}

/** Characters of a sender's text that a sentence repeats. */
const QUOTED_CHARACTERS = 64;

/** A sender's text as it may stand in a sentence: in quotes, on one line, shortened. */
export function quote(text: string): string {
  return JSON.stringify(text.length <= QUOTED_CHARACTERS ? text : `${text.slice(0, QUOTED_CHARACTERS)}…`);
}
