// Which objects concern a Router: the policies that name it, and what those refer to. Read from specs as users wrote them.
import type { RouterKey } from "../config/entry.ts";
import type { ObjectKind, ObjectMeta } from "../policy/spec.ts";
import type { WrittenPolicy } from "../policy/written.ts";

/** An object that passed its schema. */
export interface WrittenObject {
  readonly kind: ObjectKind;
  readonly meta: ObjectMeta;
  readonly spec: unknown;
}

export interface SelectOptions {
  readonly router: RouterKey;
  /** The Router of policies that name none. */
  readonly installation: RouterKey;
  /** Whether there is such a Router. */
  hasRouter(router: RouterKey): boolean;
}

/** The parts that say where a policy belongs; everything may be missing, because nothing is parsed yet. */
type Attachment = Partial<Pick<WrittenPolicy, "routerRef" | "tenantId" | "providers">>;

/** The Router that a policy names, whether it exists or not. */
export function routerOf(spec: unknown, installation: RouterKey): RouterKey {
  const { routerRef } = attachmentOf(spec);
  if (routerRef === undefined) return installation;
  return { namespace: routerRef.namespace ?? installation.namespace, name: routerRef.name };
}

/**
 * The objects that the operator of one Router looks at. The installation's Router gets all Providers and Tenants, and every policy
 * whose Router does not exist, so that somebody says so. Any other gets its policies, and the Providers and Tenants that they name:
 * what it has no use for shall not wait for it.
 */
export function selectObjects<T extends WrittenObject>(objects: Iterable<T>, options: SelectOptions): readonly T[] {
  const all = [...objects];
  const isInstallation = isSameRouter(options.router, options.installation);
  const policies = all.filter((object) => isAttached(object.kind) && concerns(object, options));
  const isOwn = ({ kind, meta }: T): boolean => kind === "Router" && isSameRouter(meta, options.router);
  if (isInstallation) {
    return [
      ...policies,
      ...all.filter((object) => object.kind === "Provider" || object.kind === "Tenant" || isOwn(object)),
    ];
  }
  const providers = new Set(policies.flatMap(namedProviders));
  const tenants = new Set(policies.map(namedTenant));
  const isNamed = ({ kind, meta, spec }: T): boolean =>
    (kind === "Provider" && providers.has(`${meta.namespace}/${meta.name}`)) ||
    (kind === "Tenant" && tenants.has(tenantIdOf({ meta, spec })));
  return [...policies, ...all.filter((object) => isOwn(object) || isNamed(object))];
}

/** Kinds whose objects name the Router that serves them. */
export function isAttached(kind: ObjectKind): boolean {
  return kind === "RoutingPolicy" || kind === "Pipeline";
}

/** Whether the operator of this Router looks at the policy or pipeline. */
export function concerns(policy: WrittenObject, { router, installation, hasRouter }: SelectOptions): boolean {
  const named = routerOf(policy.spec, installation);
  if (isSameRouter(named, router)) return true;
  return isSameRouter(router, installation) && !hasRouter(named);
}

/** By `<namespace>/<name>`. */
export function namedProviders({ meta, spec }: Pick<WrittenObject, "meta" | "spec">): readonly string[] {
  const { providers = [] } = attachmentOf(spec);
  return providers.map(({ name, ref }) => `${ref?.namespace ?? meta.namespace}/${ref?.name ?? name}`);
}

/** The tenant that a policy is of. */
export function namedTenant({ meta, spec }: Pick<WrittenObject, "meta" | "spec">): string {
  return attachmentOf(spec).tenantId ?? meta.namespace;
}

/** The tenant that a Tenant object speaks of. */
export function tenantIdOf({ meta, spec }: Pick<WrittenObject, "meta" | "spec">): string {
  return attachmentOf(spec).tenantId ?? meta.name;
}

function attachmentOf(spec: unknown): Attachment {
  return typeof spec === "object" && spec !== null ? spec : {};
}

export function isSameRouter(left: RouterKey, right: RouterKey): boolean {
  return left.namespace === right.namespace && left.name === right.name;
}
