// Tables of what can go wrong: answers of the router, exit codes of processes.
import { DECIDE_ERROR_CODE, ERROR_STATUS } from "../../core/handover/error-codes.ts";
import { INTAKE_CODES, REASONS, type ReasonRow } from "../../core/intake/reasons.ts";
import { EXIT_CODES } from "../../runtime/errors.ts";
import { code, codes, table } from "./markdown.ts";

/** Names of the gRPC status codes in use (grpc/grpc statuscodes). */
const GRPC_STATUS: Readonly<Record<number, string>> = {
  3: "INVALID_ARGUMENT",
  4: "DEADLINE_EXCEEDED",
  5: "NOT_FOUND",
  7: "PERMISSION_DENIED",
  8: "RESOURCE_EXHAUSTED",
  9: "FAILED_PRECONDITION",
  10: "ABORTED",
  11: "OUT_OF_RANGE",
  12: "UNIMPLEMENTED",
  13: "INTERNAL",
  14: "UNAVAILABLE",
  16: "UNAUTHENTICATED",
};

/** `INVALID_ARGUMENT (3)`. Throws on a number without a name: then it is missing above. */
export function grpcStatus(number: number): string {
  const name = GRPC_STATUS[number];
  if (name === undefined) throw new Error(`gRPC status ${number} has no name in docs/scripts/error-tables.ts`);
  return `${name} (${number})`;
}

const rows: readonly (readonly [string, ReasonRow])[] = Object.entries(REASONS);

/** Each code with how many reasons it stands for, and the answer that all of them give. */
export function intakeCodeTable(): string {
  return table(
    ["`intake_error_code`", "Reasons", "`error.code`"],
    INTAKE_CODES.map((name) => {
      const own = rows.filter(([, row]) => row.code === name);
      return [code(name), String(own.length), codes(new Set(own.map(([, row]) => row.errorCode)))];
    }),
  );
}

export function reasonTable(): string {
  return table(
    ["Reason", "Code", "Severity", "JetStream", "Dead letter", "`error.code`", "HTTP", "gRPC", "Raised by", "Message"],
    rows.map(([name, row]) => [
      code(name),
      code(row.code),
      row.severity,
      row.disposition,
      row.deadLetter ? "yes" : "no",
      code(row.errorCode),
      String(row.http),
      grpcStatus(row.grpc),
      row.raisedBy,
      row.message,
    ]),
  );
}

export function answerCodeTable(): string {
  return table(
    ["`error.code`", "HTTP", "gRPC"],
    Object.entries(ERROR_STATUS).map(([name, { http, grpc }]) => [code(name), String(http), grpcStatus(grpc)]),
  );
}

export function decideErrorTable(): string {
  return table(
    ["Why no provider was decided", "`error.code`"],
    Object.entries(DECIDE_ERROR_CODE).map(([reason, answer]) => [code(reason), code(answer)]),
  );
}

export function exitCodeTable(): string {
  return table(
    ["Code", "Exit code"],
    Object.entries(EXIT_CODES).map(([name, exit]) => [code(name), String(exit)]),
  );
}
