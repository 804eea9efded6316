// Every object's status on its way to the API server: gathered from the operators of all Routers, one write an object.
import type { RouterKey } from "../../../core/config/entry.ts";
import { LayeredMap } from "../../../core/layered-map.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import { isAttached } from "../../../core/reconcile/attach.ts";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import { mergeRouterConditions } from "../../../core/reconcile/merge-conditions.ts";
import type { ObjectRef } from "../../../kubernetes/object.ts";
import type { Status } from "../../../kubernetes/status-diff.ts";
import type { StatusWriter } from "../../../kubernetes/status-writer.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import type {
  ObjectStatus,
  PipelineStatus,
  ProviderStatus,
  StatusDocument,
  TenantStatus,
} from "../../status-document.ts";
import { STATUS_PATIENCE_MS } from "../../status-reporter.ts";
import type { MirroredObject } from "./mirrored-object.ts";
import type { MirrorChange, MirroredRef, ObjectMirror } from "./object-mirror.ts";
import { pipelineStatus, policyStatus, providerStatus, routerStatus, tenantStatus } from "./object-status.ts";
import { RESOURCE_TYPES } from "./resource-types.ts";

/** What happened to one object, for events. */
export interface ConditionChange {
  readonly kind: ObjectKind;
  readonly ref: MirroredRef;
  readonly uid: string;
  readonly previous: readonly Condition[];
  readonly current: readonly Condition[];
}

export interface StatusBoardOptions {
  readonly mirror: Pick<ObjectMirror, "get">;
  readonly writer: Pick<StatusWriter, "set" | "forget">;
  onConditions(change: ConditionChange): void;
  /** An object that may have been told of is there no more. */
  onGone(uid: string): void;
  readonly clock?: Clock;
}

/** What is to be written of one object. */
interface Entry {
  readonly kind: ObjectKind;
  readonly ref: MirroredRef;
  readonly uid: string;
  /** `<namespace>/<name>` of the Router whose operator says it; absent where none can serve it. */
  readonly router?: string;
  readonly conditions: readonly Condition[];
  status(): Status;
}

interface Said {
  readonly document: StatusDocument | undefined;
  /** Of that document, by key. */
  readonly statuses: LayeredMap<ObjectStatus>;
}

const NOTHING_SAID: Said = { document: undefined, statuses: LayeredMap.empty() };

type SharedStatus = ProviderStatus | TenantStatus;

export class StatusBoard {
  private readonly options: StatusBoardOptions;
  private readonly clock: Clock;
  /** By Router: what its operator said last, to tell what is new by reference. */
  private readonly said = new Map<string, Said>();
  /** Entries that are about to change once more, by key, with the time from which they are written all the same. */
  private readonly waiting = new Map<string, { readonly entry: Entry; readonly dueMs: number }>();
  /** As it was told last, by key. */
  private readonly told = new Map<string, Entry>();
  private timer: NodeJS.Timeout | undefined;

  constructor(options: StatusBoardOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
  }

  /** Takes what the operator of a Router says of all its objects. `pending`: uids of those that routers are just applying. */
  report(document: StatusDocument, pending: ReadonlySet<string>): void {
    const router = `${document.router.namespace}/${document.router.name}`;
    const before = this.said.get(router) ?? NOTHING_SAID;
    const statuses = before.statuses.with(statusChanges(before.document, document));
    this.said.set(router, { document, statuses });
    const changed = statuses.changedSince(before.statuses);
    // The same reference says the same; one that waits is looked at again, because waiting may be over.
    for (const key of new Set([...changed, ...this.waiting.keys()])) {
      const status = statuses.get(key);
      if (status !== undefined) this.offer(this.entryOf(kindOf(key), status, router), pending.has(status.uid));
    }
    for (const key of changed) {
      const gone = before.statuses.get(key);
      if (gone !== undefined && !statuses.has(key)) this.offerGone(key, gone);
    }
    this.offerRouter(document);
  }

