// One object: what was planned, written and acknowledged of it -> its status.
import type { RouterAck } from "../core/config/entry.ts";
import { type ProgrammedTarget, type ProgrammedVerdict, programmedByUid } from "../core/config/programmed.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { BeamlineObject } from "../core/policy/spec.ts";
import { type Condition, mergeConditions, type ObservedCondition } from "../core/reconcile/conditions.ts";
import { type ObservedObject, objectConditions } from "../core/reconcile/object-conditions.ts";
import { pipelineConditions } from "../core/reconcile/pipeline.ts";
import type { Verdict } from "../core/reconcile/plan-entries.ts";
import { policyConditions } from "../core/reconcile/routing-policy.ts";
import type { ObservedPod, SourceObject } from "./interfaces.ts";
import { describePipeline, observeLinks } from "./observe-pipeline.ts";
import { type KnownProcessors, observeRegistered } from "./observe-processors.ts";
import type {
  FileProblem,
  ObjectStatus,
  PipelineStatus,
  PolicyStatus,
  ProviderStatus,
  TenantStatus,
} from "./status-document.ts";

/** What is the same for all objects. */
export interface ObjectSurroundings {
  readonly names: Names;
  readonly acks: ReadonlyMap<string, RouterAck>;
  readonly pods: readonly ObservedPod[];
  /** Of the assignments stream. */
  readonly duplicateWindowMs: number;
  /** What the registry says; absent for a Router that has none. */
  readonly processors?: KnownProcessors | undefined;
  /** RFC 3339. */
  readonly now: string;
}

export interface ObjectFacts {
  readonly verdict: Verdict;
  readonly source: SourceObject | undefined;
  readonly programmed: ProgrammedVerdict;
  /** Conditions as they were last observed, or as the source has them. */
  readonly previous: readonly Condition[];
}

export function observeProgrammed(
  { acks, pods }: Pick<ObjectSurroundings, "acks" | "pods">,
  verdict: Verdict,
  known: ProgrammedTarget | undefined,
): ProgrammedVerdict {
  const { key, desired } = verdict;
  const { uid, generation } = desired.meta;
  const written = known?.uid === uid && known.generation === generation;
  const target = written ? known : { key, uid, generation, epoch: "", revision: undefined };
  const served = programmedByUid(target, acks, pods);
  if (served.status !== "True" || legacySubject(verdict) === undefined || !isBehind(pods)) return served;
  return { status: "Unknown", reason: "Pending", message: "waiting for every router to run with the allowed subjects" };
}

/** Allowed subjects come with the environment, so a router that runs with an older one refuses the work. */
export function isBehind(pods: readonly ObservedPod[]): boolean {
  return pods.some(({ ready, updated }) => ready && !updated);
}

export function observeObject(
  surroundings: ObjectSurroundings,
  facts: ObjectFacts,
): PolicyStatus | ProviderStatus | TenantStatus | PipelineStatus {
  const { desired, object, policy, key } = facts.verdict;
  const { namespace, name } = desired.meta;
  const registered = observeRegistered(surroundings.processors, facts.verdict);
  const status = { ...objectStatus(surroundings, facts, registered.conditions), ...registered.fields };
  if (desired.kind === "Tenant") {
    return { ...status, tenantId: object?.kind === "Tenant" ? object.spec.tenantId : name };
  }
  if (desired.kind === "Provider") {
    return { ...status, ...describeProvider(namespace, name, object, surroundings.names) };
  }
  if (desired.kind === "Pipeline") return { ...status, ...describePipeline(facts.verdict, surroundings.names) };
  const spec = object?.kind === "RoutingPolicy" ? object.spec : undefined;
  const tenantId = spec?.tenantId ?? policy?.tenantId ?? "";
  return { ...status, tenantId, policyId: spec?.policyId ?? policy?.policyId ?? key };
}

function objectStatus(
  surroundings: ObjectSurroundings,
  { verdict, source, programmed, previous }: ObjectFacts,
  registered: readonly ObservedCondition[],
) {
  const { desired, warnings, implicitProviders } = verdict;
  const { namespace, name, uid, generation } = desired.meta;
  const subject = legacySubject(verdict);
  const { duplicateWindowMs, now } = surroundings;
  const observed: ObservedObject = {
    ...(subject === undefined ? {} : { legacy: { subject, duplicateWindowMs } }),
    generation,
    refusals: verdict.refusals,
    inForceGeneration: verdict.inForceGeneration,
    programmed,
    partiallySupported: verdict.partiallySupported,
    registered,
  };
  const conditionsOf = (): readonly ObservedCondition[] => {
    if (desired.kind === "RoutingPolicy") {
      return policyConditions({ ...observed, unresolved: warnings, implicitProviders });
    }
    if (desired.kind !== "Pipeline") return objectConditions(observed);
    return pipelineConditions({ ...observed, unmetLinks: observeLinks(surroundings.processors, verdict) });
  };
  return {
    namespace,
    name,
    uid,
    generation,
    observedGeneration: generation,
    ...(source?.origin === undefined ? {} : { file: source.origin.file }),
    conditions: mergeConditions(previous, conditionsOf(), now),
    problems: source === undefined ? [] : positioned(verdict, source),
  };
}

function legacySubject({ object }: Verdict): string | undefined {
  return object?.kind === "Provider" ? object.spec.legacy?.subject : undefined;
}

/** Refusals and warnings as problems in the file that the object comes from. */
function positioned({ refusals, warnings, specProblems }: Verdict, { origin }: SourceObject): readonly FileProblem[] {
  if (origin === undefined) return [];
  const { file, locate } = origin;
  const spec = specProblems.map((problem) => ({ file, ...locate(problem.path, problem.rule), ...problem }));
  const others = [...refusals, ...warnings].filter(({ reason }) => reason !== "Invalid");
  return [
    ...spec,
    ...others.map(({ path = "", reason, message }) => ({ file, ...locate(path), path, rule: reason, message })),
  ];
}

function describeProvider(
  namespace: string,
  name: string,
  object: BeamlineObject | undefined,
  names: Names,
): Omit<ProviderStatus, keyof ObjectStatus | "processors"> {
  const spec = object?.kind === "Provider" ? object.spec : undefined;
  const subject = spec?.legacy?.subject;
  return {
    providerId: spec?.providerId ?? name,
    ...(spec?.displayName === undefined ? {} : { displayName: spec.displayName }),
    ...(subject === undefined
      ? { consumer: names.consumers.provider({ namespace, name }) }
      : { legacySubject: names.toWire(subject) }),
  };
}
