// What can be wrong with an object among the others, though it is right by itself.
import type { BeamlineObject, ObjectKind } from "./spec.ts";

/**
 * - `Conflict`: an older policy has the same tenant and policy id, or an object stands twice.
 * - `TenantNotPermitted`: the namespace may not write policies for this tenant.
 * - `QuotaExceeded`: more than the Tenant allows.
 * - `InvalidExpression`: a rule's expression does not compile.
 * - `RefNotFound`, `RefNotPermitted`: a provider of another namespace is not there, or does not name this one.
 */
export type CompileReason =
  | "Conflict"
  | "TenantNotPermitted"
  | "QuotaExceeded"
  | "InvalidExpression"
  | "RefNotFound"
  | "RefNotPermitted";

export interface CompileProblem {
  readonly kind: ObjectKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly reason: CompileReason;
  readonly message: string;
  /** The field, when one is to blame. */
  readonly path?: string;
  /** Whether the object is left out of the table; with a reference that leads nowhere only that provider is. */
  readonly rejected: boolean;
}

export function describeProblem(
  { kind, meta }: BeamlineObject,
  reason: CompileReason,
  message: string,
  path?: string,
): CompileProblem {
  const { namespace, name, uid, generation } = meta;
  const rejected = reason !== "RefNotFound" && reason !== "RefNotPermitted";
  return { kind, namespace, name, uid, generation, reason, message, ...(path === undefined ? {} : { path }), rejected };
}
