// What was planned, written, acknowledged and observed -> the conditions of every object, as one document.
import { entryKey } from "../core/config/keys.ts";
import {
  type AppliedFloor,
  appliedFloor,
  keepsProgrammed,
  type ProgrammedTarget,
  type ProgrammedVerdict,
} from "../core/config/programmed.ts";
import { LayeredMap } from "../core/layered-map.ts";
import { isSameRouter } from "../core/reconcile/attach.ts";
import { changedObjects } from "../core/reconcile/changed-objects.ts";
import type { Condition } from "../core/reconcile/conditions.ts";
import type { EntryPlan, Verdict } from "../core/reconcile/plan-entries.ts";
import type { SourceObject, SourceSnapshot } from "./interfaces.ts";
import { isBehind, type ObjectSurroundings, observeObject, observeProgrammed } from "./observe-object.ts";
import { pipelinesToObserve } from "./observe-pipeline.ts";
import { concernedBy, tellsSame } from "./observe-processors.ts";
import { describeRouter, observeRouter, type RouterFacts, routerStatus } from "./observe-router.ts";
import type {
  FileProblem,
  FileStatus,
  PipelineStatus,
  PolicyStatus,
  ProviderStatus,
  StatusDocument,
  TenantStatus,
} from "./status-document.ts";
import { changeStatuses, type StatusChange, type StatusList } from "./status-list.ts";

/** Everything that the status is a function of. */
export interface Observation extends ObjectSurroundings, RouterFacts {
  readonly snapshot: SourceSnapshot;
  readonly plan: EntryPlan;
  readonly head: { readonly revision: number; readonly epoch: string } | undefined;
  /** By key. */
  readonly targets: LayeredMap<ProgrammedTarget>;
}

export interface ObservedStatus {
  /** Of what did not change it holds the same objects as the document before; without any change it is that document. */
  readonly document: StatusDocument;
  /** Uids of objects that wait for routers to apply them: their status will change in a moment. */
  readonly pending: ReadonlySet<string>;
  readonly accepted: {
    readonly policies: number;
    readonly providers: number;
    readonly tenants: number;
    readonly pipelines: number;
  };
  /** What the next observation follows from. */
  readonly basis: ObservationBasis;
}

interface ObservationBasis {
  readonly observation: Observation | undefined;
  readonly floor: AppliedFloor;
  readonly sources: LayeredMap<SourceObject>;
  readonly records: LayeredMap<ObjectRecord>;
  /** Keys of objects that are accepted and not in force on every router. */
  readonly unsettled: ReadonlySet<string>;
  readonly policies: StatusList<PolicyStatus>;
  readonly providers: StatusList<ProviderStatus>;
  readonly tenants: StatusList<TenantStatus>;
  readonly pipelines: StatusList<PipelineStatus>;
}

type AnyStatus = PolicyStatus | ProviderStatus | TenantStatus | PipelineStatus;
type DocumentLists = Pick<StatusDocument, "policies" | "providers" | "tenants" | "pipelines">;

interface ObjectRecord {
  readonly verdict: Verdict;
  readonly programmed: ProgrammedVerdict;
  readonly status: AnyStatus;
}

const NO_STATUSES: StatusList<never> = { statuses: [], accepted: 0 };

export const NOTHING_OBSERVED: ObservedStatus = {
  document: {
    revision: 0,
    epoch: "",
    router: { namespace: "", name: "", generation: 0, desiredRouters: 0, updatedRouters: 0, conditions: [] },
    routers: [],
    policies: [],
    providers: [],
    tenants: [],
    pipelines: [],
    files: [],
    unfenced: true,
  },
  pending: new Set(),
  accepted: { policies: 0, providers: 0, tenants: 0, pipelines: 0 },
  basis: {
    observation: undefined,
    floor: appliedFloor(new Map(), []),
    sources: LayeredMap.empty(),
    records: LayeredMap.empty(),
    unsettled: new Set(),
    policies: NO_STATUSES,
    providers: NO_STATUSES,
    tenants: NO_STATUSES,
    pipelines: NO_STATUSES,
  },
};

