// AdminPolicy -> RoutingPolicy, or everything that is wrong with it, by the names of the request's fields.
import { compileExpression } from "../policy/expression.ts";
import { parseObject } from "../policy/parse.ts";
import { API_VERSION } from "../policy/schema.ts";
import type { SpecProblem } from "../policy/spec.ts";
import { type FieldProblem, FieldProblems } from "../registry/field-problem.ts";
import { err, ok, type Result } from "../result.ts";
import { ADMIN_POLICY_ANNOTATION, type AdminPolicy, STICKY_KEY } from "./admin-policy.ts";
import { encodeWeights, scaleWeights } from "./weights.ts";

/** Where a policy is put. */
export interface PolicyPlace {
  readonly tenantId: string;
  readonly namespace: string;
  /** Of the object. */
  readonly name: string;
  /** Name of the Provider object of this namespace that has a provider's id, where there is one. */
  readonly providerObjects: ReadonlyMap<string, string>;
}

/** A RoutingPolicy with the fields that an AdminPolicy can say and no others: the intent of a server-side apply. */
export interface PolicyManifest {
  readonly apiVersion: string;
  readonly kind: "RoutingPolicy";
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** Never throws. */
export function toRoutingPolicy(
  policy: AdminPolicy,
  place: PolicyPlace,
): Result<PolicyManifest, readonly FieldProblem[]> {
  const problems = new FieldProblems();
  for (const [index, { weight }] of policy.providers.entries()) {
    if (Number.isFinite(weight) && weight >= 0) continue;
    const field = `policy.providers[${index}].weight`;
    problems.add(field, "weight", "must be a finite number that is not negative", weight);
  }
  const isSound = problems.list.length === 0;
  const manifest = makeManifest(policy, place, isSound);
  const parsed = parseObject(manifest, { namespace: place.namespace, routerRef: ANY_ROUTER });
  if (!parsed.ok) for (const problem of parsed.error) addProblem(problems, problem);
  for (const [index, { match }] of policy.rules.entries()) checkExpression(match, index, problems);
  return problems.list.length > 0 ? err(problems.list) : ok(manifest);
}

/** Which Router serves the policy makes no difference to whether it is right. */
const ANY_ROUTER = { namespace: "default", name: "default" };

function makeManifest(policy: AdminPolicy, place: PolicyPlace, isSound: boolean): PolicyManifest {
  const { policyId, providers, sticky, rules } = policy;
  const weights = isSound ? scaleWeights(providers.map(({ weight }) => weight)) : [];
  const annotation = isSound ? encodeWeights(providers) : undefined;
  return {
    apiVersion: API_VERSION,
    kind: "RoutingPolicy",
    metadata: {
      namespace: place.namespace,
      name: place.name,
      ...(annotation === undefined ? {} : { annotations: { [ADMIN_POLICY_ANNOTATION]: annotation } }),
    },
    spec: {
      policyId,
      tenantId: place.tenantId,
      providers: providers.map(({ id }, index) => {
        const name = place.providerObjects.get(id) ?? id;
        return { name: id, weight: weights[index] ?? 1, ...(name === id ? {} : { ref: { name } }) };
      }),
      ...(rules.length === 0 ? {} : { rules: rules.map(toRule) }),
      ...(sticky ? { sticky: { key: STICKY_KEY } } : {}),
    },
  };
}

function toRule({ match, prefer, fallback }: AdminPolicy["rules"][number], index: number): object {
  return {
    name: `rule-${index + 1}`,
    when: match,
    ...(prefer.length === 0 ? {} : { prefer }),
    ...(fallback === "" ? {} : { fallback }),
  };
}

function checkExpression(match: string, index: number, problems: FieldProblems): void {
  // An empty one, or one that is too long, has its problem from the schema.
  if (match === "") return;
  const compiled = compileExpression(match);
  if (compiled.ok) return;
  const { line, column, message } = compiled.error;
  problems.add(`policy.rules[${index}].match`, "expression", `line ${line}, column ${column}: ${message}`, match);
}

/** Fields of a RoutingPolicy by those of the request, the longer ones first. */
const FIELDS: readonly (readonly [RegExp, string])[] = [
  [/^spec\.policyId\b.*/, "policy.policy_id"],
  [/^spec\.tenantId\b.*/, "tenant_id"],
  [/^metadata\.namespace\b.*/, "tenant_id"],
  [/^spec\.providers\[(\d+)\]\.weight\b.*/, "policy.providers[$1].weight"],
  [/^spec\.providers\[(\d+)\].*/, "policy.providers[$1].id"],
  [/^spec\.providers\b/, "policy.providers"],
  [/^spec\.rules\[(\d+)\]\.when\b.*/, "policy.rules[$1].match"],
  [/^spec\.rules\b/, "policy.rules"],
];

function addProblem(problems: FieldProblems, { path, rule, message, value }: SpecProblem): void {
  const [pattern, field] = FIELDS.find(([from]) => from.test(path)) ?? [];
  const at = pattern === undefined || field === undefined ? "policy" : path.replace(pattern, field);
  const provider = /^spec\.providers\[\d+\]\.(?:name|ref\.name)$/.test(path) && rule !== "duplicate";
  const way = provider ? "; an id that no object can be named needs a Provider with this providerId" : "";
  problems.list.push({ field: at, rule, message: message + way, ...(value === undefined ? {} : { value }) });
}
