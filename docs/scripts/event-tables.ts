// The table of events, from the rules that record them.
import { TRANSITION_RULES } from "../../core/reconcile/transitions.ts";
import { code, table } from "./markdown.ts";

export function eventTable(): string {
  const rows = TRANSITION_RULES.map(({ condition, type, reason, action, when }) => [
    code(condition),
    type,
    reason === undefined ? "the condition's" : code(reason),
    code(action),
    when,
  ]);
  return table(["Condition", "Type", "Reason", "Action", "Recorded when"], rows);
}
