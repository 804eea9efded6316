// Who calls, as handlers, limits and the audit record know it.
import { API_KEY_ROLES, type ApiKeyRole } from "../../core/trust/api-keys.ts";

/** viewer < operator < admin, and aside of that order `component`: what a component does for itself. */
export const ROLES = API_KEY_ROLES;
export type Role = ApiKeyRole;

export interface Caller {
  /** How it proved itself; `nothing` where nobody has to, or on a method that is open to all. */
  readonly via: "nothing" | "api-key" | "certificate" | "token";
  /** Unique among those who proved themselves the same way. Never holds a secret. */
  readonly name: string;
  /** `<via>:<name>`: unique among all callers. */
  readonly id: string;
  /** Of a token, and the organizations of a certificate. */
  readonly groups: readonly string[];
  /** Undefined where the rights of the cluster decide instead. */
  readonly role: Role | undefined;
  /** What a token review said besides, for the access reviews that follow. */
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export function makeCaller(fields: Omit<Caller, "id">): Caller {
  return { ...fields, id: `${fields.via}:${fields.name}` };
}

/** Everybody, where nobody has to prove anything. */
export const ANYBODY = makeCaller({ via: "nothing", name: "anybody", groups: [], role: "admin" });
