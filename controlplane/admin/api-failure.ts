// Failures of the API server as failures of a call.
import { type ApiFailure, isTransient } from "../../kubernetes/failure.ts";
import type { CallFailure } from "../call-failure.ts";

/** `what` is what was tried, such as `list Tenants`. */
export function fromApi(failure: ApiFailure, what: string): CallFailure {
  const message = `could not ${what}: ${failure.message}`;
  if (failure.kind === "Stopped") return { cause: "CALL_TIMEOUT", message: `could not ${what} in time` };
  if (failure.kind === "Forbidden" || failure.kind === "Unauthorized")
    return { cause: "PERMISSION_DENIED", message: `the control plane ${message}` };
  if (failure.kind === "Conflict") return conflictOf(failure, what);
  if (isTransient(failure.kind)) return { cause: "DEPENDENCY_UNAVAILABLE", message };
  return { cause: "POLICY_REFUSED", message };
}

/** Fields of others are theirs: they are named, and nothing is forced. */
function conflictOf({ conflicts, message }: ApiFailure, what: string): CallFailure {
  if (conflicts === undefined)
    return { cause: "REVISION_CONFLICT", message: `could not ${what}: the object changed meanwhile: try again` };
  const managers = [...new Set(conflicts.map((conflict) => conflict.slice(0, conflict.indexOf(": "))))];
  return {
    cause: "POLICY_HELD",
    message: `could not ${what}: ${managers.join(", ")} manages fields of it (${conflicts.join("; ")}): ${message}`,
    values: { managers: managers.join(",") },
  };
}