/**
 * Builds the status; the same observation gives the same document. Only objects of which something changed since `before` are
 * looked at: an acknowledgement costs what waits for it.
 */
export function observeStatus(observation: Observation, before: ObservedStatus = NOTHING_OBSERVED): ObservedStatus {
  const { basis } = before;
  const sources = basis.sources.with(changedSources(observation, basis));
  const floor = appliedFloor(observation.acks, observation.pods);
  const looks = { observation, before: basis, sources };
  const records = new Map<string, ObjectRecord | undefined>();
  const unsettled = new Set<string>();
  const pending = new Set<string>();
  for (const key of keysToObserve(looks, floor)) {
    const record = observeKey(looks, key);
    records.set(key, record);
    if (record === undefined || record.verdict.refusals.length > 0 || record.programmed.status === "True") continue;
    unsettled.add(key);
    if (record.programmed.reason === "Pending") pending.add(record.verdict.desired.meta.uid);
  }
  const changes = statusChanges(basis.records, records);
  const policies = changeStatuses(basis.policies, changes.policies);
  const providers = changeStatuses(basis.providers, changes.providers);
  const tenants = changeStatuses(basis.tenants, changes.tenants);
  const pipelines = changeStatuses(basis.pipelines, changes.pipelines);
  const lists = { policies, providers, tenants, pipelines };
  return {
    document: documentOf(observation, before.document, {
      policies: policies.statuses,
      providers: providers.statuses,
      tenants: tenants.statuses,
      pipelines: pipelines.statuses,
    }),
    pending,
    accepted: {
      policies: policies.accepted,
      providers: providers.accepted,
      tenants: tenants.accepted,
      pipelines: pipelines.accepted,
    },
    basis: {
      observation,
      floor,
      sources,
      records: basis.records.with(records),
      unsettled,
      ...lists,
    },
  };
}

interface Looks {
  readonly observation: Observation;
  readonly before: ObservationBasis;
  readonly sources: LayeredMap<SourceObject>;
}

/** By key: the objects that come from elsewhere than before, and as undefined those that are gone. */
function changedSources(
  { router, snapshot }: Observation,
  { observation: before }: ObservationBasis,
): ReadonlyMap<string, SourceObject | undefined> {
  const { changed, removed } = changedObjects(before?.snapshot.objects ?? [], snapshot.objects, isSameSource);
  const sources = new Map<string, SourceObject | undefined>();
  const set = ({ kind, meta }: SourceObject, source: SourceObject | undefined): void => {
    if (kind !== "Router") sources.set(entryKey(router, { kind, namespace: meta.namespace, name: meta.name }), source);
  };
  for (const object of removed) set(object, undefined);
  for (const object of changed) set(object, object);
  return sources;
}

function isSameSource(left: SourceObject, right: SourceObject): boolean {
  return left.meta.uid === right.meta.uid && left.origin === right.origin;
}

/** Keys of all objects whose status may be another one than before. */
function keysToObserve({ observation, before, sources }: Looks, floor: AppliedFloor): ReadonlySet<string> {
  const { plan, targets } = observation;
  const last = before.observation;
  if (last === undefined || !hasSameSurroundings(last, observation)) {
    return new Set([...plan.verdicts.keys(), ...before.records.keys()]);
  }
  const known = keepsProgrammed(before.floor, floor) ? before.unsettled : plan.verdicts.keys();
  return new Set([
    ...known,
    ...floor.rejected,
    ...plan.verdicts.changedSince(last.plan.verdicts),
    ...targets.changedSince(last.targets),
    ...sources.changedSince(before.sources),
    ...concernedBy(last.processors, observation.processors, plan.verdicts),
    ...pipelinesToObserve(last, observation),
  ]);
}

function hasSameSurroundings(left: Observation, right: Observation): boolean {
  return (
    left.names === right.names &&
    left.duplicateWindowMs === right.duplicateWindowMs &&
    left.processors?.isRead === right.processors?.isRead &&
    isBehind(left.pods) === isBehind(right.pods)
  );
}

