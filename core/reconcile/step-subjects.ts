// Steps of a policy on subjects that its Router does not allow.
import { checkPublishSubject } from "../handover/check-publish-subject.ts";
import type { CompiledPolicy } from "../policy/table.ts";
import type { Refusal } from "./object-conditions.ts";

/** Like references that lead nowhere. `allowedSubjects` undefined: not known, nothing is refused. */
export function refusedStepSubjects(
  policy: CompiledPolicy | undefined,
  allowedSubjects: readonly string[] | undefined,
): readonly Refusal[] {
  if (policy?.pipeline === undefined || allowedSubjects === undefined) return [];
  const rules = { tenantId: "", allowedSubjects, prefix: undefined };
  const { pre, validators, post } = policy.pipeline;
  return Object.entries({ pre, validators, post }).flatMap(([stage, steps]) =>
    steps.flatMap(({ name, target }) => {
      if (target.kind !== "subject" || checkPublishSubject(target.subject, "step", rules).ok) return [];
      const message = `step ${name}: routers refuse to ask ${target.subject}: add it to spec.allowedSubjects of the Router`;
      return [{ reason: "StepSubjectNotAllowed", message, path: `spec.pipeline.${stage}` }];
    }),
  );
}
