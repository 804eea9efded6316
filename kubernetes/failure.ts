// Why a request to the API server did not do what it should: one closed union, made from status, body and headers.
import type { Result } from "../core/result.ts";
import { BeamlineError } from "../runtime/errors.ts";

/**
 * What a caller can do about a failure:
 * - `NotFound`: the object, or the kind itself, does not exist;
 * - `AlreadyExists`: a create found the name taken;
 * - `Conflict`: the object has changed or is another one, or a field belongs to somebody else; read again;
 * - `Expired`: the version or continue token is older than what the server keeps; list again (410);
 * - `Throttled`: the server is overloaded; the request was not run (429);
 * - `Unauthorized`, `Forbidden`: credentials or RBAC;
 * - `Invalid`: the server will never accept this request as it is;
 * - `ServerError`: the server failed (5xx), the request may have been run;
 * - `Unreachable`: no answer, or half of one; the request may have been run;
 * - `Stopped`: the caller ended it, or lost the right to write before it was sent.
 */
export type FailureKind =
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Expired"
  | "Throttled"
  | "Unauthorized"
  | "Forbidden"
  | "Invalid"
  | "ServerError"
  | "Unreachable"
  | "Stopped";

export interface ApiFailure {
  readonly kind: FailureKind;
  /** HTTP status, absent when there was no answer. */
  readonly status?: number;
  /** For people; names the object as the server does. */
  readonly message: string;
  /** The server's wish before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Fields of an apply that other managers hold, as `<manager>: <field>`. */
  readonly conflicts?: readonly string[];
}

export type ApiResult<T> = Result<T, ApiFailure>;

const MAX_MESSAGE_LENGTH = 1_024;
const MAX_CONFLICTS = 32;
const MS_PER_SECOND = 1_000;
/** A server that asks for more is asked again after this. */
export const MAX_RETRY_AFTER_MS = 60_000;

const BY_REASON: Readonly<Record<string, FailureKind>> = {
  NotFound: "NotFound",
  AlreadyExists: "AlreadyExists",
  Conflict: "Conflict",
  Expired: "Expired",
  Gone: "Expired",
  TooManyRequests: "Throttled",
  Unauthorized: "Unauthorized",
  Forbidden: "Forbidden",
  Invalid: "Invalid",
  BadRequest: "Invalid",
};

const BY_STATUS: Readonly<Record<number, FailureKind>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  429: "Throttled",
};

/** The failure that a response stands for; `body` is a `metav1.Status`, or whatever a proxy wrote instead. */
export function failureOf(status: number, body: unknown, retryAfter?: string): ApiFailure {
  const { reason, message, details } = readStatus(body);
  const retryAfterMs = parseRetryAfter(retryAfter) ?? secondsToMs(details.retryAfterSeconds);
  const conflicts = readConflicts(details.causes);
  const kind = (reason === undefined ? undefined : BY_REASON[reason]) ?? BY_STATUS[status] ?? kindOfClass(status);
  return {
    kind: correctKind(kind, message, details.causes),
    status,
    message: (message ?? `the API server answered ${status}`).slice(0, MAX_MESSAGE_LENGTH),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(conflicts.length === 0 ? {} : { conflicts }),
  };
}

function kindOfClass(status: number): FailureKind {
  const SERVER_ERRORS = 500;
  return status >= SERVER_ERRORS ? "ServerError" : "Invalid";
}

/**
 * Two answers that say less than they mean (kube-apiserver 1.35): an apply with the uid of an object that was replaced is
 * called invalid, and an apply that the schema can never accept is called an internal error.
 */
function correctKind(kind: FailureKind, message: string | undefined, causes: unknown): FailureKind {
  if (kind === "Invalid" && asList(causes).some(({ field }) => field === "metadata.uid")) return "Conflict";
  if (kind === "ServerError" && message?.startsWith("failed to create typed patch object") === true) return "Invalid";
  return kind;
}

/** Seconds, as the API server writes it; a date, which only proxies write, is left to the back-off. */
export function parseRetryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header.trim()) ? secondsToMs(Number(header)) : undefined;
}

function secondsToMs(seconds: unknown): number | undefined {
  if (typeof seconds !== "number" || !(seconds > 0)) return undefined;
  return Math.min(seconds * MS_PER_SECOND, MAX_RETRY_AFTER_MS);
}

interface StatusBody {
  readonly reason?: string;
  readonly message?: string;
  readonly details: { readonly retryAfterSeconds?: unknown; readonly causes?: unknown };
}

function readStatus(body: unknown): StatusBody {
  if (typeof body === "string") return body.trim() === "" ? { details: {} } : { message: body.trim(), details: {} };
  const status = asRecord(body);
  return {
    ...(typeof status.reason === "string" ? { reason: status.reason } : {}),
    ...(typeof status.message === "string" && status.message !== "" ? { message: status.message } : {}),
    details: asRecord(status.details),
  };
}

const FIELD_MANAGER_CONFLICT = "FieldManagerConflict";
const CONFLICT_WITH = /^conflict with "([^"]*)"/;

function readConflicts(causes: unknown): string[] {
  return asList(causes)
    .filter(({ reason }) => reason === FIELD_MANAGER_CONFLICT)
    .slice(0, MAX_CONFLICTS)
    .map(({ message, field }) => `${CONFLICT_WITH.exec(String(message))?.[1] ?? "unknown"}: ${String(field)}`);
}

function asList(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asRecord) : [];
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Whether the same request may succeed later without anybody changing anything. */
export function isTransient(kind: FailureKind): boolean {
  return kind === "Throttled" || kind === "ServerError" || kind === "Unreachable" || kind === "Expired";
}

/** For callers that cannot go on: `what` is what was tried, such as `list RoutingPolicy`. */
export function errorOf(failure: ApiFailure, what: string): BeamlineError {
  const message = `could not ${what}: ${failure.message}`;
  switch (failure.kind) {
    case "Unauthorized":
      return new BeamlineError("PERMISSION_DENIED", message, {
        hint: "Check the kubeconfig or the service account's token.",
      });
    case "Forbidden":
      return new BeamlineError("PERMISSION_DENIED", message, {
        hint: "Grant it by RBAC; the chart's roles hold all that is needed.",
      });
    case "NotFound":
    case "Invalid":
      return new BeamlineError("CONFIG_INVALID", message);
    default:
      return new BeamlineError("UNAVAILABLE", message);
  }
}
