// Which of the mirrored objects concern one Router (core/reconcile/attach.ts says which do), kept up by what changes.
import type { RouterKey } from "../../../core/config/entry.ts";
import {
  concerns,
  isAttached,
  isSameRouter,
  namedProviders,
  namedTenant,
  type SelectOptions,
  selectObjects,
  tenantIdOf,
} from "../../../core/reconcile/attach.ts";
import type { MirroredObject } from "./mirrored-object.ts";
import type { MirrorChange, ObjectMirror } from "./object-mirror.ts";
import { OBJECT_KINDS } from "./resource-types.ts";

export interface SelectionOptions {
  readonly mirror: Pick<ObjectMirror, "get" | "objects">;
  readonly router: RouterKey;
  /** The Router of policies that name none. */
  readonly installation: RouterKey;
}

export class Selection {
  private readonly options: SelectionOptions;
  private readonly rules: SelectOptions;
  private readonly isInstallation: boolean;
  /** By `<kind>/<namespace>/<name>`. */
  private readonly selected = new Map<string, MirroredObject>();
  /** What the selected policies name, with how many do: `Provider/<namespace>/<name>` and `Tenant/<id>`. */
  private readonly named = new Map<string, number>();

  constructor(options: SelectionOptions) {
    const { mirror, router, installation } = options;
    this.options = options;
    this.isInstallation = isSameRouter(router, installation);
    const hasRouter = (named: RouterKey): boolean => mirror.get("Router", named)?.deleting === false;
    this.rules = { router, installation, hasRouter };
    this.selectAll();
  }

  objects(): readonly MirroredObject[] {
    return [...this.selected.values()];
  }

  /** Takes over what has changed. False when nothing of it concerns this Router. */
  take(changes: readonly MirrorChange[]): boolean {
    if (this.movesPolicies(changes)) {
      this.selectAll();
      return true;
    }
    let changed = false;
    const names = new Set<string>();
    for (const { kind, previous, current } of changes) {
      const object = current ?? previous;
      if (object === undefined) continue;
      const isPolicy = isAttached(kind);
      changed = this.put(object, current, isPolicy ? names : undefined) || changed;
    }
    return this.selectNamed(names) || changed;
  }

  /** Policies of a Router that does not exist are the installation's until it does. */
  private movesPolicies(changes: readonly MirrorChange[]): boolean {
    return this.isInstallation && changes.some(({ kind }) => kind === "Router");
  }

  private selectAll(): void {
    this.selected.clear();
    this.named.clear();
    for (const object of selectObjects(standing(this.options.mirror), this.rules)) {
      this.selected.set(keyOf(object), object);
      if (isAttached(object.kind)) this.count(object, 1);
    }
  }

  /** Whether anything changed. Names that begin or cease to be used are added to `names`. */
  private put(object: MirroredObject, current: MirroredObject | undefined, names: Set<string> | undefined): boolean {
    const key = keyOf(object);
    const before = this.selected.get(key);
    const after = current !== undefined && !current.deleting && this.isWanted(current) ? current : undefined;
    if (after === undefined) this.selected.delete(key);
    else this.selected.set(key, after);
    if (names !== undefined) {
      for (const name of before === undefined ? [] : this.count(before, -1)) names.add(name);
      for (const name of after === undefined ? [] : this.count(after, 1)) names.add(name);
    }
    return before !== after;
  }

  private isWanted(object: MirroredObject): boolean {
    if (isAttached(object.kind)) return concerns(object, this.rules);
    if (object.kind === "Router") return isSameRouter(object.meta, this.options.router);
    return this.isInstallation || this.named.has(nameOf(object));
  }

  /** Returns the names. */
  private count(policy: MirroredObject, by: number): readonly string[] {
    if (this.isInstallation) return [];
    const names = new Set([
      ...namedProviders(policy).map((provider) => `Provider/${provider}`),
      `Tenant/${namedTenant(policy)}`,
    ]);
    for (const name of names) {
      const count = (this.named.get(name) ?? 0) + by;
      if (count > 0) this.named.set(name, count);
      else this.named.delete(name);
    }
    return [...names];
  }

  /** Providers and Tenants come and go with the policies that name them. */
  private selectNamed(names: ReadonlySet<string>): boolean {
    let changed = false;
    for (const object of this.mirrored(names)) changed = this.put(object, object, undefined) || changed;
    return changed;
  }

  private *mirrored(names: ReadonlySet<string>): Generator<MirroredObject, void, undefined> {
    const { mirror } = this.options;
    for (const text of names) {
      const [kind, namespace = "", name = ""] = text.split("/");
      const provider = kind === "Provider" ? mirror.get("Provider", { namespace, name }) : undefined;
      if (provider !== undefined) yield provider;
    }
    if (names.size === 0) return;
    for (const tenant of mirror.objects("Tenant")) if (names.has(nameOf(tenant))) yield tenant;
  }
}

/** Objects that are being deleted are gone already, for whoever decides by them. */
function* standing(mirror: Pick<ObjectMirror, "objects">): Generator<MirroredObject, void, undefined> {
  for (const kind of OBJECT_KINDS) for (const object of mirror.objects(kind)) if (!object.deleting) yield object;
}

function keyOf({ kind, meta }: MirroredObject): string {
  return `${kind}/${meta.namespace}/${meta.name}`;
}

/** As policies name a Provider or a Tenant. */
function nameOf(object: MirroredObject): string {
  const { kind, meta } = object;
  return kind === "Tenant" ? `Tenant/${tenantIdOf(object)}` : `${kind}/${meta.namespace}/${meta.name}`;
}