  /** A status that does not come from an operator: of a Router that none can serve, and of its policies. */
  write(
    kind: ObjectKind,
    object: MirroredObject,
    status: Status & { readonly conditions: readonly Condition[] },
  ): void {
    const { meta: ref } = object;
    this.offer({ kind, ref, uid: ref.uid, conditions: status.conditions, status: () => status }, false);
  }

  /** Somebody may have overwritten what was told, and an object that is gone has nothing to be told. */
  takeChanges(changes: readonly MirrorChange[]): void {
    for (const { kind, previous, current } of changes) {
      const ref = (current ?? previous)?.meta;
      const key = ref === undefined ? undefined : keyOf(kind, ref);
      if (previous !== undefined && current?.meta.uid !== previous.meta.uid) this.options.onGone(previous.meta.uid);
      if (ref !== undefined && current === undefined)
        this.options.writer.forget(RESOURCE_TYPES[kind], refOf(kind, ref));
      const entry = key === undefined ? undefined : this.told.get(key);
      if (key === undefined || entry === undefined) continue;
      if (current?.meta.uid !== entry.uid) this.told.delete(key);
      // The writer knows the echo of its own writes from anything else.
      else if (previous?.status !== current.status && !this.waiting.has(key)) this.send(key, entry);
    }
  }

  /** The operator of a Router has ended, or another process's tells of it: what it said counts no more, and stands. */
  forget({ namespace, name }: RouterKey): void {
    const router = `${namespace}/${name}`;
    this.said.delete(router);
    for (const [key, entry] of this.told) if (entry.router === router) this.told.delete(key);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
    this.said.clear();
  }

  /** Providers and Tenants that a Router has no use for any more are what the others say of them. */
  private offerGone(key: string, status: ObjectStatus): void {
    this.waiting.delete(key);
    const kind = kindOf(key);
    if (this.options.mirror.get(kind, status)?.meta.uid !== status.uid) this.told.delete(key);
    else if (!isAttached(kind)) this.offerFromOthers(kind, key);
  }

  private offerFromOthers(kind: ObjectKind, key: string): void {
    for (const [router, { statuses }] of this.said) {
      const status = statuses.get(key);
      if (status === undefined) continue;
      this.offer(this.entryOf(kind, status, router), false);
      return;
    }
  }

  private entryOf(kind: ObjectKind, status: ObjectStatus, router: string): Entry {
    const { namespace, name, uid } = status;
    const ref = { namespace, name };
    if (kind === "RoutingPolicy") {
      const policy = status as StatusDocument["policies"][number];
      return { kind, ref, uid, router, conditions: policy.conditions, status: () => policyStatus(policy, router) };
    }
    if (kind === "Pipeline") {
      const pipeline = status as PipelineStatus;
      return {
        kind,
        ref,
        uid,
        router,
        conditions: pipeline.conditions,
        status: () => pipelineStatus(pipeline, router),
      };
    }
    const conditions = this.mergedConditions(keyOf(kind, status), status as SharedStatus);
    const make = (): Status =>
      kind === "Provider"
        ? providerStatus(status as ProviderStatus, { conditions, ...this.processorsOf(status) })
        : tenantStatus(status as TenantStatus, conditions);
    return { kind, ref, uid, router, conditions, status: make };
  }

  private mergedConditions(key: string, { uid }: SharedStatus): readonly Condition[] {
    const parts = [...this.said].flatMap(([router, { statuses }]) => {
      const status = statuses.get(key);
      return status?.uid === uid ? [{ router, conditions: status.conditions }] : [];
    });
    return mergeRouterConditions(parts);
  }

  /** Routers of the installation's NATS account say the same, and others nothing: the last that reports must not decide. */
  private processorsOf(status: ObjectStatus): Pick<ProviderStatus, "processors"> {
    const key = keyOf("Provider", status);
    for (const { statuses } of this.said.values()) {
      const said = statuses.get(key) as ProviderStatus | undefined;
      if (said?.uid === status.uid && said.processors !== undefined) return { processors: said.processors };
    }
    return {};
  }

