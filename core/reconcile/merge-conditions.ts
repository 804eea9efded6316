// One object that several Routers use -> one set of conditions: of each type the worst, said of the Router that has it.
import type { Condition, ConditionStatus } from "./conditions.ts";

export interface RouterConditions {
  /** `<namespace>/<name>`. */
  readonly router: string;
  readonly conditions: readonly Condition[];
}

/** Worst first. */
const ORDER: readonly ConditionStatus[] = ["False", "Unknown", "True"];

/**
 * Unchanged when one Router speaks. Of several, the worst status of each type; of two as bad, that of the first Router by name.
 * The message names the Router where not all say the same.
 */
export function mergeRouterConditions(parts: readonly RouterConditions[]): readonly Condition[] {
  const [first, ...others] = [...parts].sort((a, b) => (a.router < b.router ? -1 : a.router > b.router ? 1 : 0));
  if (first === undefined) return [];
  if (others.length === 0) return first.conditions;
  const byType = new Map<string, { readonly router: string; readonly condition: Condition }>();
  for (const { router, conditions } of [first, ...others]) {
    for (const condition of conditions) {
      const worst = byType.get(condition.type);
      if (worst === undefined || isWorse(condition, worst.condition)) byType.set(condition.type, { router, condition });
    }
  }
  return [...byType.values()].map(({ router, condition }) => {
    const { type, status, message } = condition;
    const isSaidByAll = parts.every(({ conditions }) => conditions.some((one) => one.type === type));
    return status === "True" && isSaidByAll ? condition : { ...condition, message: `Router ${router}: ${message}` };
  });
}

function isWorse(candidate: Condition, standing: Condition): boolean {
  return ORDER.indexOf(candidate.status) < ORDER.indexOf(standing.status);
}
