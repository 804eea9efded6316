// What was planned, written, acknowledged and observed -> the conditions of every object, as one document.
import type { RouterAck, RouterKey } from "../core/config/entry.ts";
import { type ProgrammedTarget, type ProgrammedVerdict, programmedByUid } from "../core/config/programmed.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { BeamlineObject } from "../core/policy/spec.ts";
import type { CompiledPolicy } from "../core/policy/table.ts";
import { type Condition, mergeConditions, type ObservedCondition } from "../core/reconcile/conditions.ts";
import { type ObservedObject, objectConditions } from "../core/reconcile/object-conditions.ts";
import type { EntryPlan, Verdict } from "../core/reconcile/plan-entries.ts";
import { type LeaseHolder, routerConditions } from "../core/reconcile/router.ts";
import { policyConditions } from "../core/reconcile/routing-policy.ts";
import type { InfrastructureStatus, ObservedPod, SourceObject, SourceSnapshot } from "./interfaces.ts";
import type { RouterSettings } from "./router-settings.ts";
import type {
  FileProblem,
  FileStatus,
  ObjectStatus,
  ProviderStatus,
  RouterObjectStatus,
  RouterStatus,
  StatusDocument,
} from "./status-document.ts";

/** Everything that the status is a function of. */
export interface Observation {
  readonly router: RouterKey;
  readonly names: Names;
  readonly snapshot: SourceSnapshot;
  readonly plan: EntryPlan;
  readonly head: { readonly revision: number; readonly epoch: string } | undefined;
  target(key: string): ProgrammedTarget | undefined;
  readonly acks: ReadonlyMap<string, RouterAck>;
  readonly pods: readonly ObservedPod[];
  readonly infrastructure: InfrastructureStatus;
  readonly settings: RouterSettings;
  /** Of the assignments stream. */
  readonly duplicateWindowMs: number;
  readonly busOwner: string | undefined;
  /** The other operator that writes the bus, if this one does not. */
  readonly leaseHolder: LeaseHolder | undefined;
  /** NATS does not keep producers and workers out of internal state, or does not say so. */
  readonly unfenced: boolean;
  /** Conditions as they were last observed, by `conditionsKey`; what is not in it is as the source has it. */
  readonly previous: ReadonlyMap<string, readonly Condition[]>;
  /** RFC 3339. */
  readonly now: string;
}

export interface ObservedStatus {
  readonly document: StatusDocument;
  /** For the next observation. */
  readonly conditions: ReadonlyMap<string, readonly Condition[]>;
  /** Uids of objects that wait for routers to apply them: their status will change in a moment. */
  readonly pending: ReadonlySet<string>;
}

const ROUTER_CONDITIONS_KEY = "Router";

/** A new uid is a new object, with conditions of its own. */
function conditionsKey({ kind, meta }: Pick<SourceObject, "kind" | "meta">): string {
  return `${objectKey({ kind, meta })}/${meta.uid}`;
}

/** Builds the status; the same observation gives the same document. */
export function observeStatus(observation: Observation): ObservedStatus {
  const { plan, snapshot, head, names } = observation;
  const byPolicy = compiledPolicies(plan);
  const origins = new Map(snapshot.objects.map((object) => [objectKey(object), object]));
  const parts: Parts = { policies: [], providers: [], tenants: [] };
  const conditions = new Map<string, readonly Condition[]>();
  const pending = new Set<string>();
  for (const verdict of plan.verdicts.values()) {
    const observed = observeObject(observation, verdict);
    if (observed.refusals.length === 0 && observed.programmed.reason === "Pending")
      pending.add(verdict.desired.meta.uid);
    const status = objectStatus(observation, verdict, observed, origins.get(objectKey(verdict.desired)));
    conditions.set(conditionsKey(verdict.desired), status.conditions);
    addStatus(parts, verdict, status, byPolicy, names);
  }
  const ofRouter = observeRouter(observation);
  conditions.set(ROUTER_CONDITIONS_KEY, ofRouter);
  const document: StatusDocument = {
    revision: head?.revision ?? 0,
    epoch: head?.epoch ?? "",
    router: { ...describeRouter(observation), conditions: ofRouter },
    routers: observation.pods.map((pod) => routerStatus(pod, observation.acks.get(pod.uid))),
    policies: parts.policies.sort(byName),
    providers: parts.providers.sort(byName),
    tenants: parts.tenants.sort(byName),
    files: withProblems(snapshot.files, observation.settings.problems),
    unfenced: observation.unfenced,
  };
  return { document, conditions, pending };
}

interface Parts {
  readonly policies: StatusDocument["policies"][number][];
  readonly providers: StatusDocument["providers"][number][];
  readonly tenants: StatusDocument["tenants"][number][];
}

function observeObject(observation: Observation, verdict: Verdict): ObservedObject {
  const subject = legacySubject(verdict);
  return {
    ...(subject === undefined ? {} : { legacy: { subject, duplicateWindowMs: observation.duplicateWindowMs } }),
    generation: verdict.desired.meta.generation,
    refusals: verdict.refusals,
    inForceGeneration: verdict.inForceGeneration,
    programmed: observeProgrammed(observation, verdict),
    partiallySupported: verdict.partiallySupported,
  };
}

