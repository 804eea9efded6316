// Why a Router cannot be served from its NATS -> what its status says, with the way out.
import { errors } from "@nats-io/nats-core";
import type { RouterTrouble } from "../../core/reconcile/unserved.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";

const RIGHTS = "give the user of its credentials the rights of operator and router (docs/trust.md)";

export function connectionTrouble(error: unknown): RouterTrouble {
  const trouble = { condition: "Accepted", status: "Unknown" } as const;
  if (isNotPermitted(error))
    return { ...trouble, reason: "NatsNotPermitted", message: `NATS: ${reasonOf(error)}; ${RIGHTS}` };
  if (!(error instanceof BeamlineError)) return { ...trouble, reason: "Unavailable", message: reasonOf(error) };
  const hint = error.hint === undefined ? "" : `. ${error.hint}`;
  const message = `${reasonOf(error)}${hint}`;
  if (error.code === "PERMISSION_DENIED") return { ...trouble, reason: "NatsNotPermitted", message };
  return { ...trouble, reason: error.code.startsWith("NATS_") ? "NatsUnreachable" : "Unavailable", message };
}

/** A request that was refused fails with that as its cause. */
function isNotPermitted(error: unknown): boolean {
  if (error instanceof errors.PermissionViolationError) return true;
  return error instanceof Error && error.cause !== undefined && isNotPermitted(error.cause);
}
