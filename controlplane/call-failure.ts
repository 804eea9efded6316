// How a call can fail: the closed list of causes, the gRPC status of each, and the details that go with it.
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { FieldProblem } from "../core/registry/field-problem.ts";
import { BadRequest, ErrorInfo, RetryInfo } from "../proto/gen/messages/google/rpc/error_details.ts";
import { Status } from "../proto/gen/messages/google/rpc/status.ts";
import { BeamlineError, type ErrorCode } from "../runtime/errors.ts";

interface CauseRow {
  readonly code: status;
  /** When trying again can help: the least wait. */
  readonly retryAfterMs?: number;
  readonly meaning: string;
}

/** Every cause, by the reason that ErrorInfo carries. */
export const CAUSES = {
  FIELDS_INVALID: {
    code: status.INVALID_ARGUMENT,
    meaning: "fields of the request break rules; BadRequest names each field, its rule and what would be right",
  },
  COMPONENT_UNKNOWN: {
    code: status.NOT_FOUND,
    meaning: "no such component is registered; a component that gets this answer to a heartbeat registers again",
  },
  SERVICE_UNKNOWN: {
    code: status.NOT_FOUND,
    meaning: "health of a service was asked for that this server does not have",
  },
  INSTANCE_SUPERSEDED: {
    code: status.NOT_FOUND,
    meaning: "another instance has registered under the id since; the one that gets this answer should end",
  },
  REGISTRY_FULL: {
    code: status.RESOURCE_EXHAUSTED,
    retryAfterMs: 30_000,
    meaning: "the registry holds as many components as it may",
  },
  TOO_MANY_STREAMS: {
    code: status.RESOURCE_EXHAUSTED,
    retryAfterMs: 5_000,
    meaning: "as many streams of this kind, or of this caller, are open as there may be",
  },
  RATE_LIMITED: {
    code: status.RESOURCE_EXHAUSTED,
    retryAfterMs: 100,
    meaning: "the caller calls more often than one caller may; RetryInfo has the wait that is left",
  },
  ANSWER_TOO_LARGE: {
    code: status.RESOURCE_EXHAUSTED,
    meaning: "the answer of a call without pages would be too large; the message says what to call instead",
  },
  RESUME_TOKEN_EXPIRED: {
    code: status.OUT_OF_RANGE,
    meaning: "changes after the token are no longer kept, or it is of an earlier process: watch again without a token",
  },
  WATCH_TOO_SLOW: {
    code: status.ABORTED,
    meaning: "the client read so slowly that changes were dropped: watch again without a token",
  },
  REVISION_CONFLICT: {
    code: status.ABORTED,
    meaning: "the configuration stands at another revision than the one to be replaced: read it and try again",
  },
  POLICY_UNKNOWN: { code: status.NOT_FOUND, meaning: "the tenant has no policy of this id" },
  TENANT_UNKNOWN: {
    code: status.NOT_FOUND,
    meaning: "there is no place for policies of this tenant: no Tenant has the id, and no namespace is named like it",
  },
  POLICY_HELD: {
    code: status.FAILED_PRECONDITION,
    meaning:
      "somebody else manages the policy, or fields of it; ErrorInfo names the field managers, or the file. Nothing is forced",
  },
  POLICY_REFUSED: {
    code: status.FAILED_PRECONDITION,
    meaning: "the API server does not take the policy as it is; the message has its reason",
  },
  CONSUMER_UNKNOWN: {
    code: status.NOT_FOUND,
    meaning: "there is no such consumer on NATS, so nothing is known to wait",
  },
  FEATURE_OFF: {
    code: status.UNIMPLEMENTED,
    meaning: "this control plane is not set up for the call; the message names the setting",
  },
  CALL_TIMEOUT: {
    code: status.DEADLINE_EXCEEDED,
    meaning: "the call was not finished within its deadline, or within the default one when it had none",
  },
  STOPPING: {
    code: status.UNAVAILABLE,
    retryAfterMs: 500,
    meaning: "this process is ending: call again, on another connection",
  },
  DEPENDENCY_UNAVAILABLE: {
    code: status.UNAVAILABLE,
    retryAfterMs: 1_000,
    meaning: "something that the call needs does not answer",
  },
  UNAUTHENTICATED: {
    code: status.UNAUTHENTICATED,
    meaning: "nothing that proves who calls was sent, or it is not known, expired or revoked",
  },
  PERMISSION_DENIED: { code: status.PERMISSION_DENIED, meaning: "the caller, or this process, lacks a right" },
  INTERNAL: { code: status.INTERNAL, meaning: "a defect of the control plane; its log has the cause" },
} as const satisfies Record<string, CauseRow>;

