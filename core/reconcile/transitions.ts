// Which changes of an object's conditions are worth an event: what turned good or bad, once, and nothing that is only unknown.
import type { Condition } from "./conditions.ts";

/** One event of one object, but for the object. */
export interface Transition {
  readonly type: "Normal" | "Warning";
  /** CamelCase: what it is now. */
  readonly reason: string;
  /** CamelCase: what the operator did. */
  readonly action: string;
  /** For people: the condition's message. */
  readonly note: string;
}

type Known = Pick<Condition, "status" | "reason" | "observedGeneration"> | undefined;

export interface TransitionRule {
  readonly condition: string;
  readonly type: Transition["type"];
  /** Absent: the condition's own. */
  readonly reason?: string;
  readonly action: string;
  /** In words, for the documentation. */
  readonly when: string;
  applies(previous: Known, current: Condition): boolean;
}

const COMPLETE = "Complete";
const ROLLOUT_HELD = "RolloutHeld";
/** Said of what follows from another condition, which has an event of its own. */
const NOT_ACCEPTED = "NotAccepted";

const becameFalse = (previous: Known, current: Condition): boolean =>
  current.status === "False" && (previous?.status !== "False" || previous.reason !== current.reason);

const isNewGeneration = (previous: Known, current: Condition): boolean =>
  previous?.observedGeneration !== current.observedGeneration;

const becameTrueAgain = (previous: Known, current: Condition): boolean =>
  previous?.status === "False" && current.status === "True";

/** At most one applies to each condition. */
export const TRANSITION_RULES: readonly TransitionRule[] = [
  {
    condition: "Accepted",
    type: "Warning",
    action: "Validate",
    when: "a generation is refused, or what was accepted is refused now",
    applies: (previous, current) =>
      becameFalse(previous, current) || (current.status === "False" && isNewGeneration(previous, current)),
  },
  {
    condition: "Accepted",
    type: "Normal",
    reason: "Accepted",
    action: "Validate",
    when: "what was refused is accepted",
    applies: becameTrueAgain,
  },
  {
    condition: "ResolvedRefs",
    type: "Warning",
    action: "ResolveReferences",
    when: "a reference cannot be used",
    applies: becameFalse,
  },
  {
    condition: "ResolvedRefs",
    type: "Normal",
    reason: "ResolvedRefs",
    action: "ResolveReferences",
    when: "references that could not be used can",
    applies: becameTrueAgain,
  },
  {
    condition: "Programmed",
    type: "Normal",
    reason: "Programmed",
    action: "PublishConfiguration",
    when: "a generation has come into force on every ready router, or is in force again after a router rejected it",
    applies: (previous, current) =>
      current.status === "True" && (previous?.status !== "True" || isNewGeneration(previous, current)),
  },
  {
    condition: "Programmed",
    type: "Warning",
    action: "PublishConfiguration",
    when: "a router rejects a generation",
    applies: (previous, current) =>
      current.status === "False" &&
      current.reason !== NOT_ACCEPTED &&
      (becameFalse(previous, current) || isNewGeneration(previous, current)),
  },
  {
    condition: "Registered",
    type: "Warning",
    action: "FollowRegistry",
    when: "no registered processor takes the work of a Provider, of any provider of a policy, or of a step that it requires",
    applies: becameFalse,
  },
  {
    condition: "Registered",
    type: "Normal",
    action: "FollowRegistry",
    when: "one does again",
    applies: becameTrueAgain,
  },
  {
    condition: "Linked",
    type: "Warning",
    action: "FollowRegistry",
    when: "a component of a pipeline is missing or takes no work, or the event types of neighbours do not meet",
    applies: becameFalse,
  },
  {
    condition: "Linked",
    type: "Normal",
    action: "FollowRegistry",
    when: "every link of a pipeline is met again",
    applies: becameTrueAgain,
  },
  {
    condition: "Available",
    type: "Normal",
    action: "ObserveRouters",
    when: "the first router is ready, or one is again",
    applies: (previous, current) => current.status === "True" && previous?.status !== "True",
  },
  {
    condition: "Available",
    type: "Warning",
    action: "ObserveRouters",
    when: "the last ready router is lost",
    applies: (previous, current) => current.status === "False" && previous?.status === "True",
  },
  {
    condition: "Progressing",
    type: "Normal",
    reason: "RolloutComplete",
    action: "RollOut",
    when: "routers that were starting, or held, are all there",
    applies: (previous, current) =>
      current.status === "False" &&
      current.reason === COMPLETE &&
      (previous?.status === "True" || previous?.reason === ROLLOUT_HELD),
  },
  {
    condition: "Progressing",
    type: "Warning",
    action: "RollOut",
    when: "a roll-out is held, because a new router rejects what the ones before it serve",
    applies: (previous, current) => current.reason === ROLLOUT_HELD && previous?.reason !== ROLLOUT_HELD,
  },
];

/**
 * What to record when the conditions of one object become `current`; `previous` is what `rememberConditions` gave for it, or
 * the conditions that it had when this process first saw it. In the order of `current`, at most one for each condition.
 */
export function findTransitions(previous: readonly Condition[], current: readonly Condition[]): readonly Transition[] {
  return current.flatMap((condition) => {
    const before = previous.find(({ type }) => type === condition.type);
    const rule = TRANSITION_RULES.find(
      (candidate) => candidate.condition === condition.type && candidate.applies(before, condition),
    );
    if (rule === undefined) return [];
    const { type, reason = condition.reason, action } = rule;
    return [{ type, reason, action, note: condition.message }];
  });
}

/**
 * The conditions to compare with next time: of each type the last that said something. While routers are away or apply a
 * change, thousands of objects are Unknown for a moment; that they are as before then is no event.
 */
export function rememberConditions(
  previous: readonly Condition[],
  current: readonly Condition[],
): readonly Condition[] {
  return current.map((condition) => {
    if (condition.status !== "Unknown" || condition.reason === ROLLOUT_HELD) return condition;
    return previous.find(({ type }) => type === condition.type) ?? condition;
  });
}
