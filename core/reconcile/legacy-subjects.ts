// A Router's allowedSubjects -> what the assignments stream can bind of them, and whether a legacy provider's subject is in.
import { checkPublishSubject, isStepSubject } from "../handover/check-publish-subject.ts";
import { ASSIGNMENT_PREFIX, STEP_PREFIX } from "../handover/subjects.ts";
import type { BeamlineObject } from "../policy/spec.ts";
import type { CompiledPolicy } from "../policy/table.ts";
import type { Refusal } from "./object-conditions.ts";

/** A subject that is allowed and cannot be stored. */
export interface UnboundSubject {
  readonly subject: string;
  /** To be read after the subject: `overlaps with ...`. */
  readonly reason: string;
}

export interface LegacySubjects {
  /** No two of them overlap, as a stream requires. Canonical. */
  readonly bound: readonly string[];
  /** For steps of policies: routers send requests there, no stream takes them. */
  readonly steps: readonly string[];
  readonly unbound: readonly UnboundSubject[];
}

/**
 * Subjects that a stream must not take, or may not take twice: requests would be answered by a PubAck, replies would be
 * stored, and the claims are in the assignments stream already.
 */
const RESERVED: readonly string[] = [
  `${ASSIGNMENT_PREFIX}>`,
  "caf.exec.assign.v1.ack",
  "caf.exec.assign.v1.ack.>",
  "caf.exec.assign.ack.dlq",
  "caf.exec.result.>",
  "beamline.router.>",
  "beamline.usage.>",
  "beamline.reply.>",
  `${STEP_PREFIX}>`,
  "_INBOX.>",
  "_R_.>",
];

/**
 * What of `allowedSubjects` the assignments stream binds, in their order: one that another covers is left to that one. A
 * pattern that reaches into Beamline's own subjects, or crosses another pattern without one covering the other, is not bound.
 */
export function planLegacySubjects(allowedSubjects: readonly string[]): LegacySubjects {
  const bound: string[] = [];
  const unbound: UnboundSubject[] = [];
  const steps = [...new Set(allowedSubjects)].filter(isStepSubject);
  for (const subject of new Set(allowedSubjects)) {
    if (isStepSubject(subject)) continue;
    const reason = unboundReason(subject, bound);
    if (reason !== undefined) unbound.push({ subject, reason });
    if (reason !== undefined || bound.some((other) => coversPattern(other, subject))) continue;
    const kept = bound.filter((other) => !coversPattern(subject, other));
    bound.splice(0, bound.length, ...kept, subject);
  }
  return { bound, steps, unbound };
}

function unboundReason(subject: string, bound: readonly string[]): string | undefined {
  const reserved = RESERVED.find((other) => overlaps(subject, other));
  if (reserved !== undefined) return `overlaps with Beamline's own ${reserved}`;
  const isPattern = subject.split(".").some((token) => token === "*" || token === ">");
  if (!isPattern && !isAllowedLegacySubject(subject, [subject])) return "is a subject that routers never publish to";
  const crossed = bound.find(
    (other) => overlaps(subject, other) && !coversPattern(subject, other) && !coversPattern(other, subject),
  );
  return crossed === undefined ? undefined : `crosses ${crossed}; name the subjects one by one`;
}

/** Whether routers with these `allowedSubjects` publish to this subject: the very check that they make. */
export function isAllowedLegacySubject(subject: string, allowedSubjects: readonly string[]): boolean {
  return checkPublishSubject(subject, "legacy", { tenantId: "", allowedSubjects, prefix: undefined }).ok;
}

/** Why a Provider cannot be given work; empty when it can. `allowedSubjects` undefined: not known, nothing is refused. */
export function legacyRefusals(
  object: BeamlineObject | undefined,
  allowedSubjects: readonly string[] | undefined,
): readonly Refusal[] {
  if (object?.kind !== "Provider" || object.spec.legacy === undefined || allowedSubjects === undefined) return [];
  const { subject } = object.spec.legacy;
  if (isAllowedLegacySubject(subject, allowedSubjects)) return [];
  const message = `routers refuse to publish to ${subject}: add it to spec.allowedSubjects of the Router`;
  return [{ reason: "LegacySubjectNotAllowed", message, path: "spec.legacy.subject" }];
}

/** The providers of a policy that routers refuse to publish to, like references that lead nowhere. */
export function refusedLegacyProviders(
  policy: CompiledPolicy | undefined,
  allowedSubjects: readonly string[] | undefined,
): readonly Refusal[] {
  if (policy === undefined || allowedSubjects === undefined) return [];
  return policy.providers.flatMap(({ name, key, legacySubject }) => {
    if (legacySubject === undefined || isAllowedLegacySubject(legacySubject, allowedSubjects)) return [];
    const message = `provider ${name}: routers refuse to publish to ${legacySubject} of Provider ${key}`;
    return [{ reason: "LegacySubjectNotAllowed", message, path: "spec.providers" }];
  });
}

/** Whether some subject matches both patterns. */
function overlaps(left: string, right: string): boolean {
  const a = left.split(".");
  const b = right.split(".");
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [x, y] = [a[index], b[index]];
    if (x === undefined || y === undefined) return false;
    if (x === ">" || y === ">") return true;
    if (x !== y && x !== "*" && y !== "*") return false;
  }
  return true;
}

/** Whether every subject that matches `narrow` matches `wide`. */
function coversPattern(wide: string, narrow: string): boolean {
  const a = wide.split(".");
  const b = narrow.split(".");
  for (const [index, token] of a.entries()) {
    const other = b[index];
    if (other === undefined) return false;
    if (token === ">") return true;
    if (other === ">" || (token !== "*" && token !== other)) return false;
  }
  return a.length === b.length;
}
