// A condition as Kubernetes knows it, and the merge that keeps the time of its last transition.

export type ConditionStatus = "True" | "False" | "Unknown";

/** Same meaning as `metav1.Condition`: one observation about one generation of one object. */
export interface Condition {
  /** CamelCase adjective or participle: Accepted, ResolvedRefs, Programmed, Ready, PartiallySupported. */
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase, one word of a closed list per type. */
  readonly reason: string;
  /** For people; holds no number that changes by itself, else every pass would be a status write. At most 32,768 characters. */
  readonly message: string;
  readonly observedGeneration: number;
  /** RFC 3339 UTC, seconds. Changes only when `status` changes. */
  readonly lastTransitionTime: string;
}

/** A condition just computed, before it is known whether it is a transition. */
export type ObservedCondition = Omit<Condition, "lastTransitionTime">;

/** Bound of `metav1.Condition.message`. */
export const MAX_CONDITION_MESSAGE_LENGTH = 32_768;

/**
 * The conditions to store: those of `observed`, in its order, each with the transition time of the previous one of its type
 * when the status is the same, else `now` (RFC 3339). Types that are no longer observed are dropped.
 */
export function mergeConditions(
  previous: readonly Condition[],
  observed: readonly ObservedCondition[],
  now: string,
): readonly Condition[] {
  return observed.map((condition) => {
    const before = previous.find((candidate) => candidate.type === condition.type);
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now;
    const { type, status, reason, observedGeneration } = condition;
    const message = condition.message.slice(0, MAX_CONDITION_MESSAGE_LENGTH);
    return { type, status, reason, message, observedGeneration, lastTransitionTime };
  });
}

/** Whether a value that anybody may have written is a condition. */
export function isCondition(value: unknown): value is Condition {
  if (typeof value !== "object" || value === null) return false;
  const { type, status, reason, message, observedGeneration, lastTransitionTime } = value as Record<string, unknown>;
  const texts = [type, reason, message, lastTransitionTime];
  const known = status === "True" || status === "False" || status === "Unknown";
  return known && texts.every((text) => typeof text === "string") && Number.isSafeInteger(observedGeneration);
}
