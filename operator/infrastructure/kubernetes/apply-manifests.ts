// One pass over what a Router owns: nothing when somebody else's object is in the way, else every object as it shall be.
import { AUTOSCALED_ANNOTATION } from "../../../core/reconcile/manifests/deployment.ts";
import type { Manifest, RouterWorkload } from "../../../core/reconcile/manifests/manifest.ts";
import { routerObjectNames } from "../../../core/reconcile/manifests/names.ts";
import { routerManifests } from "../../../core/reconcile/manifests/router-manifests.ts";
import { type Applier, type ApplyOutcome, applyObject } from "../../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { type ApiFailure, errorOf } from "../../../kubernetes/failure.ts";
import { judgeOwnership, type OwnershipClaim, planReplicas } from "../../../kubernetes/field-ownership.ts";
import {
  describeObject,
  type KubernetesObject,
  type OwnerReference,
  type ResourceType,
} from "../../../kubernetes/object.ts";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import type { InfrastructureStatus } from "../../interfaces.ts";
import type { OwnedObjects } from "./owned-objects.ts";
import { AUTOSCALER, DEPLOYMENT, ownedType } from "./resource-types.ts";

export interface PassOptions {
  readonly client: KubernetesClient;
  readonly applier: Applier;
  readonly owned: OwnedObjects;
  readonly workload: RouterWorkload;
  readonly owner: OwnerReference;
  readonly signal: AbortSignal;
  onOutcome(type: ResourceType, name: string, outcome: ApplyOutcome): void;
}

export type InfrastructureProblem = NonNullable<InfrastructureStatus["problem"]>;

export type PassResult =
  | { readonly kind: "Done" }
  /** An object of an earlier Router of this name is still being deleted, or has just changed: a watch will tell. */
  | { readonly kind: "Waiting" }
  | { readonly kind: "Problem"; readonly problem: InfrastructureProblem };

const DONE: PassResult = { kind: "Done" };
const WAITING: PassResult = { kind: "Waiting" };

/** Idempotent: writes only what differs. Throws BeamlineError for what may work when it is tried again. */
export async function applyManifests(options: PassOptions): Promise<PassResult> {
  const { owned, owner, applier, workload } = options;
  const manifests = routerManifests(workload, nodeCodec);
  const claim = { fieldManager: applier.fieldManager, owner };
  if (manifests.some(({ kind }) => isLeftover(owned.get(ownedType(kind)), owner))) return WAITING;
  // The applier says whose it is, and writes nothing.
  const foreign = manifests.find(({ kind }) => judgeOwnership(owned.get(ownedType(kind)), claim) === "Foreign");
  if (foreign !== undefined) return applyOne(options, foreign);
  const removed = await removeAutoscaler(options, claim);
  if (removed !== undefined) return removed;
  for (const manifest of manifests) {
    const result =
      manifest.kind === DEPLOYMENT.kind ? await applyDeployment(options) : await applyOne(options, manifest);
    if (result.kind !== "Done") return result;
  }
  return DONE;
}

/** Of a Router of the same name that was deleted: the garbage collector is about to take it. */
function isLeftover(object: KubernetesObject | undefined, owner: OwnerReference): boolean {
  const controller = object?.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return controller?.kind === owner.kind && controller.name === owner.name && controller.uid !== owner.uid;
}

async function applyOne(options: PassOptions, manifest: Manifest, onlyIfUnchanged = false): Promise<PassResult> {
  const { applier, owned, owner, signal } = options;
  const type = ownedType(manifest.kind);
  const observed = owned.get(type);
  const request = { type, object: manifest, owner, signal, onlyIfUnchanged };
  const result = await applier.apply(observed === undefined ? request : { ...request, observed });
  if (!result.ok) return judgeFailure(result.error, `apply ${describeObject(type, manifest.metadata)}`);
  const outcome = result.value;
  if (outcome.action === "Waiting") return WAITING;
  if (outcome.action === "Refused") {
    return { kind: "Problem", problem: { reason: "ResourceConflict", message: outcome.message } };
  }
  owned.remember(type, outcome.object);
  options.onOutcome(type, manifest.metadata.name, outcome);
  return DONE;
}

