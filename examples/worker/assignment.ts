// Reads an assignment as it comes from NATS, in either encoding, and writes the two answers in the same one.
import { headers, type JsMsg, type MsgHdrs } from "nats";
import { ExecAssignment, ExecAssignmentAck, ExecResult } from "../../proto/gen/messages/beamline/worker/v1/worker.ts";

/** What a worker has to know of an assignment, whichever way it was written. */
export interface Assignment {
  readonly encoding: "json" | "protobuf";
  /** The same for every attempt at one piece of work: what a worker remembers to do nothing twice. */
  readonly effectId: string;
  readonly assignmentId: string;
  /** Proves that an answer belongs to this attempt; goes back unchanged. */
  readonly attemptToken: string;
  readonly providerId: string;
  readonly tenantId: string;
  readonly requestId: string;
  readonly traceId: string;
  readonly jobType: string;
  readonly payload: Uint8Array;
  /** Milliseconds since the Unix epoch after which nobody waits for the result; undefined = no limit. */
  readonly deadlineMs: number | undefined;
  /** Run, flow, step, span and idempotency key: they go back unchanged. */
  readonly correlation: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly status: "success" | "error" | "timeout" | "cancelled";
  readonly latencyMs: number;
  readonly cost: number;
  readonly errorCode?: string;
  readonly errorMessage?: string;
}

/** An answer, ready to publish. */
export interface Answer {
  readonly body: Uint8Array;
  readonly headers: MsgHdrs;
}

/** Fields that acknowledgement and result share, by their proto names. */
type AnswerFields = Readonly<Record<string, unknown>>;

const CORRELATION_FIELDS = ["run_id", "flow_id", "step_id", "span_id", "idempotency_key"] as const;

/** Throws when the body is not an assignment. */
export function readAssignment(message: JsMsg): Assignment {
  const header = (name: string): string => message.headers?.get(name) ?? "";
  const encoding = header("Content-Type").includes("json") ? "json" : "protobuf";
  const body = encoding === "json" ? message.json<Record<string, unknown>>() : protobufBody(message.data);
  const job = record(body.job);
  const correlation = record(body.correlation);
  const deadlineMs = Number(header("Beamline-Deadline"));
  return {
    encoding,
    effectId: header("Beamline-Effect-Id"),
    assignmentId: required(body, "assignment_id"),
    attemptToken: header("Beamline-Attempt-Token"),
    providerId: text(record(body.executor).provider_id),
    tenantId: required(body, "tenant_id"),
    requestId: text(body.request_id),
    traceId: text(correlation.trace_id) || header("trace_id"),
    jobType: text(job.type),
    payload:
      job.payload instanceof Uint8Array ? job.payload : Buffer.from(JSON.stringify(job.payload ?? job.payload_ref)),
    deadlineMs: deadlineMs > 0 ? deadlineMs : undefined,
    correlation: Object.fromEntries(CORRELATION_FIELDS.map((name) => [name, text(correlation[name])])),
  };
}

function protobufBody(data: Uint8Array): Record<string, unknown> {
  const { job, executor, correlation, ...rest } = ExecAssignment.decode(data);
  return {
    assignment_id: rest.assignmentId,
    tenant_id: rest.tenantId,
    request_id: rest.requestId,
    job: { type: job?.type, payload: job?.payload },
    executor: { provider_id: executor?.providerId },
    correlation: {
      trace_id: correlation?.traceId,
      run_id: correlation?.runId,
      flow_id: correlation?.flowId,
      step_id: correlation?.stepId,
      span_id: correlation?.spanId,
      idempotency_key: correlation?.idempotencyKey,
    },
  };
}

/** Says that the work is taken, or why not. */
export function writeAcknowledgement(
  assignment: Assignment,
  status: "accepted" | "rejected" | "error",
  message = "",
): Answer {
  const fields = { ...sharedFields(assignment), status, message, acknowledged_at: Date.now() };
  const body =
    assignment.encoding === "json"
      ? jsonBody(fields)
      : ExecAssignmentAck.encode(ExecAssignmentAck.fromJSON(fields)).finish();
  return { body, headers: answerHeaders(assignment, `ack:${assignment.assignmentId}`) };
}

/** Says how the work ended. */
export function writeResult(assignment: Assignment, outcome: Outcome): Answer {
  const fields = {
    ...sharedFields(assignment),
    version: "1",
    status: outcome.status,
    provider_id: assignment.providerId,
    job: { type: assignment.jobType },
    latency_ms: outcome.latencyMs,
    cost: outcome.cost,
    timestamp: Date.now(),
    error_code: outcome.errorCode,
    error_message: outcome.errorMessage,
  };
  const body =
    assignment.encoding === "json" ? jsonBody(fields) : ExecResult.encode(ExecResult.fromJSON(fields)).finish();
  return { body, headers: answerHeaders(assignment, `result:${assignment.assignmentId}`) };
}

function sharedFields(assignment: Assignment): AnswerFields {
  const { assignmentId, requestId, traceId, tenantId, attemptToken, correlation } = assignment;
  const ids = { assignment_id: assignmentId, request_id: requestId, trace_id: traceId, tenant_id: tenantId };
  return { ...ids, ...correlation, schema_version: "1", attempt_token: attemptToken };
}

/** An empty string counts as absent, so it is left out. */
function jsonBody(fields: AnswerFields): Uint8Array {
  const present = Object.entries(fields).filter(([, value]) => value !== "" && value !== undefined);
  return Buffer.from(JSON.stringify(Object.fromEntries(present)));
}

function answerHeaders(assignment: Assignment, msgId: string): MsgHdrs {
  const answer = headers();
  answer.set("Content-Type", assignment.encoding === "json" ? "application/json" : "application/x-protobuf");
  answer.set("version", "1");
  answer.set("tenant_id", assignment.tenantId);
  if (assignment.traceId !== "") answer.set("trace_id", assignment.traceId);
  answer.set("Beamline-Attempt-Token", assignment.attemptToken);
  answer.set("Nats-Msg-Id", msgId);
  return answer;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function required(body: Record<string, unknown>, field: string): string {
  const value = text(body[field]);
  if (value === "") throw new Error(`the assignment has no ${field}`);
  return value;
}
