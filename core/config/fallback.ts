// Compiles objects that may each have an older spec to fall back to: one that cannot be compiled never takes others with it.
import type { TenantRules } from "../intake/message.ts";
import { LayeredMap } from "../layered-map.ts";
import { type CompileOptions, DEFAULT_TENANT_RULES, tenantRules } from "../policy/compile.ts";
import { compilePolicy } from "../policy/compile-policy.ts";
import type { CompileProblem } from "../policy/compile-problem.ts";
import { ExpressionCache } from "../policy/expression.ts";
import type { PipelineObject, PolicyObject } from "../policy/objects.ts";
import type { CompiledPolicy, RoutingTable } from "../policy/table.ts";
import {
  type Candidate,
  type CandidateChanges,
  type CandidateIndex,
  type Concerned,
  EMPTY_INDEX,
  indexCandidates,
  linkedTenants,
} from "./candidates.ts";
import { type Compilation, compileGroup, type Group } from "./compile-group.ts";

/** What became of one candidate; the same object from one call to the next as long as nothing of it changes. */
export interface Outcome {
  /** Position in `choices` of what is in the table; undefined when none could be. */
  readonly choice: number | undefined;
  /** Why the wanted spec is not in the table. */
  readonly refusals: readonly CompileProblem[];
  /** What is wrong with a spec that is in the table all the same. */
  readonly warnings: readonly CompileProblem[];
  readonly policy: CompiledPolicy | undefined;
  /** List names of a policy's providers that have no object: they work, with defaults, but a misspelt name must be visible. */
  readonly implicitProviders: readonly string[];
}

interface LayeredTable extends RoutingTable {
  readonly policies: LayeredMap<ReadonlyMap<string, CompiledPolicy>>;
  readonly tenants: LayeredMap<TenantRules>;
  readonly pipelines: LayeredMap<PipelineObject>;
}

/** The choices that were made; the next ones follow from them and from what changed. */
export interface Chosen {
  readonly table: LayeredTable;
  /** By key. */
  readonly outcomes: LayeredMap<Outcome>;
  readonly index: CandidateIndex;
  /** By key: the policy's choices that were compiled. */
  readonly compilations: LayeredMap<readonly Compilation[]>;
}

export const NOTHING_CHOSEN: Chosen = {
  table: { policies: LayeredMap.empty(), tenants: LayeredMap.empty(), policyCount: 0, pipelines: LayeredMap.empty() },
  outcomes: LayeredMap.empty(),
  index: EMPTY_INDEX,
  compilations: LayeredMap.empty(),
};

const NONE: readonly never[] = [];
const AS_WANTED: Outcome = {
  choice: 0,
  refusals: NONE,
  warnings: NONE,
  policy: undefined,
  implicitProviders: NONE,
};

/** The table of the first choices that compile together. Independent of the order of the candidates. */
export function compileWithFallback(candidates: Iterable<Candidate>, options: CompileOptions = {}): Chosen {
  return compileChanges(NOTHING_CHOSEN, new Map([...candidates].map((one) => [one.key, one])), options);
}

/**
 * What `compileWithFallback` gives for all candidates, at the cost of those that changed and those that depend on them: the
 * policies of the same tenant, and those that name a changed Provider. `before` came of the same options.
 */
export function compileChanges(before: Chosen, changes: CandidateChanges, options: CompileOptions = {}): Chosen {
  if (changes.size === 0) return before;
  const { index, concerned } = indexCandidates(before.index, changes);
  const expressions = options.expressions ?? new ExpressionCache();
  const compiler = new PolicyCompiler(before, index, concerned, expressions);
  const outcomes = new Map<string, Outcome | undefined>();
  for (const key of changes.keys()) outcomes.set(key, index.candidates.has(key) ? AS_WANTED : undefined);
  const policies = new Map<string, ReadonlyMap<string, CompiledPolicy> | undefined>();
  const tenants = new Map<string, TenantRules | undefined>();
  const pipelines = new Map(removedPipelines(before, changes.keys()));
  const done = new Set<string>();
  for (const tenantId of concerned.tenantIds) {
    if (done.has(tenantId)) continue;
    const linked = linkedTenants(index, tenantId);
    const group = compileGroup(membersOf(index, linked), {
      providers: index.providers,
      admit: options,
      compile: (key, object) => compiler.compile(key, object),
    });
    for (const [key, outcome] of outcomesOf(group)) outcomes.set(key, reuse(before.outcomes.get(key), outcome));
    for (const change of pipelinesOf(group, index)) pipelines.set(...change);
    const byTenant = policiesByTenant(group);
    const named = new Set([...group.pipelines.values()].map(({ spec }) => spec.tenantId));
    for (const id of linked) {
      done.add(id);
      policies.set(id, byTenant.get(id));
      tenants.set(id, rulesOf(group, id, byTenant.has(id) || named.has(id)));
    }
  }
  expressions.trim(index.ruleCount);
  return {
    table: {
      policies: before.table.policies.with(policies),
      tenants: before.table.tenants.with(tenants),
      policyCount: countAfter(before.table, policies),
      pipelines: before.table.pipelines.with(pipelines),
    },
    outcomes: before.outcomes.with(outcomes),
    index,
    compilations: before.compilations.with(compiler.compilations(changes.keys())),
  };
}

