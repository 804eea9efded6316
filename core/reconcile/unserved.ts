// Conditions of a Router that no operator can serve now, and of its policies: what is not known is Unknown.
import type { ObservedCondition } from "./conditions.ts";

/** Why a Router is not served. */
export interface RouterTrouble {
  /** The condition that it belongs to: the Router is not valid, a reference leads nowhere, or its NATS is away. */
  readonly condition: "Accepted" | "ResolvedRefs";
  /** False: it will not be served as it is written. Unknown: it may be served any moment. */
  readonly status: "False" | "Unknown";
  readonly reason: string;
  /** For people, with the way out. */
  readonly message: string;
}

const NOT_OBSERVED = {
  status: "Unknown",
  reason: "NotObserved",
  message: "routers that run go on without an operator",
} as const;

/** `ResolvedRefs` is there only when it is what fails. Whether routers run is not known: they need no operator to go on. */
export function unservedRouterConditions(generation: number, trouble: RouterTrouble): readonly ObservedCondition[] {
  const { condition, status, reason, message } = trouble;
  const of = (type: string, part: Omit<ObservedCondition, "type" | "observedGeneration">): ObservedCondition => ({
    type,
    ...part,
    observedGeneration: generation,
  });
  const accepted = of("Accepted", { status: "Unknown", reason: "NotObserved", message: "the bus was not asked for" });
  return [
    of(condition, { status, reason, message }),
    ...(condition === "Accepted" ? [] : [accepted]),
    of("Available", NOT_OBSERVED),
    of("Progressing", NOT_OBSERVED),
    of("Ready", { status, reason, message: `${condition}: ${message}` }),
  ];
}

/** Of a policy whose newest generation no operator has seen. */
export function unservedPolicyConditions(
  generation: number,
  router: string,
  trouble: RouterTrouble,
): readonly ObservedCondition[] {
  const message = `Router ${router} is not served now: ${trouble.message}`;
  const reason = "RouterNotServed";
  return ["Accepted", "Programmed", "Ready"].map((type) => ({
    type,
    status: "Unknown",
    reason,
    message: type === "Ready" ? `Accepted: ${message}` : message,
    observedGeneration: generation,
  }));
}