export type Cause = keyof typeof CAUSES;

/** Who gives the reasons their meaning, for ErrorInfo. */
export const ERROR_DOMAIN = "control.beamline.dev";

/** Why a call fails. Returned by handlers; what they throw is a BeamlineError or a defect. */
export interface CallFailure {
  readonly cause: Cause;
  readonly message: string;
  readonly problems?: readonly FieldProblem[];
  /** Values that belong to the cause, for ErrorInfo. */
  readonly values?: Readonly<Record<string, string>>;
  /** The wait in this case, instead of the one that the cause has. */
  readonly retryAfterMs?: number;
}

/** A failure of `problems`; the message is that of the first one. */
export function fieldsInvalid(problems: readonly FieldProblem[]): CallFailure {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const said = first === undefined ? "" : `${first.field}: ${describeProblem(first)}`;
  return { cause: "FIELDS_INVALID", message: `${said}${more}`, problems };
}

function describeProblem({ message, value }: FieldProblem): string {
  return value === undefined ? message : `${value} ${message}`;
}

/** Codes that a process can fail with, as causes; the others are defects when they reach a call. */
const CAUSE_OF_ERROR: Partial<Readonly<Record<ErrorCode, Cause>>> = {
  INPUT_INVALID: "FIELDS_INVALID",
  UNAVAILABLE: "DEPENDENCY_UNAVAILABLE",
  NATS_UNREACHABLE: "DEPENDENCY_UNAVAILABLE",
  STREAM_MISSING: "DEPENDENCY_UNAVAILABLE",
  STORAGE_FULL: "DEPENDENCY_UNAVAILABLE",
  STORAGE_READ_ONLY: "DEPENDENCY_UNAVAILABLE",
  DEADLINE_EXCEEDED: "CALL_TIMEOUT",
  PERMISSION_DENIED: "PERMISSION_DENIED",
};

/** Whatever a handler threw, as a failure. A defect says nothing of itself to the caller. */
export function failureOf(thrown: unknown): CallFailure {
  if (!(thrown instanceof BeamlineError))
    return { cause: "INTERNAL", message: "the control plane failed; see its log" };
  const cause = CAUSE_OF_ERROR[thrown.code] ?? "INTERNAL";
  return { cause, message: thrown.hint === undefined ? thrown.message : `${thrown.message} (${thrown.hint})` };
}

/** The trailer in which clients of every language look for details. */
const DETAILS_TRAILER = "grpc-status-details-bin";
const TYPE_PREFIX = "type.googleapis.com/google.rpc.";
const MS_PER_S = 1_000;
const NANOS_PER_MS = 1_000_000;
/** A trailer is a header: a request with a thousand bad fields must not break the connection's limit on them. */
const MAX_VIOLATIONS = 16;

/** The status that ends the call, with its details in the trailer. */
export function toStatus(failure: CallFailure): StatusObject {
  const row: CauseRow = CAUSES[failure.cause];
  const info = { reason: failure.cause, domain: ERROR_DOMAIN, metadata: { ...failure.values } };
  const details = [detail("ErrorInfo", ErrorInfo.encode(info).finish())];
  if (failure.problems !== undefined) {
    const fieldViolations = failure.problems.slice(0, MAX_VIOLATIONS).map((problem) => {
      return { field: problem.field, description: describeProblem(problem), reason: problem.rule.toUpperCase() };
    });
    details.push(detail("BadRequest", BadRequest.encode({ fieldViolations }).finish()));
  }
  const retryAfterMs = failure.retryAfterMs ?? row.retryAfterMs;
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / MS_PER_S);
    const nanos = (retryAfterMs % MS_PER_S) * NANOS_PER_MS;
    details.push(detail("RetryInfo", RetryInfo.encode({ retryDelay: { seconds: BigInt(seconds), nanos } }).finish()));
  }
  const metadata = new Metadata();
  const bytes = Status.encode({ code: row.code, message: failure.message, details }).finish();
  metadata.set(DETAILS_TRAILER, Buffer.from(bytes));
  // A cut in the middle of a surrogate pair cannot be written into a header.
  return { code: row.code, details: failure.message.toWellFormed(), metadata };
}

function detail(name: string, value: Uint8Array): { typeUrl: string; value: Uint8Array } {
  return { typeUrl: `${TYPE_PREFIX}${name}`, value };
}
