// What core says of an object of the corpus: a new one by parsing it, an update by the schema and what was stored before.
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import { type ParseDefaults, parseObject } from "../../core/policy/parse.ts";
import { ProblemList } from "../../core/policy/problems.ts";
import type { SpecProblem } from "../../core/policy/spec.ts";
import { validateObject } from "../../core/policy/validate-object.ts";
import type { CorpusCase } from "./corpus.ts";

export const parseDefaults: ParseDefaults = {
  namespace: "default",
  routerRef: { namespace: "beamline-system", name: "default" },
};

/** Everything wrong with the object; empty when it is taken. */
export function judgeObject({ kind, object, before }: CorpusCase): readonly SpecProblem[] {
  const parsed = parseObject(object, parseDefaults);
  if (!parsed.ok) return parsed.error;
  if (before === undefined) return [];
  const { schema } = objectDefinitions[kind];
  const problems = new ProblemList();
  // What was stored has its defaults.
  const stored = validateObject(schema, before, problems);
  validateObject(schema, object, problems, "", stored);
  return problems.toArray();
}

/** The spec with the defaults of its schema; of use only when the object is taken. */
export function fillDefaults({ kind, object }: Pick<CorpusCase, "kind" | "object">): unknown {
  const value = validateObject(objectDefinitions[kind].schema, object, new ProblemList());
  return (value as { readonly spec?: unknown }).spec;
}
