// What every object of the Kubernetes API has in common, and where the API serves it.

/** One manager's fields of an object, as server-side apply keeps them (`metav1.ManagedFieldsEntry`). */
export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: "Apply" | "Update";
  readonly subresource?: string;
  /** A tree of `f:<field>`, `k:<list key as JSON>`, `v:<value as JSON>`, `i:<index>` and `.` for the node itself. */
  readonly fieldsV1?: FieldTree;
}

export interface FieldTree {
  readonly [step: string]: FieldTree;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** The parts of `metav1.ObjectMeta` that this product reads or writes. Times are RFC 3339. */
export interface KubernetesMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque to everybody but the API server, except that equal means unchanged; see `isNewerVersion`. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubernetesMeta;
  readonly [field: string]: unknown;
}

/** A kind and the place where the API serves it. */
export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower case, as it stands in paths. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Where one object is. `namespace` is absent for cluster-scoped kinds. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

export function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** Path of all objects of a kind, in one namespace or in all. */
export function collectionPath(type: ResourceType, namespace?: string): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = type.namespaced && namespace !== undefined ? `/namespaces/${encodeSegment(namespace)}` : "";
  return `${root}${scope}/${type.plural}`;
}

/** Path of one object, or of a subresource of it such as `status`. Throws for a namespaced kind without a namespace. */
export function objectPath(type: ResourceType, ref: ObjectRef, subresource?: string): string {
  if (type.namespaced && ref.namespace === undefined) throw new Error(`a ${type.kind} is in a namespace`);
  const path = `${collectionPath(type, ref.namespace)}/${encodeSegment(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Throws for the two names that would lead to another path; the API server has no objects of these names. */
function encodeSegment(name: string): string {
  if (name === "" || name === "." || name === "..") throw new Error(`"${name}" is no name of an object`);
  return encodeURIComponent(name);
}

/** `namespace/name`, or `name` for a cluster-scoped object: unique among the objects of a kind. */
export function objectKey(ref: ObjectRef): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}

/** For messages: `RoutingPolicy demo/chat`. */
export function describeObject(type: ResourceType, ref: ObjectRef): string {
  return `${type.kind} ${objectKey(ref)}`;
}

const DECIMAL = /^[1-9]\d*$/;

/**
 * Whether `candidate` is later than `reference`, for versions of one kind. Versions of built-in and custom resources are
 * comparable as integers (KEP-5504, Kubernetes 1.35); of others nothing is known, and the answer is no.
 */
export function isNewerVersion(candidate: string | undefined, reference: string | undefined): boolean {
  if (candidate === undefined || reference === undefined) return false;
  if (!DECIMAL.test(candidate) || !DECIMAL.test(reference)) return false;
  if (candidate.length !== reference.length) return candidate.length > reference.length;
  return candidate > reference;
}
