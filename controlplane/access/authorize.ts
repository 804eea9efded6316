// Whether a caller has the right that a method takes: by its role, or where it has none by the rights of the cluster.
import type { CallFailure } from "../call-failure.ts";
import type { CallSubject } from "./access-control.ts";
import type { Caller } from "./caller.ts";
import { type MethodRight, roleMay } from "./rights.ts";

/** Why the caller may not; undefined when it may. */
export type Refusal = CallFailure | undefined;

export type Authorize = (
  caller: Caller,
  right: MethodRight,
  subject: (() => CallSubject) | undefined,
) => Refusal | Promise<Refusal>;

/** For callers that have a role. */
export const authorizeByRole: Authorize = (caller, right) => {
  if (caller.role !== undefined && roleMay(caller.role, right)) return undefined;
  const { least, component } = right;
  const needed = component ? `${least} or component` : least;
  return denied(`${caller.name} is ${caller.role ?? "of no role"}: this call takes the role ${needed}`, caller);
};

export function denied(message: string, caller: Caller): CallFailure {
  return { cause: "PERMISSION_DENIED", message, values: { caller: caller.name } };
}
