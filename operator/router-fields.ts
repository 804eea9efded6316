// Fields of the Router object that something else overrides on one machine, or that cannot be carried out as written.

import type { Platform } from "../core/policy/partially-supported.ts";
import type { UnboundSubject } from "../core/reconcile/legacy-subjects.ts";
import type { RouterConfig } from "./config.ts";
import { MAX_ROUTERS } from "./infrastructure/processes/process-infrastructure.ts";
import type { RouterObject } from "./interfaces.ts";

export interface UnusedField {
  readonly path: string;
  readonly rule: string;
  readonly message: string;
  /** Whether it is also a problem of the file: what it says is contradicted, not only left aside. */
  readonly isProblem: boolean;
}

/** What was written into the object and does not hold; `unbound` of its allowedSubjects. */
export function unusedRouterFields(
  { spec, explicit = [] }: RouterObject,
  config: RouterConfig,
  platform: Platform,
  unbound: readonly UnboundSubject[],
): readonly UnusedField[] {
  const { prefix } = spec.subjects;
  const isOneMachine = platform === "processes";
  const fields: (UnusedField | undefined)[] = [
    isOneMachine && explicit.includes("spec.replicas") ? unusedReplicas(spec.replicas, config.routers) : undefined,
    // Both are needed before the first file is read, so the process is told them.
    prefix === undefined || prefix === config.subjectsPrefix
      ? undefined
      : fixedAtStart("spec.subjects.prefix", "the prefix is set by BEAMLINE_SUBJECTS_PREFIX, which says otherwise"),
    !explicit.includes("spec.handover.retention") || spec.handoverRetentionMs === config.handoverRetentionMs
      ? undefined
      : fixedAtStart(
          "spec.handover.retention",
          "the retention is set by BEAMLINE_HANDOVER_RETENTION, which says otherwise",
        ),
    ...unbound.map(({ subject, reason }) => ({
      path: `spec.allowedSubjects[${spec.allowedSubjects.indexOf(subject)}]`,
      rule: "subject_not_bindable",
      message: `${subject} ${reason}`,
      isProblem: true,
    })),
  ];
  return fields.flatMap((field) => field ?? []);
}

function unusedReplicas(replicas: number, setting: number | undefined): UnusedField | undefined {
  const path = "spec.replicas";
  if (setting !== undefined && setting !== replicas) {
    const message = `${setting} routers run, as --routers or BEAMLINE_ROUTERS says`;
    return { path, rule: "overridden", message, isProblem: false };
  }
  if (replicas <= MAX_ROUTERS) return undefined;
  const message = `one machine runs at most ${MAX_ROUTERS} routers, and so many run`;
  return { path, rule: "out_of_range", message, isProblem: false };
}

function fixedAtStart(path: string, message: string): UnusedField {
  return { path, rule: "fixed_at_start", message: `on one machine ${message}`, isProblem: true };
}
