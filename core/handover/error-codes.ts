// The error codes that an answer can carry (those of the older router) and the status each one has over HTTP and gRPC.
import type { DecideErrorCode } from "../decide/decision.ts";

/** What an error code means to a gateway and to a gRPC client. */
interface ErrorStatus {
  readonly http: number;
  /** Number of the gRPC status code. */
  readonly grpc: number;
}

/** Codes of `error.code`, with the statuses that older gateways map them to; docs are generated from this table. */
export const ERROR_STATUS = {
  invalid_request: { http: 400, grpc: 3 },
  /** The tenant may not do this; gRPC PERMISSION_DENIED, since nothing is said about who the caller is. */
  unauthorized: { http: 401, grpc: 7 },
  validator_blocked: { http: 403, grpc: 7 },
  policy_not_found: { http: 404, grpc: 5 },
  extension_not_found: { http: 404, grpc: 5 },
  rate_limit_exceeded: { http: 429, grpc: 8 },
  decision_failed: { http: 500, grpc: 13 },
  extension_error: { http: 500, grpc: 13 },
  post_processor_failed: { http: 500, grpc: 13 },
  internal: { http: 500, grpc: 13 },
  /** Nothing is stored: the same request may succeed later. */
  unavailable: { http: 503, grpc: 14 },
  extension_unavailable: { http: 503, grpc: 14 },
  extension_timeout: { http: 504, grpc: 14 },
} as const satisfies Record<string, ErrorStatus>;

export type AnswerErrorCode = keyof typeof ERROR_STATUS;

/** The answer's code for each way in which a decision can fail. */
export const DECIDE_ERROR_CODE: Readonly<Record<DecideErrorCode, AnswerErrorCode>> = {
  policy_not_found: "policy_not_found",
  rule_evaluation_failed: "decision_failed",
  no_provider_available: "decision_failed",
};
