// Which rule of a policy has its say: the first whose expression is true.
import type { CompiledPolicy, CompiledRule, ExpressionInput } from "../policy/table.ts";
import type { DecideError, DecideInput, ExplainStep } from "./decision.ts";

export interface RuleOutcome {
  readonly rule: CompiledRule | undefined;
  /** Set when a rule with `onError: Reject` could not be evaluated. */
  readonly error: DecideError | undefined;
  /** Names of rules with `onError: Skip` that could not be evaluated. */
  readonly skipped: readonly string[];
}

const noRule: RuleOutcome = { rule: undefined, error: undefined, skipped: [] };

/** Evaluates rules until one matches. A failed evaluation is never "no match": it rejects, or is counted and skipped. */
export function matchRules(policy: CompiledPolicy, input: DecideInput, steps: ExplainStep[] | undefined): RuleOutcome {
  if (policy.rules.length === 0) return noRule;
  const expressionInput = toExpressionInput(input);
  const skipped: string[] = [];
  for (const rule of policy.rules) {
    const result = rule.matches(expressionInput);
    if (result.ok) {
      steps?.push({
        stage: "rule",
        rule: rule.name,
        when: rule.when,
        outcome: result.value ? "matched" : "not matched",
      });
      if (result.value) return { rule, error: undefined, skipped };
      continue;
    }
    const outcome = rule.onError === "Reject" ? "error rejected" : "error skipped";
    steps?.push({ stage: "rule", rule: rule.name, when: rule.when, outcome, error: result.error });
    if (rule.onError === "Reject")
      return { rule: undefined, error: describeFailure(policy, rule, result.error), skipped };
    skipped.push(rule.name);
  }
  return { rule: undefined, error: undefined, skipped };
}

function toExpressionInput(input: DecideInput): ExpressionInput {
  return {
    message: {
      id: input.messageId,
      type: input.messageType,
      metadata: input.metadata,
      payload_size: input.payloadBytes,
    },
    context: input.context,
    tenant: { id: input.tenantId },
  };
}

function describeFailure(policy: CompiledPolicy, rule: CompiledRule, error: string): DecideError {
  return {
    code: "rule_evaluation_failed",
    message: `rule ${rule.name} of policy ${policy.policyId} could not be evaluated: ${error}`,
    details: { policy_id: policy.policyId, rule: rule.name, when: rule.when, error },
  };
}