/** Compiles each policy once, and none again whose spec and Providers are the same. */
class PolicyCompiler {
  private readonly before: Chosen;
  private readonly index: CandidateIndex;
  private readonly concerned: Concerned;
  private readonly expressions: ExpressionCache;
  private readonly made = new Map<string, Compilation[]>();

  constructor(before: Chosen, index: CandidateIndex, concerned: Concerned, expressions: ExpressionCache) {
    this.before = before;
    this.index = index;
    this.concerned = concerned;
    this.expressions = expressions;
  }

  compile(key: string, object: PolicyObject): Compilation {
    const isSame = (one: Compilation): boolean => one.object === object;
    const known = this.made.get(key)?.find(isSame) ?? this.standing(key).find(isSame);
    if (known !== undefined) return known;
    const problems: CompileProblem[] = [];
    const result = compilePolicy(object, this.index.providers, this.expressions, problems);
    const compilation = { ...result, object, problems };
    this.made.set(key, [...(this.made.get(key) ?? []), compilation]);
    return compilation;
  }

  /** What to keep for the next time, by key, for the keys where that is something else than before. */
  *compilations(changed: Iterable<string>): Generator<readonly [string, readonly Compilation[] | undefined]> {
    for (const key of new Set([...changed, ...this.concerned.policies, ...this.made.keys()])) {
      const choices: readonly unknown[] = this.index.candidates.get(key)?.choices ?? [];
      const kept = [...(this.made.get(key) ?? []), ...this.standing(key)].filter(({ object }) =>
        choices.includes(object),
      );
      yield [key, kept.length === 0 ? undefined : kept];
    }
  }

  private standing(key: string): readonly Compilation[] {
    return this.concerned.policies.has(key) ? NONE : (this.before.compilations.get(key) ?? NONE);
  }
}

function membersOf(index: CandidateIndex, tenantIds: Iterable<string>): readonly Candidate[] {
  const keys = new Set<string>();
  for (const id of tenantIds) for (const key of index.byTenant.get(id) ?? []) keys.add(key);
  return [...keys].flatMap((key) => index.candidates.get(key) ?? []);
}

function* outcomesOf({ choice, refusals, warnings, compiled }: Group): Generator<readonly [string, Outcome]> {
  for (const [key, position] of choice) {
    const compilation = compiled.get(key);
    yield [
      key,
      {
        choice: position,
        refusals: refusals.get(key) ?? NONE,
        warnings: warnings.get(key) ?? NONE,
        policy: compilation?.policy,
        implicitProviders: compilation?.implicitProviders ?? NONE,
      },
    ];
  }
}

function reuse(before: Outcome | undefined, now: Outcome): Outcome {
  const isSame =
    before !== undefined &&
    before.choice === now.choice &&
    before.policy === now.policy &&
    before.implicitProviders === now.implicitProviders &&
    sameProblems(before.refusals, now.refusals) &&
    sameProblems(before.warnings, now.warnings);
  return isSame ? before : now;
}

function sameProblems(left: readonly CompileProblem[], right: readonly CompileProblem[]): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((problem, at) => isSameProblem(problem, right[at]));
}

function isSameProblem(left: CompileProblem, right: CompileProblem | undefined): boolean {
  // Of one object by their key, so its name need not be compared.
  return (
    left.uid === right?.uid &&
    left.generation === right.generation &&
    left.reason === right.reason &&
    left.message === right.message &&
    left.path === right.path
  );
}

function policiesByTenant({ compiled }: Group): ReadonlyMap<string, ReadonlyMap<string, CompiledPolicy>> {
  const byTenant = new Map<string, Map<string, CompiledPolicy>>();
  for (const { policy } of compiled.values()) {
    if (policy === undefined) continue;
    const ofTenant = byTenant.get(policy.tenantId) ?? new Map<string, CompiledPolicy>();
    ofTenant.set(policy.policyId, policy);
    byTenant.set(policy.tenantId, ofTenant);
  }
  return byTenant;
}

type PipelineChange = [name: string, object: PipelineObject | undefined];

/** By `<namespace>/<name>`, which the key of an entry does not change. */
function* removedPipelines({ index }: Chosen, changed: Iterable<string>): Generator<PipelineChange> {
  for (const key of changed) {
    const object = index.candidates.get(key)?.choices[0];
    if (object?.kind === "Pipeline") yield [`${object.meta.namespace}/${object.meta.name}`, undefined];
  }
}

function* pipelinesOf({ choice, pipelines }: Group, { candidates }: CandidateIndex): Generator<PipelineChange> {
  for (const key of choice.keys()) {
    const object = candidates.get(key)?.choices[0];
    if (object?.kind === "Pipeline") yield [`${object.meta.namespace}/${object.meta.name}`, pipelines.get(key)];
  }
}

/** Of a tenant with an object, or that an accepted policy or pipeline names. */
function rulesOf({ tenants }: Group, tenantId: string, isNamed: boolean): TenantRules | undefined {
  const object = tenants.get(tenantId);
  if (object !== undefined) return tenantRules(object.spec);
  return isNamed ? DEFAULT_TENANT_RULES : undefined;
}

function countAfter(before: LayeredTable, changes: ReadonlyMap<string, ReadonlyMap<string, unknown> | undefined>) {
  let { policyCount } = before;
  for (const [tenantId, policies] of changes) {
    policyCount += (policies?.size ?? 0) - (before.policies.get(tenantId)?.size ?? 0);
  }
  return policyCount;
}