/** The number of routers is left to an autoscaler, ours or anybody's, and taken back when ours is gone. */
async function applyDeployment(options: PassOptions): Promise<PassResult> {
  const { applier, owned, workload } = options;
  const { fieldManager } = applier;
  const autoscaled = workload.spec.autoscaling !== undefined;
  const wanted = workload.replicas ?? workload.spec.replicas;
  const live = owned.get(DEPLOYMENT);
  const takenBack = !autoscaled && live?.metadata.annotations?.[AUTOSCALED_ANNOTATION] === "true";
  const plan = takenBack
    ? ({ action: "Apply", replicas: wanted } as const)
    : planReplicas(live, { wanted, autoscaled, fieldManager });
  if (plan.action === "Release") {
    const released = await releaseReplicas(options, live, plan.replicas);
    if (released !== undefined) return released;
  }
  const replicas = plan.action === "Apply" ? plan.replicas : undefined;
  const manifests = routerManifests({ ...workload, replicas }, nodeCodec);
  const manifest = manifests.find(({ kind }) => kind === DEPLOYMENT.kind);
  // Somebody may have begun to scale a moment ago: then we do not say a number.
  const contested = plan.action === "Apply" && !takenBack;
  return manifest === undefined ? DONE : applyOne(options, manifest, contested);
}

/** Before we let go of the number, somebody else has to own it: the field would fall to its default of 1. */
async function releaseReplicas(
  { client, applier, owned, signal }: PassOptions,
  live: KubernetesObject | undefined,
  replicas: number,
): Promise<PassResult | undefined> {
  if (live === undefined) return undefined;
  const { namespace = "", name, uid = "" } = live.metadata;
  const object = {
    apiVersion: "apps/v1",
    kind: DEPLOYMENT.kind,
    metadata: { namespace, name, uid },
    spec: { replicas },
  };
  const fieldManager = `${applier.fieldManager}-replicas`;
  const result = await applyObject(client, DEPLOYMENT, object, { fieldManager, force: false, signal });
  if (!result.ok)
    return judgeFailure(result.error, `release the replicas of ${describeObject(DEPLOYMENT, live.metadata)}`);
  owned.remember(DEPLOYMENT, result.value);
  return undefined;
}

async function removeAutoscaler(options: PassOptions, claim: OwnershipClaim): Promise<PassResult | undefined> {
  const { client, applier, owned, workload, signal } = options;
  const live = owned.get(AUTOSCALER);
  if (workload.spec.autoscaling !== undefined || judgeOwnership(live, claim) !== "Ours") return undefined;
  const { namespace } = workload.router;
  const ref = { namespace, name: routerObjectNames(workload.router.name, nodeCodec).workload };
  const { uid } = live?.metadata ?? {};
  const result = await deleteObject(client, AUTOSCALER, ref, { signal, ...(uid === undefined ? {} : { uid }) });
  if (!result.ok && result.error.kind !== "NotFound") {
    return judgeFailure(result.error, `delete ${describeObject(AUTOSCALER, ref)}`);
  }
  applier.forget(AUTOSCALER, ref);
  return undefined;
}

/** What only a person can change is a problem to show; the rest is tried again. */
function judgeFailure(failure: ApiFailure, what: string): PassResult {
  if (failure.kind === "Conflict") return WAITING;
  if (failure.kind === "Forbidden") {
    const message = `could not ${what}: ${failure.message}; grant it by RBAC, or raise the quota that forbids it`;
    return { kind: "Problem", problem: { reason: "Forbidden", message } };
  }
  if (failure.kind === "Invalid") {
    const message = `could not ${what}: ${failure.message}; correct the Router's spec`;
    return { kind: "Problem", problem: { reason: "Invalid", message } };
  }
  throw errorOf(failure, what);
}
