// Names inside a policy that must lead somewhere, as CEL for API servers. `core/policy/check-names.ts` says the same in code,
// with the exact place of each name and a suggestion; a test holds the two to the same verdicts.
import type { SchemaRule } from "../policy/schema.ts";

/** The names are collected once, and not once for every name that is looked up: API servers bound the cost of a rule. */
const KNOWN_NAMES = "[self.providers.map(p, p.name)]";

/** `holds` is an expression over an entry `e` of the list `field`, and `names`, the names of the policy's providers. */
function namesProviders(field: "rules" | "retryPolicy", member: string, holds: string): SchemaRule {
  return {
    rule: `!has(self.${field}) || ${KNOWN_NAMES}.all(names, self.${field}.all(e, !has(e.${member}) || ${holds}))`,
    message: `${field}[].${member} must name providers of this policy, as spec.providers[].name has them`,
    fieldPath: `.${field}`,
  };
}

const P_NAMED = "has(p.ref) && has(p.ref.name)";
const Q_NAMED = "has(q.ref) && has(q.ref.name)";
/** A word that CEL reserves, so a rule writes it with underscores. */
const NAMESPACE = "ref.__namespace__";
const P_PLACED = `has(p.ref) && has(p.${NAMESPACE})`;
const Q_PLACED = `has(q.ref) && has(q.${NAMESPACE})`;
/** Two that both go without ref.name differ, because the list has no name twice. */
const SAME_NAME = [
  `(${P_NAMED} && ${Q_NAMED} && p.ref.name == q.ref.name)`,
  `(${P_NAMED} && !(${Q_NAMED}) && p.ref.name == q.name)`,
  `(!(${P_NAMED}) && ${Q_NAMED} && p.name == q.ref.name)`,
].join(" || ");
/** A rule cannot read metadata.namespace, so one who writes it out and one who does not count as different here. */
const SAME_NAMESPACE = `(${P_PLACED} && ${Q_PLACED} && p.${NAMESPACE} == q.${NAMESPACE}) || (!(${P_PLACED}) && !(${Q_PLACED}))`;

/** Rules on the spec of a RoutingPolicy. */
export const policyReferenceRules: readonly SchemaRule[] = [
  namesProviders("rules", "prefer", "e.prefer.all(n, n in names)"),
  namesProviders("rules", "fallback", "e.fallback in names"),
  namesProviders("retryPolicy", "to", "e.to.all(n, n in names)"),
  {
    rule: `self.providers.all(p, self.providers.all(q, p.name == q.name || !((${SAME_NAME}) && (${SAME_NAMESPACE}))))`,
    message: "two entries of providers are the same Provider object; keep one, or give one another ref",
    reason: "FieldValueDuplicate",
    fieldPath: ".providers",
  },
];