  private offerRouter(document: StatusDocument): void {
    const { namespace, name, conditions, generation } = document.router;
    const object = this.options.mirror.get("Router", { namespace, name });
    if (object === undefined || object.meta.generation < generation) return;
    const status = (): Status => routerStatus(document.router, document.routers);
    const { uid } = object.meta;
    const router = `${namespace}/${name}`;
    this.offer({ kind: "Router", ref: { namespace, name }, uid, router, conditions, status }, false);
  }

  private offer(entry: Entry, isPending: boolean): void {
    const key = keyOf(entry.kind, entry.ref);
    const nowMs = this.clock.monotonicMs();
    const dueMs = this.waiting.get(key)?.dueMs ?? nowMs + STATUS_PATIENCE_MS;
    if (isPending && nowMs < dueMs) {
      this.waiting.set(key, { entry, dueMs });
      this.timer ??= setTimeout(() => this.writeDue(), STATUS_PATIENCE_MS);
      return;
    }
    // One that is still pending keeps its place: its next report is not made to wait again.
    if (isPending) this.waiting.set(key, { entry, dueMs: Number.NEGATIVE_INFINITY });
    else this.waiting.delete(key);
    this.send(key, entry);
  }

  private writeDue(): void {
    this.timer = undefined;
    const nowMs = this.clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [key, { entry, dueMs }] of this.waiting) {
      if (dueMs === Number.NEGATIVE_INFINITY) continue;
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      this.waiting.set(key, { entry, dueMs: Number.NEGATIVE_INFINITY });
      this.send(key, entry);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.timer = setTimeout(() => this.writeDue(), nextMs - nowMs);
  }

  private send(key: string, entry: Entry): void {
    const { kind, ref, uid, conditions, status } = entry;
    const observed = this.options.mirror.get(kind, ref);
    if (observed?.meta.uid !== uid) return;
    const type = RESOURCE_TYPES[kind];
    this.options.writer.set({
      type,
      ref: refOf(kind, ref),
      uid,
      status: status(),
      observed: { status: observed.status, resourceVersion: observed.resourceVersion },
    });
    const told = this.told.get(key);
    const previous = told?.uid === uid ? told.conditions : observed.conditions;
    this.told.set(key, entry);
    this.options.onConditions({ kind, ref, uid, previous, current: conditions });
  }
}

/** By key: what one document says otherwise than the other. */
function* statusChanges(
  before: StatusDocument | undefined,
  now: StatusDocument,
): Generator<readonly [string, ObjectStatus | undefined]> {
  yield* listChanges("RoutingPolicy", before?.policies ?? [], now.policies);
  yield* listChanges("Provider", before?.providers ?? [], now.providers);
  yield* listChanges("Tenant", before?.tenants ?? [], now.tenants);
  yield* listChanges("Pipeline", before?.pipelines ?? [], now.pipelines);
}

/** Both lists are in one order and share the objects that say the same, so mostly a short stretch differs. */
function* listChanges(
  kind: ObjectKind,
  before: readonly ObjectStatus[],
  now: readonly ObjectStatus[],
): Generator<readonly [string, ObjectStatus | undefined]> {
  const shorter = Math.min(before.length, now.length);
  let start = 0;
  while (start < shorter && before[start] === now[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === now.at(-1 - end)) end++;
  const changed = new Map<string, ObjectStatus | undefined>();
  for (const status of before.slice(start, before.length - end)) changed.set(keyOf(kind, status), undefined);
  for (const status of now.slice(start, now.length - end)) changed.set(keyOf(kind, status), status);
  yield* changed;
}

/** As the API server knows it: a Tenant has no namespace. */
function refOf(kind: ObjectKind, { namespace, name }: MirroredRef): ObjectRef {
  return RESOURCE_TYPES[kind].namespaced ? { namespace, name } : { name };
}

function keyOf(kind: ObjectKind, { namespace, name }: MirroredRef): string {
  return `${kind}/${namespace}/${name}`;
}

function kindOf(key: string): ObjectKind {
  return key.slice(0, key.indexOf("/")) as ObjectKind;
}