function observeKey({ observation, before, sources }: Looks, key: string): ObjectRecord | undefined {
  const verdict = observation.plan.verdicts.get(key);
  if (verdict === undefined) return undefined;
  const programmed = observeProgrammed(observation, verdict, observation.targets.get(key));
  const record = before.records.get(key);
  const source = sources.get(key);
  const isSame =
    record?.verdict === verdict &&
    isSameVerdict(record.programmed, programmed) &&
    source === before.sources.get(key) &&
    before.observation !== undefined &&
    hasSameSurroundings(before.observation, observation) &&
    tellsSame(before.observation.processors, observation.processors, verdict);
  if (isSame) return record;
  const standing = record?.status.uid === verdict.desired.meta.uid ? record.status : undefined;
  const previous = standing?.conditions ?? source?.conditions ?? [];
  const status = observeObject(observation, { verdict, source, programmed, previous });
  return { verdict, programmed, status: standing !== undefined && isSameJson(standing, status) ? standing : status };
}

function isSameVerdict(left: ProgrammedVerdict, right: ProgrammedVerdict): boolean {
  return (
    left === right || (left.status === right.status && left.reason === right.reason && left.message === right.message)
  );
}

interface StatusChanges {
  readonly policies: StatusChange<PolicyStatus>[];
  readonly providers: StatusChange<ProviderStatus>[];
  readonly tenants: StatusChange<TenantStatus>[];
  readonly pipelines: StatusChange<PipelineStatus>[];
}

function statusChanges(
  before: LayeredMap<ObjectRecord>,
  records: ReadonlyMap<string, ObjectRecord | undefined>,
): StatusChanges {
  const changes: StatusChanges = { policies: [], providers: [], tenants: [], pipelines: [] };
  for (const [key, record] of records) {
    const standing = before.get(key);
    const kind = (record ?? standing)?.verdict.desired.kind;
    if (kind === undefined || standing?.status === record?.status) continue;
    const change = { before: standing?.status, after: record?.status };
    // A key names its kind, so both are of it.
    if (kind === "RoutingPolicy") changes.policies.push(change as StatusChange<PolicyStatus>);
    else if (kind === "Provider") changes.providers.push(change as StatusChange<ProviderStatus>);
    else if (kind === "Tenant") changes.tenants.push(change as StatusChange<TenantStatus>);
    else changes.pipelines.push(change as StatusChange<PipelineStatus>);
  }
  return changes;
}

function documentOf(observation: Observation, before: StatusDocument, lists: DocumentLists): StatusDocument {
  const { head, pods, acks, snapshot, settings, unfenced } = observation;
  const revision = head?.revision ?? 0;
  const epoch = head?.epoch ?? "";
  const isFirst = before === NOTHING_OBSERVED.document;
  const conditions = observeRouter(observation, isFirst ? storedConditions(observation) : before.router.conditions);
  const router = { ...describeRouter(observation), conditions };
  const routers = pods.map((pod) => routerStatus(pod, acks.get(pod.uid)));
  const files = withProblems(snapshot.files, settings.problems);
  const isSame =
    revision === before.revision &&
    epoch === before.epoch &&
    unfenced === before.unfenced &&
    lists.policies === before.policies &&
    lists.providers === before.providers &&
    lists.tenants === before.tenants &&
    lists.pipelines === before.pipelines &&
    isSameJson([router, routers], [before.router, before.routers]) &&
    isSameJson(files, before.files);
  return isSame ? before : { revision, epoch, router, routers, ...lists, files, unfenced };
}

/** Of the Router, as the source held them: an operator that starts continues them. */
function storedConditions({ router, snapshot }: Observation): readonly Condition[] {
  const source = snapshot.objects.find(({ kind, meta }) => kind === "Router" && isSameRouter(meta, router));
  return source?.conditions ?? [];
}

function isSameJson(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

function withProblems(files: readonly FileStatus[], extra: readonly FileProblem[]): readonly FileStatus[] {
  if (extra.length === 0) return files;
  return files.map(({ file, problems }) => ({
    file,
    problems: [...problems, ...extra.filter((problem) => problem.file === file)],
  }));
}
