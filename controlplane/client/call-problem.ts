// Why a call to the control plane failed, as data: the status, the reason and the fields that its details name.
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo } from "../../proto/gen/messages/google/rpc/error_details.ts";
import { Status } from "../../proto/gen/messages/google/rpc/status.ts";

export interface FieldViolation {
  readonly field: string;
  readonly reason: string;
  readonly description: string;
}

/** What the promise of a failed call rejects with. */
export class CallProblem extends Error {
  /** Name of the gRPC status, such as `NOT_FOUND`. */
  readonly code: string;
  /** Reason of the control plane, such as `COMPONENT_UNKNOWN`; empty when the transport failed. */
  readonly reason: string;
  readonly violations: readonly FieldViolation[];

  constructor(code: string, message: string, details: Partial<Pick<CallProblem, "reason" | "violations">> = {}) {
    super(message);
    this.name = "CallProblem";
    this.code = code;
    this.reason = details.reason ?? "";
    this.violations = details.violations ?? [];
  }

  /** The control plane did not answer: another replica may. */
  get isOutage(): boolean {
    return this.code === "UNAVAILABLE" || this.code === "DEADLINE_EXCEEDED" || this.code === "CANCELLED";
  }
}

const DETAILS_TRAILER = "grpc-status-details-bin";
/** What grpc-js puts behind a failed connection even when it has nothing to say there. */
const EMPTY_NOTE = /\. Resolution note: *$/;
const TYPE_PREFIX = "type.googleapis.com/google.rpc.";

export function codeName(code: number): string {
  return status[code] ?? String(code);
}

export function callProblem(error: ServiceError): CallProblem {
  const message = (error.details || error.message).replace(EMPTY_NOTE, "");
  return new CallProblem(codeName(error.code), message, detailsOf(error.metadata));
}

function detailsOf(trailer: Metadata | undefined): { reason?: string; violations?: readonly FieldViolation[] } {
  const [bytes] = trailer?.get(DETAILS_TRAILER) ?? [];
  if (!Buffer.isBuffer(bytes)) return {};
  try {
    const { details } = Status.decode(bytes);
    const find = (name: string) => details.find(({ typeUrl }) => typeUrl === `${TYPE_PREFIX}${name}`)?.value;
    const [info, bad] = [find("ErrorInfo"), find("BadRequest")];
    return {
      ...(info === undefined ? {} : { reason: ErrorInfo.decode(info).reason }),
      ...(bad === undefined ? {} : { violations: BadRequest.decode(bad).fieldViolations }),
    };
  } catch {
    // A trailer that something on the way has changed says nothing; the status stands.
    return {};
  }
}
