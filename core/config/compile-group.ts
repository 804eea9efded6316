// Compiles the candidates of tenants that depend on each other: each with its first choice that compiles with the rest.
import { type AdmitOptions, admitPipelines, admitPolicies } from "../policy/admit.ts";
import type { CompiledPolicyResult } from "../policy/compile-policy.ts";
import type { CompileProblem } from "../policy/compile-problem.ts";
import {
  type PipelineObject,
  type PolicyObject,
  type ProviderObject,
  sortObjects,
  type TenantObject,
} from "../policy/objects.ts";
import type { BeamlineObject } from "../policy/spec.ts";
import type { Candidate } from "./candidates.ts";

/** One policy compiled, with what was found wrong. */
export interface Compilation extends CompiledPolicyResult {
  readonly object: PolicyObject;
  readonly problems: readonly CompileProblem[];
}

export interface GroupHost {
  /** By `<namespace>/<name>`. */
  readonly providers: ReadonlyMap<string, ProviderObject>;
  readonly admit: AdmitOptions;
  compile(key: string, object: PolicyObject): Compilation;
}

export interface Group {
  /** By key: position of the choice that is in force; undefined when none is. */
  readonly choice: ReadonlyMap<string, number | undefined>;
  /** By key: why the wanted spec is not in force. */
  readonly refusals: ReadonlyMap<string, readonly CompileProblem[]>;
  /** By key: what is wrong with a spec that is in force all the same. */
  readonly warnings: ReadonlyMap<string, readonly CompileProblem[]>;
  /** By key, of policies that were admitted. */
  readonly compiled: ReadonlyMap<string, Compilation>;
  /** By tenant id. */
  readonly tenants: ReadonlyMap<string, TenantObject>;
  /** By key, of pipelines that were admitted. */
  readonly pipelines: ReadonlyMap<string, PipelineObject>;
}

/**
 * Each pass moves every object that does not compile to its next choice, and a move can free or take what another object
 * wants (a policy id), hence the passes. They end by themselves: choices only run out. The bound keeps a chain of conflicts
 * from costing a compile for each link; what is left then is left out.
 */
export const MAX_FALLBACK_PASSES = 8;

/** Independent of the order of the candidates. */
export function compileGroup(candidates: readonly Candidate[], host: GroupHost): Group {
  const choice = new Map<string, number>();
  const refusals = new Map<string, readonly CompileProblem[]>();
  for (const { key } of candidates) choice.set(key, 0);
  for (let passes = 1; ; passes++) {
    const { problems, ...pass } = compileChosen(candidates, choice, host);
    const found = problems.length === 0 ? NO_PROBLEMS : groupByKey(problems, candidates);
    for (const [key, list] of found.rejecting) if (!refusals.has(key)) refusals.set(key, list);
    if (passes < MAX_FALLBACK_PASSES && moveOn(candidates, found.rejecting, choice)) continue;
    return { ...pass, choice: withoutFailed(choice, found.rejecting), refusals, warnings: found.others };
  }
}

interface Pass {
  readonly compiled: ReadonlyMap<string, Compilation>;
  readonly tenants: ReadonlyMap<string, TenantObject>;
  readonly pipelines: ReadonlyMap<string, PipelineObject>;
  readonly problems: readonly CompileProblem[];
}

function compileChosen(candidates: readonly Candidate[], choice: ReadonlyMap<string, number>, host: GroupHost): Pass {
  const keys = new Map<BeamlineObject, string>();
  for (const { key, choices } of candidates) {
    const object = choices[choice.get(key) ?? 0];
    if (object !== undefined) keys.set(object, key);
  }
  const problems: CompileProblem[] = [];
  const { policies, pipelines: found, tenants } = sortObjects([...keys.keys()], problems);
  const compiled = new Map<string, Compilation>();
  for (const object of admitPolicies({ policies, tenants }, problems, host.admit)) {
    const key = keys.get(object);
    if (key === undefined) continue;
    const compilation = host.compile(key, object);
    problems.push(...compilation.problems);
    compiled.set(key, compilation);
  }
  const pipelines = new Map<string, PipelineObject>();
  for (const object of admitPipelines({ pipelines: found, tenants }, problems, host.admit)) {
    const key = keys.get(object);
    if (key !== undefined) pipelines.set(key, object);
  }
  return { compiled, tenants, pipelines, problems };
}

interface ProblemsByKey {
  readonly rejecting: ReadonlyMap<string, readonly CompileProblem[]>;
  readonly others: ReadonlyMap<string, readonly CompileProblem[]>;
}

const NO_PROBLEMS: ProblemsByKey = { rejecting: new Map(), others: new Map() };

function groupByKey(problems: readonly CompileProblem[], candidates: readonly Candidate[]): ProblemsByKey {
  const keyOf = new Map<string, string>();
  for (const { key, choices } of candidates) {
    const [first] = choices;
    if (first !== undefined) keyOf.set(identity(first.kind, first.meta.namespace, first.meta.name), key);
  }
  const rejecting = new Map<string, CompileProblem[]>();
  const others = new Map<string, CompileProblem[]>();
  for (const problem of problems) {
    const key = keyOf.get(identity(problem.kind, problem.namespace, problem.name));
    if (key === undefined) continue;
    const lists = problem.rejected ? rejecting : others;
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [problem]);
    else list.push(problem);
  }
  return { rejecting, others };
}

function moveOn(
  candidates: readonly Candidate[],
  failed: ReadonlyMap<string, unknown>,
  choice: Map<string, number>,
): boolean {
  if (failed.size === 0) return false;
  let moved = false;
  for (const { key, choices } of candidates) {
    const next = (choice.get(key) ?? 0) + 1;
    if (!failed.has(key) || next >= choices.length) continue;
    choice.set(key, next);
    moved = true;
  }
  return moved;
}

function withoutFailed(
  choice: ReadonlyMap<string, number>,
  failed: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, number | undefined> {
  if (failed.size === 0) return choice;
  return new Map([...choice].map(([key, index]) => [key, failed.has(key) ? undefined : index]));
}

function identity(kind: string, namespace: string, name: string): string {
  // A Tenant is cluster-scoped: its id alone names it.
  return kind === "Tenant" ? `${kind}//${name}` : `${kind}/${namespace}/${name}`;
}
