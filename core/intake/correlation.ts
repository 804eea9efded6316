// Rules for the fields that tell what a message belongs to: tenant, run, flow, step.
import { validateUuidOrUlid } from "./identifier.ts";
import type { ValidationLevel } from "./message.ts";
import { type IntakeReason, type Refusal, refuse } from "./reasons.ts";

/** Process identifiers as they came; absent when empty. */
export interface ProcessIdentifiers {
  readonly runId: string | undefined;
  readonly flowId: string | undefined;
  readonly stepId: string | undefined;
}

type Rule = readonly [reason: IntakeReason, field: string, broken: (ids: ProcessIdentifiers) => boolean];

/** What level Full (CP2 and later) requires. */
const REQUIRED_AT_FULL: readonly Rule[] = [
  ["missing_run_id", "run_id", ({ runId }) => runId === undefined],
  ["missing_flow_id", "flow_id", ({ flowId }) => flowId === undefined],
  ["missing_step_id", "step_id", ({ stepId }) => stepId === undefined],
];

/**
 * None of the three makes sense without the others. The order is the seed's (004, 3.1), which leaves the last one to never be
 * the first that is broken: it stands here because the contract names it.
 */
const DEPENDENCIES: readonly Rule[] = [
  [
    "flow_id_required_when_run_id_present",
    "flow_id",
    ({ runId, flowId }) => runId !== undefined && flowId === undefined,
  ],
  [
    "step_id_required_when_run_id_present",
    "step_id",
    ({ runId, stepId }) => runId !== undefined && stepId === undefined,
  ],
  [
    "run_id_required_when_flow_id_present",
    "run_id",
    ({ runId, flowId }) => flowId !== undefined && runId === undefined,
  ],
  [
    "run_id_required_when_step_id_present",
    "run_id",
    ({ runId, stepId }) => stepId !== undefined && runId === undefined,
  ],
  [
    "flow_id_required_when_step_id_present",
    "flow_id",
    ({ flowId, stepId }) => stepId !== undefined && flowId === undefined,
  ],
];

const FORMATS: readonly Rule[] = [
  ["invalid_run_id_format", "run_id", ({ runId }) => !isAbsentOrValid(runId)],
  ["invalid_flow_id_format", "flow_id", ({ flowId }) => !isAbsentOrValid(flowId)],
  ["invalid_step_id_format", "step_id", ({ stepId }) => !isAbsentOrValid(stepId)],
];

function isAbsentOrValid(id: string | undefined): boolean {
  return id === undefined || validateUuidOrUlid(id);
}

function firstBroken(rules: readonly Rule[], ids: ProcessIdentifiers): Refusal | undefined {
  const rule = rules.find(([, , broken]) => broken(ids));
  return rule === undefined ? undefined : refuse(rule[0], rule[1]);
}

/** Presence, then dependencies, then formats of run_id, flow_id and step_id; one rule for every kind of message. */
export function validateProcessIdentifiers(ids: ProcessIdentifiers, level: ValidationLevel): Refusal | undefined {
  // Most messages of level Baseline carry none of the three.
  if (level === "Baseline" && ids.runId === undefined && ids.flowId === undefined && ids.stepId === undefined)
    return undefined;
  const required = level === "Full" ? REQUIRED_AT_FULL : [];
  return firstBroken(required, ids) ?? firstBroken(DEPENDENCIES, ids) ?? firstBroken(FORMATS, ids);
}

/** The tenant is required at every level; process identifiers as `validateProcessIdentifiers` says. */
export function validateCorrelationFields(
  message: ProcessIdentifiers & { readonly tenantId: string | undefined },
  level: ValidationLevel,
): Refusal | undefined {
  if (message.tenantId === undefined) return refuse("missing_tenant_id", "tenant_id");
  return validateProcessIdentifiers(message, level);
}
