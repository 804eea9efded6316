// What each object may be served with, and which others a change of it concerns.
import { LayeredMap } from "../layered-map.ts";
import { providerKey } from "../policy/check-names.ts";
import type { ProviderObject } from "../policy/objects.ts";
import type { BeamlineObject } from "../policy/spec.ts";

/** One object and the specs it may be served with, the wanted one first. */
export interface Candidate {
  readonly key: string;
  readonly choices: readonly BeamlineObject[];
}

/** By key; undefined = removed. */
export type CandidateChanges = ReadonlyMap<string, Candidate | undefined>;

export interface CandidateIndex {
  readonly candidates: LayeredMap<Candidate>;
  /** By tenant id: keys of the policies, pipelines and Tenants that one of their choices puts there. */
  readonly byTenant: LayeredMap<readonly string[]>;
  /** By `<namespace>/<name>` of a Provider: keys of the policies that name it in one of their choices. */
  readonly byProvider: LayeredMap<readonly string[]>;
  /** By `<namespace>/<name>`. Nothing can be wrong with a Provider among others, so it is always its first choice. */
  readonly providers: LayeredMap<ProviderObject>;
  /** Rules of all choices. */
  readonly ruleCount: number;
}

export const EMPTY_INDEX: CandidateIndex = {
  candidates: LayeredMap.empty(),
  byTenant: LayeredMap.empty(),
  byProvider: LayeredMap.empty(),
  providers: LayeredMap.empty(),
  ruleCount: 0,
};

export interface Concerned {
  /** Tenant ids whose policies have to be looked at again. */
  readonly tenantIds: ReadonlySet<string>;
  /** Keys of policies that have to be compiled again although they are the same. */
  readonly policies: ReadonlySet<string>;
}

export function indexCandidates(
  before: CandidateIndex,
  changes: CandidateChanges,
): { readonly index: CandidateIndex; readonly concerned: Concerned } {
  const byTenant = new ListEdits(before.byTenant);
  const byProvider = new ListEdits(before.byProvider);
  const providers = new Map<string, ProviderObject | undefined>();
  let { ruleCount } = before;
  for (const [key, after] of changes) {
    const standing = before.candidates.get(key);
    for (const object of standing?.choices ?? []) {
      for (const id of tenantIdsOf(object)) byTenant.remove(id, key);
      for (const id of providersOf(object)) byProvider.remove(id, key);
      ruleCount -= rulesOf(object);
    }
    for (const object of after?.choices ?? []) {
      for (const id of tenantIdsOf(object)) byTenant.add(id, key);
      for (const id of providersOf(object)) byProvider.add(id, key);
      ruleCount += rulesOf(object);
    }
    const [was, is] = [firstProvider(standing), firstProvider(after)];
    if (was !== undefined) providers.set(providerId(was), undefined);
    if (is !== undefined) providers.set(providerId(is), is);
  }
  const index = {
    candidates: before.candidates.with(changes),
    byTenant: before.byTenant.with(byTenant.lists()),
    byProvider: before.byProvider.with(byProvider.lists()),
    providers: before.providers.with(providers),
    ruleCount,
  };
  return { index, concerned: findConcerned(index, byTenant.touched(), providers.keys()) };
}

/** Tenants linked by an object that may belong to either: what becomes of one then depends on the other. */
export function linkedTenants(index: CandidateIndex, tenantId: string): ReadonlySet<string> {
  const found = new Set([tenantId]);
  const seen = new Set<string>();
  for (const id of found) {
    for (const key of index.byTenant.get(id) ?? []) {
      if (seen.has(key)) continue;
      seen.add(key);
      for (const object of index.candidates.get(key)?.choices ?? []) {
        for (const other of tenantIdsOf(object)) found.add(other);
      }
    }
  }
  return found;
}

function findConcerned(index: CandidateIndex, touched: Iterable<string>, providers: Iterable<string>): Concerned {
  const tenantIds = new Set(touched);
  const policies = new Set<string>();
  for (const provider of providers) {
    for (const key of index.byProvider.get(provider) ?? []) {
      policies.add(key);
      const choices = index.candidates.get(key)?.choices ?? [];
      for (const object of choices) for (const id of tenantIdsOf(object)) tenantIds.add(id);
    }
  }
  return { tenantIds, policies };
}

function tenantIdsOf(object: BeamlineObject): readonly string[] {
  return object.kind === "Provider" || object.kind === "Router" ? [] : [object.spec.tenantId];
}

function providersOf({ kind, meta, spec }: BeamlineObject): readonly string[] {
  return kind === "RoutingPolicy" ? spec.providers.map((provider) => providerKey(provider, meta.namespace)) : [];
}

function rulesOf({ kind, spec }: BeamlineObject): number {
  return kind === "RoutingPolicy" ? spec.rules.length : 0;
}

function firstProvider(candidate: Candidate | undefined): ProviderObject | undefined {
  const object = candidate?.choices[0];
  return object?.kind === "Provider" ? object : undefined;
}

function providerId({ meta }: ProviderObject): string {
  return `${meta.namespace}/${meta.name}`;
}

interface ListEdit {
  readonly removed: Set<string>;
  readonly added: Set<string>;
}

/** Edits of lists by name. A list may be long, one Provider for everybody: it is copied once, and only when its members change. */
class ListEdits {
  private readonly before: LayeredMap<readonly string[]>;
  private readonly edits = new Map<string, ListEdit>();

  constructor(before: LayeredMap<readonly string[]>) {
    this.before = before;
  }

  /** One that is there already must have been removed before. */
  add(name: string, member: string): void {
    this.edit(name).added.add(member);
  }

  remove(name: string, member: string): void {
    this.edit(name).removed.add(member);
  }

  touched(): Iterable<string> {
    return this.edits.keys();
  }

  *lists(): Generator<readonly [string, readonly string[] | undefined]> {
    for (const [name, { removed, added }] of this.edits) {
      if (isSameSet(removed, added)) continue;
      const list = this.before.get(name) ?? [];
      const kept = removed.size === 0 ? list : list.filter((member) => !removed.has(member));
      yield [name, kept.length + added.size === 0 ? undefined : [...kept, ...added]];
    }
  }

  private edit(name: string): ListEdit {
    const edit = this.edits.get(name) ?? { removed: new Set<string>(), added: new Set<string>() };
    this.edits.set(name, edit);
    return edit;
  }
}

function isSameSet(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left.size === right.size && [...left].every((member) => right.has(member));
}
