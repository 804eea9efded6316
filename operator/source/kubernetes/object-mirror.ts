// All objects of ours in the watched namespaces, as the API server last told of them, and what each telling changed.
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { ApiFailure } from "../../../kubernetes/failure.ts";
import type { ObjectChange } from "../../../kubernetes/object-store.ts";
import { Reflector } from "../../../kubernetes/reflector.ts";
import type { Logger } from "../../../runtime/log.ts";
import { isSpecChange, type MirroredObject, mirrorObject } from "./mirrored-object.ts";
import { OBJECT_KINDS, RESOURCE_TYPES } from "./resource-types.ts";
import type { NamespaceChanges, WatchedNamespaces } from "./watched-namespaces.ts";

export interface ObjectMirrorOptions {
  readonly client: KubernetesClient;
  /** Started and stopped with the mirror. */
  readonly namespaces: WatchedNamespaces;
  readonly log: Logger;
}

/** `previous` undefined: it is new here; `current` undefined: it is gone, or its namespace is no longer watched. */
export interface MirrorChange {
  readonly kind: ObjectKind;
  readonly previous: MirroredObject | undefined;
  readonly current: MirroredObject | undefined;
  /** False when nothing but the status (or what the API server keeps for itself) is another one, as after our own writes. */
  readonly specChanged: boolean;
}

export interface MirroredRef {
  /** Not looked at for Tenants, which are in no namespace. */
  readonly namespace: string;
  readonly name: string;
}

interface KindMirror {
  readonly kind: ObjectKind;
  /** Undefined: all namespaces, or none because the kind is cluster-scoped. */
  readonly namespace: string | undefined;
  readonly reflector: Reflector<MirroredObject>;
}

/** Failures that are told one by one; the rest is a count. */
const MAX_NAMED_FAILURES = 5;
const CLUSTER_WIDE = "";

export class ObjectMirror {
  private readonly options: ObjectMirrorOptions;
  /** By namespace, or under "" when one mirror has them all. */
  private readonly mirrors: ReadonlyMap<ObjectKind, ReadonlyMap<string, KindMirror>>;
  private readonly all: readonly KindMirror[];
  private listener: (changes: readonly MirrorChange[]) => void = () => undefined;
  private complete = false;

  constructor(options: ObjectMirrorOptions) {
    this.options = options;
    this.mirrors = new Map(OBJECT_KINDS.map((kind) => [kind, this.openKind(kind)]));
    this.all = [...this.mirrors.values()].flatMap((mirrors) => [...mirrors.values()]);
    options.namespaces.onChange((changes) => this.takeNamespaces(changes));
  }

  start(): void {
    this.options.namespaces.start();
    for (const { reflector } of this.all) reflector.start();
  }

  /** Resolves when every kind has been listed. Throws BeamlineError that names one that could not be within the deadline. */
  async waitUntilSynced(deadlineMs?: number): Promise<void> {
    const { namespaces } = this.options;
    const kinds = this.all.map(({ reflector }) => reflector.waitUntilSynced(deadlineMs));
    await Promise.all([namespaces.waitUntilSynced(deadlineMs), ...kinds]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.options.namespaces.stop(), ...this.all.map(({ reflector }) => reflector.stop())]);
  }

  *objects(kind: ObjectKind): Generator<MirroredObject, void, undefined> {
    for (const { reflector } of this.mirrors.get(kind)?.values() ?? []) {
      for (const object of reflector.values()) if (this.isWatched(object)) yield object;
    }
  }

  get(kind: ObjectKind, { namespace, name }: MirroredRef): MirroredObject | undefined {
    const mirrors = this.mirrors.get(kind);
    const reflector = (mirrors?.get(namespace) ?? mirrors?.get(CLUSTER_WIDE))?.reflector;
    const object = reflector?.get(RESOURCE_TYPES[kind].namespaced ? { namespace, name } : { name });
    return object !== undefined && this.isWatched(object) ? object : undefined;
  }

  /**
   * Called after each change, once for what arrives together, from the moment that every kind has been listed; what the first
   * lists held is read by `objects`. There is one listener: a later one replaces it. Enqueue keys and return.
   */
  onChange(listener: (changes: readonly MirrorChange[]) => void): void {
    this.listener = listener;
  }

  /** Why this may not be all, or not the newest; undefined while lists and watches work. Objects last known stay readable. */
  failures(): string | undefined {
    const namespaces = describeState("Namespace", undefined, this.options.namespaces.status());
    const kinds = this.all.map(({ kind, namespace, reflector }) => describeState(kind, namespace, reflector.status()));
    const failures = [namespaces, ...kinds].filter((failure) => failure !== undefined);
    if (failures.length === 0) return undefined;
    const more = failures.length - MAX_NAMED_FAILURES;
    const named = failures.slice(0, MAX_NAMED_FAILURES).join("; ");
    return more > 0 ? `${named}; and ${more} more` : named;
  }

  private openKind(kind: ObjectKind): ReadonlyMap<string, KindMirror> {
    const { client, log, namespaces } = this.options;
    const type = RESOURCE_TYPES[kind];
    const listed = type.namespaced ? (namespaces.listedOneByOne() ?? [undefined]) : [undefined];
    return new Map(
      listed.map((namespace) => {
        const reflector = new Reflector<MirroredObject>({
          client,
          type,
          ...(namespace === undefined ? {} : { namespace }),
          convert: (object) => mirrorObject(kind, object),
          onChange: (changes) => this.takeObjects(kind, changes),
          log,
        });
        return [namespace ?? CLUSTER_WIDE, { kind, namespace, reflector }];
      }),
    );
  }

  private isWatched({ kind, meta }: MirroredObject): boolean {
    return !RESOURCE_TYPES[kind].namespaced || this.options.namespaces.includes(meta.namespace);
  }

  private takeObjects(kind: ObjectKind, changes: readonly ObjectChange<MirroredObject>[]): void {
    const watched: MirrorChange[] = [];
    for (const { previous, current } of changes) {
      const object = current ?? previous;
      if (object === undefined || !this.isWatched(object)) continue;
      watched.push({ kind, previous, current, specChanged: isSpecChange(previous, current) });
    }
    this.notify(watched);
  }

  /** The objects of a namespace come and go with it. */
  private takeNamespaces({ entered, left }: NamespaceChanges): void {
    const changes: MirrorChange[] = [];
    for (const { kind, reflector } of this.all) {
      if (!RESOURCE_TYPES[kind].namespaced) continue;
      for (const object of reflector.values()) {
        const { namespace } = object.meta;
        if (entered.has(namespace)) changes.push({ kind, previous: undefined, current: object, specChanged: true });
        else if (left.has(namespace)) changes.push({ kind, previous: object, current: undefined, specChanged: true });
      }
    }
    this.notify(changes);
  }

  private notify(changes: readonly MirrorChange[]): void {
    if (changes.length > 0 && this.isComplete()) this.listener(changes);
  }

  private isComplete(): boolean {
    this.complete ||=
      this.options.namespaces.status().synced && this.all.every(({ reflector }) => reflector.status().synced);
    return this.complete;
  }
}

function describeState(
  kind: string,
  namespace: string | undefined,
  { synced, failure }: { readonly synced: boolean; readonly failure: ApiFailure | undefined },
): string | undefined {
  if (synced && failure === undefined) return undefined;
  const what = namespace === undefined ? kind : `${kind} in namespace ${namespace}`;
  if (failure === undefined) return `${what}: not listed so far`;
  if (failure.kind !== "NotFound") return `${what}: ${failure.message}`;
  return `${what}: the API server does not serve this kind; install its CustomResourceDefinition`;
}
