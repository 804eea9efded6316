// The conditions that every object has: accepted, in force, and ready as the sum of the others.
import type { ProgrammedVerdict } from "../config/programmed.ts";
import type { ObservedCondition } from "./conditions.ts";

/** One reason why the newest generation of an object is not in the table. */
export interface Refusal {
  /** CamelCase: Invalid, RouterNotFound, NamespaceNotAllowed, or a reason of `core/policy/compile-problem.ts`. */
  readonly reason: string;
  readonly message: string;
  readonly path?: string;
}

/** What is known about one generation of an object. */
export interface ObservedObject {
  readonly generation: number;
  /** Empty when this generation is in the table. */
  readonly refusals: readonly Refusal[];
  /** Generation that routers are told to serve; undefined when there is none. */
  readonly inForceGeneration: number | undefined;
  /** Of this generation; not looked at when it was refused. */
  readonly programmed: ProgrammedVerdict;
  /** Fields that the user wrote and whose machinery is not built. */
  readonly partiallySupported: readonly string[];
  /** Condition Registered, where registration is something to the object. */
  readonly registered?: readonly ObservedCondition[];
  /** Of a Provider with a fixed subject: what its guarantee is bounded by. */
  readonly legacy?: { readonly subject: string; readonly duplicateWindowMs: number };
}

const ACCEPTED_MESSAGE = "the object is valid and nothing stands against it";
/** Refusals that are named; the rest is a count. */
const MAX_NAMED_REFUSALS = 8;
const MS_PER_SECOND = 1000;

/** False with the first refusal's reason; True when there is none. */
export function acceptedCondition(observed: ObservedObject): ObservedCondition {
  const observedGeneration = observed.generation;
  const [first] = observed.refusals;
  if (first === undefined) {
    return { type: "Accepted", status: "True", reason: "Accepted", message: ACCEPTED_MESSAGE, observedGeneration };
  }
  const message = `${describeRefusals(observed.refusals)}; ${describeInForce(observed)}`;
  return { type: "Accepted", status: "False", reason: first.reason, message, observedGeneration };
}

/** Says of a refused generation that it is not in force, and what is instead. */
export function programmedCondition(observed: ObservedObject): ObservedCondition {
  const observedGeneration = observed.generation;
  if (observed.refusals.length === 0) return { type: "Programmed", ...observed.programmed, observedGeneration };
  const message =
    observed.inForceGeneration === observed.generation
      ? describeInForce(observed)
      : `this generation is not in force; ${describeInForce(observed)}`;
  return { type: "Programmed", status: "False", reason: "NotAccepted", message, observedGeneration };
}

/** The sum: True when all are, False when one is, with the reason of the first that is not True. */
export function readyCondition(observed: ObservedObject, conditions: readonly ObservedCondition[]): ObservedCondition {
  const observedGeneration = observed.generation;
  const culprit =
    conditions.find((condition) => condition.status === "False") ??
    conditions.find((condition) => condition.status === "Unknown");
  if (culprit === undefined) {
    return {
      type: "Ready",
      status: "True",
      reason: "Ready",
      message: "in force on every ready router",
      observedGeneration,
    };
  }
  const { status, reason } = culprit;
  return { type: "Ready", status, reason, message: `${culprit.type}: ${culprit.message}`, observedGeneration };
}

/** Only where the user wrote a field that has no effect: absent otherwise. */
export function partiallySupportedConditions(
  observed: Pick<ObservedObject, "generation" | "partiallySupported">,
): readonly ObservedCondition[] {
  if (observed.partiallySupported.length === 0) return [];
  const message = `accepted without effect: ${observed.partiallySupported.join(", ")}`;
  const observedGeneration = observed.generation;
  return [{ type: "PartiallySupported", status: "True", reason: "FieldsWithoutEffect", message, observedGeneration }];
}

/** Of a Provider or a Tenant: Accepted, Programmed, Ready, and where they apply Registered, Deduplicated, PartiallySupported. */
export function objectConditions(observed: ObservedObject): readonly ObservedCondition[] {
  const parts = [acceptedCondition(observed), programmedCondition(observed), ...(observed.registered ?? [])];
  const ready = readyCondition(observed, parts);
  return [...parts, ready, ...deduplicatedConditions(observed), ...partiallySupportedConditions(observed)];
}

/** Of a Provider with a fixed subject only: work of all others is claimed once and for all of the retention. */
function deduplicatedConditions({ generation, legacy }: ObservedObject): readonly ObservedCondition[] {
  if (legacy === undefined) return [];
  const seconds = legacy.duplicateWindowMs / MS_PER_SECOND;
  const message = `work goes to the fixed subject ${legacy.subject} and is deduplicated only within the stream's window of ${seconds} s; leave legacy out for assignments that are claimed once`;
  return [{ type: "Deduplicated", status: "False", reason: "WindowOnly", message, observedGeneration: generation }];
}

/** One text for several refusals; a count for those past the bound. */
export function describeRefusals(refusals: readonly Refusal[]): string {
  const named = refusals
    .slice(0, MAX_NAMED_REFUSALS)
    .map(({ path, message }) => (path === undefined || path === "" ? message : `${path}: ${message}`));
  const more = refusals.length - named.length;
  return more > 0 ? `${named.join("; ")}; and ${more} more` : named.join("; ");
}

function describeInForce(observed: ObservedObject): string {
  const { inForceGeneration } = observed;
  if (inForceGeneration === observed.generation) return "routers hold it and refuse its work";
  return inForceGeneration === undefined
    ? "nothing of it is in force"
    : `generation ${inForceGeneration} stays in force`;
}
