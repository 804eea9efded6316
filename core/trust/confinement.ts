// What a connection may do, as the server tells it: whether the operator is fenced off from those whom it must not trust.
import { matchesPattern } from "../handover/check-publish-subject.ts";
import type { Names } from "../handover/subjects.ts";

/** A user as the server sees it. */
export interface ServerUser {
  readonly account: string;
  /** Patterns it may publish to; undefined: everything that is not denied. */
  readonly allow: readonly string[] | undefined;
  readonly deny: readonly string[];
}

/** The account of everybody where none is configured. */
const GLOBAL_ACCOUNT = "$G";

export function mayPublish({ allow, deny }: ServerUser, subject: string): boolean {
  const tokens = subject.split(".");
  const matches = (pattern: string): boolean => matchesPattern(pattern, tokens);
  return !deny.some(matches) && (allow === undefined || allow.some(matches));
}

/**
 * Whether this user is the operator and nobody else: in an account that was made, and without the producer's first right.
 * Where one account with every right serves all, it would have it.
 */
export function isFenced(user: ServerUser, names: Names): boolean {
  return user.account !== GLOBAL_ACCOUNT && !mayPublish(user, names.decideSubject);
}
