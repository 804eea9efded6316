// Who owns what in an object: the verdicts of server-side apply's managedFields and of owner references, as pure functions.
import type { FieldTree, KubernetesObject, ManagedFieldsEntry, OwnerReference } from "./object.ts";

/** Asks us to take over an object that we did not make. Written by a person, never by us. */
export const ADOPT_ANNOTATION = "beamline.dev/adopt";

export interface OwnershipClaim {
  readonly fieldManager: string;
  /** Who owns the object: its controller, in the same namespace or cluster-scoped. */
  readonly owner?: OwnerReference;
}

/**
 * - `Absent`: nothing stands there;
 * - `Ours`: controlled by the claim's owner; without an owner in the claim, applied by our field manager and by nobody controlled;
 * - `Adoptable`: somebody else's, with the annotation that invites us, and no other controller;
 * - `Deleting`: on its way out; wait until it is gone;
 * - `Foreign`: somebody else's.
 */
export type Ownership = "Absent" | "Ours" | "Adoptable" | "Deleting" | "Foreign";

export function judgeOwnership(object: KubernetesObject | undefined, claim: OwnershipClaim): Ownership {
  if (object === undefined) return "Absent";
  const { metadata } = object;
  const controller = metadata.ownerReferences?.find((reference) => reference.controller === true);
  const applied = entriesOf(object).some((entry) => isApplyOf(entry, claim.fieldManager));
  const ours = claim.owner === undefined ? applied && controller === undefined : controller?.uid === claim.owner.uid;
  if (ours) return metadata.deletionTimestamp === undefined ? "Ours" : "Deleting";
  if (controller === undefined && metadata.annotations?.[ADOPT_ANNOTATION] === "true") return "Adoptable";
  return "Foreign";
}

/** The managers, other than `fieldManager`, that own the field at `path` (such as `["spec", "replicas"]`). */
export function otherOwnersOf(object: KubernetesObject, path: readonly string[], fieldManager: string): string[] {
  const others = entriesOf(object).filter((entry) => entry.manager !== fieldManager && ownsField(entry, path));
  return [...new Set(others.map(({ manager }) => manager ?? "unknown"))];
}

export function ownsField(entry: ManagedFieldsEntry, path: readonly string[]): boolean {
  let node: FieldTree | undefined = entry.fieldsV1;
  for (const field of path) node = node?.[`f:${field}`];
  return node !== undefined;
}

/**
 * What our last apply owns, as text that is equal for equal sets; undefined when nothing. When somebody writes one of these
 * fields the API server takes it from us, so a changed text means drift, whatever defaults and normal forms did to values.
 */
export function describeOwnedFields(object: KubernetesObject, fieldManager: string): string | undefined {
  const entry = entriesOf(object).find((candidate) => isApplyOf(candidate, fieldManager));
  return entry === undefined ? undefined : describeTree(entry.fieldsV1 ?? {});
}

function describeTree(tree: FieldTree): string {
  const steps = Object.keys(tree).sort();
  return `{${steps.map((step) => JSON.stringify(step) + describeTree(tree[step] ?? {})).join(",")}}`;
}

/** The fields of `before` that `after` lacks, as dotted paths, at most `limit`: what somebody took from us. */
export function listLostFields(before: FieldTree, after: FieldTree, limit: number): string[] {
  const lost: string[] = [];
  const walk = (a: FieldTree, b: FieldTree | undefined, path: string): void => {
    for (const [step, child] of Object.entries(a)) {
      if (lost.length >= limit) return;
      const here = step === "." ? path : `${path}${step.startsWith("f:") ? `.${step.slice(2)}` : `[${step.slice(2)}]`}`;
      if (Object.keys(child).length > 0) walk(child, b?.[step], here);
      else if (b?.[step] === undefined) lost.push(here.replace(/^\./, ""));
    }
  };
  walk(before, after, "");
  return lost;
}

/** The tree that our last apply owns; empty when none. */
export function ownedFields(object: KubernetesObject, fieldManager: string): FieldTree {
  return entriesOf(object).find((entry) => isApplyOf(entry, fieldManager))?.fieldsV1 ?? {};
}

/** What to do about a field that an autoscaler may own. */
export type ReplicasPlan =
  /** Say the number. */
  | { readonly action: "Apply"; readonly replicas: number }
  /** Leave the field out: somebody else owns it. */
  | { readonly action: "Omit" }
  /**
   * First apply `replicas` under another field manager, then leave it out: the field would fall to its default of 1 when its
   * only owner lets go (kubernetes.io/docs/reference/using-api/server-side-apply, "Transferring ownership").
   */
  | { readonly action: "Release"; readonly replicas: number };

const REPLICAS_PATH = ["spec", "replicas"] as const;

/** `live` is the workload as it is, undefined before it exists; `wanted` what we would set; `autoscaled` whether something scales it. */
export function planReplicas(
  live: KubernetesObject | undefined,
  options: { readonly wanted: number; readonly autoscaled: boolean; readonly fieldManager: string },
): ReplicasPlan {
  const { wanted, autoscaled, fieldManager } = options;
  if (live === undefined) return { action: "Apply", replicas: wanted };
  const ours = ownsField({ fieldsV1: ownedFields(live, fieldManager) }, REPLICAS_PATH);
  // Whoever changes the number takes the field from us: while we own it, others who do want the same number.
  if (ours && !autoscaled) return { action: "Apply", replicas: wanted };
  if (otherOwnersOf(live, REPLICAS_PATH, fieldManager).length > 0) return { action: "Omit" };
  if (!autoscaled) return { action: "Apply", replicas: wanted };
  if (!ours) return { action: "Omit" };
  const { replicas } = (live.spec ?? {}) as { readonly replicas?: number };
  return { action: "Release", replicas: replicas ?? wanted };
}

function entriesOf(object: KubernetesObject): readonly ManagedFieldsEntry[] {
  return object.metadata.managedFields ?? [];
}

function isApplyOf(entry: ManagedFieldsEntry, fieldManager: string): boolean {
  return entry.manager === fieldManager && entry.operation === "Apply" && entry.subresource === undefined;
}
