// One object of ours as the API server told of it: what planning and status need, and nothing that is only the server's.
import { isDeepStrictEqual } from "node:util";
import type { ObjectKind, ObjectMeta } from "../../../core/policy/spec.ts";
import { type Condition, isCondition } from "../../../core/reconcile/conditions.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";

/** Never changed after it was made: another version of the object is another one of these. */
export interface MirroredObject {
  readonly kind: ObjectKind;
  /** Of a Tenant, `namespace` is "". */
  readonly meta: ObjectMeta;
  readonly labels: Readonly<Record<string, string>>;
  /** As the API server defaulted it. */
  readonly spec: unknown;
  /** Those in `status`. */
  readonly conditions: readonly Condition[];
  readonly status: unknown;
  readonly resourceVersion: string;
  /** It is there only until its finalizers are gone. */
  readonly deleting: boolean;
}

const NO_LABELS: MirroredObject["labels"] = {};
const NO_CONDITIONS: readonly Condition[] = [];

/** Keeps neither managedFields nor annotations, which for small objects are most of their bytes. Never throws. */
export function mirrorObject(kind: ObjectKind, object: KubernetesObject): MirroredObject {
  const { namespace = "", name, uid = "", generation = 0, creationTimestamp = "", labels } = object.metadata;
  const { spec, status } = object;
  return {
    kind,
    meta: { namespace, name, uid, generation, creationMs: Date.parse(creationTimestamp) || 0 },
    labels: labels ?? NO_LABELS,
    spec,
    conditions: readConditions(status),
    status,
    resourceVersion: object.metadata.resourceVersion ?? "",
    deleting: object.metadata.deletionTimestamp !== undefined,
  };
}

/** The list of the status itself where all of it can be used, which is whenever the operator wrote it. */
function readConditions(status: unknown): readonly Condition[] {
  const conditions = (status as { readonly conditions?: unknown } | null | undefined)?.conditions;
  if (!Array.isArray(conditions)) return NO_CONDITIONS;
  return conditions.every(isCondition) ? conditions : conditions.filter(isCondition);
}

/**
 * Whether what users write has changed: spec, labels, being deleted, or being another object of the same name. The spec is
 * compared as well as its generation, which a restored etcd counts up a second time.
 */
export function isSpecChange(previous: MirroredObject | undefined, current: MirroredObject | undefined): boolean {
  if (previous === undefined || current === undefined) return true;
  return (
    previous.meta.uid !== current.meta.uid ||
    previous.meta.generation !== current.meta.generation ||
    previous.deleting !== current.deleting ||
    !isDeepStrictEqual(previous.labels, current.labels) ||
    !isDeepStrictEqual(previous.spec, current.spec)
  );
}
