// The table of how calls of the control plane fail.
import { CAUSES, type Cause } from "../../controlplane/call-failure.ts";
import { grpcStatus } from "./error-tables.ts";
import { code, duration, table } from "./markdown.ts";

/** One row a reason, in the order of the code. */
export function callFailureTable(): string {
  const causes = Object.entries(CAUSES) as [Cause, { code: number; meaning: string; retryAfterMs?: number }][];
  return table(
    ["Reason", "gRPC", "Try again after", "Meaning"],
    causes.map(([reason, row]) => [
      code(reason),
      grpcStatus(row.code),
      row.retryAfterMs === undefined ? "" : duration(row.retryAfterMs),
      row.meaning,
    ]),
  );
}
