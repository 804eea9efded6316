// Compiles objects that may each have an older spec to fall back to: one that cannot be compiled never takes others with it.
import { type CompiledTable, type CompileOptions, compileTable } from "../policy/compile.ts";
import type { CompileProblem } from "../policy/compile-problem.ts";
import type { BeamlineObject } from "../policy/spec.ts";

/** One object and the specs it may be served with, the wanted one first. */
export interface Candidate {
  readonly key: string;
  readonly choices: readonly BeamlineObject[];
}

export interface Chosen {
  /** Of the choices that were made. */
  readonly compiled: CompiledTable;
  /** By key: position in `choices` of what is in the table; undefined when none could be. */
  readonly choice: ReadonlyMap<string, number | undefined>;
  /** By key: why the wanted spec is not in the table. */
  readonly refusals: ReadonlyMap<string, readonly CompileProblem[]>;
  /** By key: what is wrong with a spec that is in the table all the same. */
  readonly warnings: ReadonlyMap<string, readonly CompileProblem[]>;
}

/**
 * Each pass moves every object that does not compile to its next choice, and a move can free or take what another object
 * wants (a policy id), hence the passes. They end by themselves: choices only run out. The bound keeps a chain of conflicts
 * from costing a compile for each link; what is left then is what `compileTable` leaves out.
 */
export const MAX_FALLBACK_PASSES = 8;

/** The table of the first choices that compile together. Independent of the order of the candidates. */
export function compileWithFallback(candidates: readonly Candidate[], options: CompileOptions = {}): Chosen {
  const choice = new Map<string, number>();
  const refusals = new Map<string, readonly CompileProblem[]>();
  const keyOf = new Map<string, string>();
  for (const { key, choices } of candidates) {
    choice.set(key, 0);
    const first = choices[0];
    if (first !== undefined) keyOf.set(identity(first.kind, first.meta.namespace, first.meta.name), key);
  }
  for (let pass = 1; ; pass++) {
    const compiled = compileTable(chosenObjects(candidates, choice), options);
    const failed = groupByKey(compiled.problems, true, keyOf);
    for (const [key, found] of failed) if (!refusals.has(key)) refusals.set(key, found);
    if (pass < MAX_FALLBACK_PASSES && moveOn(candidates, failed, choice)) continue;
    const warnings = groupByKey(compiled.problems, false, keyOf);
    return { compiled, choice: withoutFailed(choice, failed), refusals, warnings };
  }
}

function chosenObjects(candidates: readonly Candidate[], choice: ReadonlyMap<string, number>): BeamlineObject[] {
  const objects: BeamlineObject[] = [];
  for (const { key, choices } of candidates) {
    const object = choices[choice.get(key) ?? 0];
    if (object !== undefined) objects.push(object);
  }
  return objects;
}

function groupByKey(
  problems: readonly CompileProblem[],
  rejected: boolean,
  keyOf: ReadonlyMap<string, string>,
): Map<string, CompileProblem[]> {
  const grouped = new Map<string, CompileProblem[]>();
  for (const problem of problems) {
    const key = keyOf.get(identity(problem.kind, problem.namespace, problem.name));
    if (key === undefined || problem.rejected !== rejected) continue;
    const list = grouped.get(key);
    if (list === undefined) grouped.set(key, [problem]);
    else list.push(problem);
  }
  return grouped;
}

function moveOn(
  candidates: readonly Candidate[],
  failed: ReadonlyMap<string, unknown>,
  choice: Map<string, number>,
): boolean {
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
  return new Map([...choice].map(([key, index]) => [key, failed.has(key) ? undefined : index]));
}

function identity(kind: string, namespace: string, name: string): string {
  // A Tenant is cluster-scoped: its id alone names it.
  return kind === "Tenant" ? `${kind}//${name}` : `${kind}/${namespace}/${name}`;
}
