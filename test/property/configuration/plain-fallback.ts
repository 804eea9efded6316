// Choosing among specs in the plainest way, all objects at once and all of them anew: what the product's way must agree with.
import type { Candidate } from "../../../core/config/candidates.ts";
import { MAX_FALLBACK_PASSES } from "../../../core/config/compile-group.ts";
import { compileTable } from "../../../core/policy/compile.ts";
import type { CompileProblem } from "../../../core/policy/compile-problem.ts";
import type { RoutingTable } from "../../../core/policy/table.ts";

export interface PlainOutcome {
  readonly choice: number | undefined;
  readonly refusals: readonly CompileProblem[];
  readonly warnings: readonly CompileProblem[];
}

export function choosePlainly(candidates: readonly Candidate[]): {
  readonly table: RoutingTable;
  readonly outcomes: ReadonlyMap<string, PlainOutcome>;
} {
  const choice = new Map(candidates.map(({ key }) => [key, 0]));
  const refusals = new Map<string, readonly CompileProblem[]>();
  for (let pass = 1; ; pass++) {
    const objects = candidates.flatMap(({ key, choices }) => choices[choice.get(key) ?? 0] ?? []);
    const { table, problems } = compileTable(objects);
    const problemsOf = ({ choices: [first] }: Candidate, rejected: boolean): readonly CompileProblem[] =>
      problems.filter(
        ({ kind, namespace, name, rejected: isRejecting }) =>
          isRejecting === rejected &&
          kind === first?.kind &&
          namespace === first.meta.namespace &&
          name === first.meta.name,
      );
    const failed = new Set<string>();
    let moved = false;
    for (const candidate of candidates) {
      const found = problemsOf(candidate, true);
      if (found.length === 0) continue;
      failed.add(candidate.key);
      if (!refusals.has(candidate.key)) refusals.set(candidate.key, found);
    }
    for (const { key, choices } of pass < MAX_FALLBACK_PASSES ? candidates : []) {
      const next = (choice.get(key) ?? 0) + 1;
      if (!failed.has(key) || next >= choices.length) continue;
      choice.set(key, next);
      moved = true;
    }
    if (moved) continue;
    const outcomes = candidates.map((candidate): [string, PlainOutcome] => {
      const { key } = candidate;
      const position = failed.has(key) ? undefined : choice.get(key);
      return [key, { choice: position, refusals: refusals.get(key) ?? [], warnings: problemsOf(candidate, false) }];
    });
    return { table, outcomes: new Map(outcomes) };
  }
}
