// The objects of one router, sorted out by kind, independent of the order in which they came.
import { compareText } from "../compare-text.ts";
import { type CompileProblem, describeProblem } from "./compile-problem.ts";
import type { BeamlineObject } from "./spec.ts";

export type PolicyObject = Extract<BeamlineObject, { readonly kind: "RoutingPolicy" }>;
export type ProviderObject = Extract<BeamlineObject, { readonly kind: "Provider" }>;
export type TenantObject = Extract<BeamlineObject, { readonly kind: "Tenant" }>;

export type PipelineObject = Extract<BeamlineObject, { readonly kind: "Pipeline" }>;

export interface ObjectsByKind {
  readonly policies: readonly PolicyObject[];
  readonly pipelines: readonly PipelineObject[];
  /** By `<namespace>/<name>`. */
  readonly providers: ReadonlyMap<string, ProviderObject>;
  /** By the tenant's id. */
  readonly tenants: ReadonlyMap<string, TenantObject>;
}

/** Sorts objects out by kind; Routers are left aside. Of objects that stand twice the older is kept, the other a Conflict. */
export function sortObjects(objects: readonly BeamlineObject[], problems: CompileProblem[]): ObjectsByKind {
  const policies: PolicyObject[] = [];
  const pipelines: PipelineObject[] = [];
  const providers = new Map<string, ProviderObject>();
  const tenantObjects: TenantObject[] = [];
  const tenants = new Map<string, TenantObject>();
  let last: BeamlineObject | undefined;
  for (const object of [...objects].sort(compareObjects)) {
    const { kind, meta } = object;
    if (
      last !== undefined &&
      last.kind === kind &&
      last.meta.namespace === meta.namespace &&
      last.meta.name === meta.name
    ) {
      problems.push(
        describeProblem(object, "Conflict", `${kind} ${meta.namespace}/${meta.name} stands twice; the older counts`),
      );
      continue;
    }
    last = object;
    if (kind === "RoutingPolicy") policies.push(object);
    else if (kind === "Pipeline") pipelines.push(object);
    else if (kind === "Provider") providers.set(`${meta.namespace}/${meta.name}`, object);
    else if (kind === "Tenant") tenantObjects.push(object);
  }
  for (const object of tenantObjects.sort(compareAge)) {
    const { tenantId } = object.spec;
    const older = tenants.get(tenantId);
    if (older === undefined) tenants.set(tenantId, object);
    else {
      const message = `Tenant ${older.meta.name} has the id ${tenantId} already`;
      problems.push(describeProblem(object, "Conflict", message, "spec.tenantId"));
    }
  }
  return { policies, pipelines, providers, tenants };
}

function compareObjects(left: BeamlineObject, right: BeamlineObject): number {
  return (
    compareText(left.kind, right.kind) ||
    compareText(left.meta.namespace, right.meta.namespace) ||
    compareText(left.meta.name, right.meta.name) ||
    left.meta.creationMs - right.meta.creationMs ||
    compareText(left.meta.uid, right.meta.uid) ||
    left.meta.generation - right.meta.generation
  );
}

/** The older first; at one age the name decides, so that every replica agrees. */
function compareAge(left: BeamlineObject, right: BeamlineObject): number {
  return left.meta.creationMs - right.meta.creationMs || compareText(left.meta.name, right.meta.name);
}