function observeProgrammed(observation: Observation, verdict: Verdict): ProgrammedVerdict {
  const { key, desired } = verdict;
  const { uid, generation } = desired.meta;
  const known = observation.target(key);
  const written = known?.uid === uid && known.generation === generation;
  const target = written ? known : { key, uid, generation, epoch: "", revision: undefined };
  const served = programmedByUid(target, observation.acks, observation.pods);
  // Allowed subjects come with the environment, so a router that runs with an older one refuses the work.
  const isBehind = observation.pods.some(({ ready, updated }) => ready && !updated);
  if (served.status !== "True" || legacySubject(verdict) === undefined || !isBehind) return served;
  return { status: "Unknown", reason: "Pending", message: "waiting for every router to run with the allowed subjects" };
}

function legacySubject({ object }: Verdict): string | undefined {
  return object?.kind === "Provider" ? object.spec.legacy?.subject : undefined;
}

function objectStatus(
  observation: Observation,
  verdict: Verdict,
  observed: ObservedObject,
  source: SourceObject | undefined,
): ObjectStatus {
  const { desired, warnings, implicitProviders } = verdict;
  const { namespace, name, uid, generation } = desired.meta;
  const conditions: readonly ObservedCondition[] =
    desired.kind === "RoutingPolicy"
      ? policyConditions({ ...observed, unresolved: warnings, implicitProviders })
      : objectConditions(observed);
  return {
    namespace,
    name,
    uid,
    generation,
    observedGeneration: generation,
    ...(source?.origin === undefined ? {} : { file: source.origin.file }),
    conditions: mergeConditions(previousConditions(observation, desired, source), conditions, observation.now),
    problems: source === undefined ? [] : positioned(verdict, source),
  };
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

function addStatus(
  parts: Parts,
  { key, desired, object }: Verdict,
  status: ObjectStatus,
  byPolicy: ReadonlyMap<string, CompiledPolicy>,
  names: Names,
): void {
  const { namespace, name } = desired.meta;
  if (desired.kind === "Tenant") {
    parts.tenants.push({ ...status, tenantId: object?.kind === "Tenant" ? object.spec.tenantId : name });
  } else if (desired.kind === "Provider") {
    parts.providers.push({ ...status, ...describeProvider(namespace, name, object, names) });
  } else {
    const compiled = byPolicy.get(`${namespace}/${name}`);
    const spec = object?.kind === "RoutingPolicy" ? object.spec : undefined;
    const tenantId = spec?.tenantId ?? compiled?.tenantId ?? "";
    parts.policies.push({ ...status, tenantId, policyId: spec?.policyId ?? compiled?.policyId ?? key });
  }
}

function describeProvider(
  namespace: string,
  name: string,
  object: BeamlineObject | undefined,
  names: Names,
): Omit<ProviderStatus, keyof ObjectStatus> {
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

function describeRouter(observation: Observation): Omit<RouterObjectStatus, "conditions"> {
  const { router, pods, settings, infrastructure } = observation;
  return {
    ...router,
    generation: settings.generation,
    desiredRouters: settings.deployment.replicas,
    updatedRouters: pods.filter(({ updated }) => updated).length,
    ...(infrastructure.selector === undefined ? {} : { selector: infrastructure.selector }),
  };
}

function observeRouter(observation: Observation): readonly Condition[] {
  const { pods, settings, infrastructure, busOwner, leaseHolder, now } = observation;
  const conditions = routerConditions({
    generation: settings.generation,
    busOwner,
    leaseHolder,
    problem: infrastructure.problem,
    fenced: !observation.unfenced,
    held: settings.deployment.held,
    partiallySupported: settings.partiallySupported,
    desiredPods: settings.deployment.replicas,
    updatedPods: pods.filter(({ updated }) => updated).length,
    readyPods: pods.filter(({ ready }) => ready).length,
    failure: pods.find(({ ready, failure }) => !ready && failure !== undefined)?.failure,
  });
  return mergeConditions(observation.previous.get(ROUTER_CONDITIONS_KEY) ?? [], conditions, now);
}

function previousConditions(
  { previous }: Observation,
  desired: Pick<SourceObject, "kind" | "meta">,
  source: SourceObject | undefined,
): readonly Condition[] {
  return previous.get(conditionsKey(desired)) ?? source?.conditions ?? [];
}

function routerStatus(
  { name, uid, pid, ready, healthUrl, starts }: ObservedPod,
  ack: RouterAck | undefined,
): RouterStatus {
  const appliedRevision = ack?.appliedRevision ?? 0;
  return { name, uid, pid, ready, appliedRevision, rejectedCount: ack?.rejectedCount ?? 0, healthUrl, starts };
}

function compiledPolicies({ compiled }: EntryPlan): ReadonlyMap<string, CompiledPolicy> {
  const byName = new Map<string, CompiledPolicy>();
  for (const policies of compiled.table.policies.values()) {
    for (const policy of policies.values()) byName.set(`${policy.meta.namespace}/${policy.meta.name}`, policy);
  }
  return byName;
}

function withProblems(files: readonly FileStatus[], extra: readonly FileProblem[]): readonly FileStatus[] {
  return files.map(({ file, problems }) => ({
    file,
    problems: [...problems, ...extra.filter((problem) => problem.file === file)],
  }));
}

function objectKey({ kind, meta }: Pick<SourceObject, "kind" | "meta">): string {
  return `${kind}/${meta.namespace}/${meta.name}`;
}

function byName(left: ObjectStatus, right: ObjectStatus): number {
  const a = `${left.namespace}/${left.name}`;
  const b = `${right.namespace}/${right.name}`;
  return a < b ? -1 : a > b ? 1 : 0;
}
