// Routers as the pods of a Deployment, with all that they need beside them, kept as they shall be.

import type { RouterKey } from "../../../core/config/entry.ts";
import { API_VERSION } from "../../../core/policy/schema.ts";
import { podSelector } from "../../../core/reconcile/manifests/labels.ts";
import type { RouterInstallation, RouterWorkload } from "../../../core/reconcile/manifests/manifest.ts";
import { routerObjectNames } from "../../../core/reconcile/manifests/names.ts";
import { podTemplate } from "../../../core/reconcile/manifests/pod-template.ts";
import { SPEC_HASH_ANNOTATION } from "../../../core/reconcile/manifests/spec-hash.ts";
import type { Applier, ApplyOutcome } from "../../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { EventRecorder } from "../../../kubernetes/events.ts";
import { planReplicas } from "../../../kubernetes/field-ownership.ts";
import type { KubernetesObject, OwnerReference, ResourceType } from "../../../kubernetes/object.ts";
import { Reflector } from "../../../kubernetes/reflector.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { BeamlineError, reasonOf } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { Infrastructure, InfrastructureStatus, ObservedPod, RouterDeployment } from "../../interfaces.ts";
import { KeyedQueue } from "../../queue.ts";
import { applyManifests, type InfrastructureProblem } from "./apply-manifests.ts";
import { deploymentFailure } from "./deployment-failure.ts";
import { LATE_START_MS, lateStartFailure } from "./late-start.ts";
import { type PodView, viewPod } from "./observe-pod.ts";
import { OwnedObjects } from "./owned-objects.ts";
import { DEPLOYMENT, POD, ROUTER } from "./resource-types.ts";

export interface DeploymentInfrastructureOptions {
  /** Guarded by leadership, where there are several operators. */
  readonly client: KubernetesClient;
  /** On the same client. */
  readonly applier: Applier;
  readonly router: RouterKey;
  readonly settings: RouterInstallation;
  readonly log: Logger;
  readonly events?: EventRecorder;
}

/** The one piece of work that the queue knows. */
const APPLY = "apply";
const RETRY_BACKOFF = { baseMs: 200, maxMs: 30_000 };
/** Changes of several objects that come together are one pass. */
const COALESCE_MS = 20;
/** What a person has to change, or the garbage collector to finish, is looked at again after this. */
const RECHECK_MS = 5_000;
/** Everything is compared once in a while, whatever the watches said; up to a fifth more, so that Routers do not meet. */
const RESYNC_MS = 600_000;
const RESYNC_SPREAD = 0.2;
const SYNC_DEADLINE_MS = 30_000;
/** Fields that an event names. */
const MAX_NAMED_FIELDS = 8;

interface Wanted {
  readonly workload: RouterWorkload;
  readonly owner: OwnerReference;
  readonly specHash: string | undefined;
}

export class DeploymentInfrastructure implements Infrastructure {
  readonly platform = "kubernetes";
  private readonly options: DeploymentInfrastructureOptions;
  private readonly owned: OwnedObjects;
  private readonly podMirror: Reflector<PodView>;
  private readonly queue: KeyedQueue;
  private readonly abort = new AbortController();
  private wanted: Wanted | undefined;
  private problem: InfrastructureProblem | undefined;
  private onChange: () => void = () => undefined;
  private lateStart: NodeJS.Timeout | undefined;

  constructor(options: DeploymentInfrastructureOptions) {
    this.options = options;
    const { client, router, log } = options;
    const { namespace } = router;
    const names = routerObjectNames(router.name, nodeCodec);
    this.owned = new OwnedObjects({ client, namespace, names, log, onChange: () => this.ownedChanged() });
    this.podMirror = new Reflector<PodView>({
      client,
      type: POD,
      namespace,
      labelSelector: podSelector(router),
      convert: viewPod,
      onChange: () => this.podsChanged(),
      log,
    });
    this.queue = new KeyedQueue({
      work: () => this.apply(),
      onError: (_, error, retryMs) => {
        if (this.abort.signal.aborted) return;
        log.warn("a Router's objects are not as they shall be yet", { reason: reasonOf(error), retry_ms: retryMs });
      },
      backoff: RETRY_BACKOFF,
    });
  }

  start(onChange: () => void): void {
    this.onChange = onChange;
    this.owned.start();
    this.podMirror.start();
  }

  /** Resolves when `pods()` is complete. Throws BeamlineError that names the kind that cannot be listed. */
  async waitUntilSynced(deadlineMs: number = SYNC_DEADLINE_MS): Promise<void> {
    await Promise.all([this.owned.waitUntilSynced(deadlineMs), this.podMirror.waitUntilSynced(deadlineMs)]);
  }

  isObserved(): boolean {
    return this.owned.isSynced() && this.podMirror.status().synced;
  }

  ensureRouters(deployment: RouterDeployment): void {
    if (this.abort.signal.aborted) return;
    this.wanted = wantedOf(deployment, this.options.settings);
    this.queue.add(APPLY);
  }

  pods(): readonly ObservedPod[] {
    const nowMs = Date.now();
    return this.podMirror
      .values()
      .filter(({ ended }) => !ended)
      .map(({ ended: _, specHash, notStarted, ...pod }) => ({
        ...pod,
        failure: pod.failure ?? (notStarted === undefined ? undefined : lateStartFailure(notStarted, nowMs)),
        updated: this.isWanted(specHash),
      }))
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  status(): InfrastructureStatus {
    const { problem } = this;
    const live = this.owned.get(DEPLOYMENT);
    const pod = this.pods().find(({ updated, failure }) => updated && failure !== undefined);
    const failure = deploymentFailure(live, pod?.failure);
    const replicas = this.scaledTo(live);
    return {
      ...(problem === undefined ? {} : { problem }),
      ...(failure === undefined ? {} : { failure }),
      ...(replicas === undefined ? {} : { replicas }),
      selector: podSelector(this.options.router),
    };
  }

  /** Only the watching ends: pods must outlive the operator. */
  async stop(): Promise<void> {
    this.abort.abort();
    clearTimeout(this.lateStart);
    // All at once: a pass may be waiting for a mirror.
    await Promise.all([this.queue.stop(), this.owned.stop(), this.podMirror.stop()]);
  }

  /** Undefined while the number is ours to say. */
  private scaledTo(live: KubernetesObject | undefined): number | undefined {
    if (this.wanted === undefined || live === undefined) return undefined;
    const { replicas: wanted = 0, spec } = this.wanted.workload;
    const { fieldManager } = this.options.applier;
    const plan = planReplicas(live, { wanted, autoscaled: spec.autoscaling !== undefined, fieldManager });
    return plan.action === "Apply" ? undefined : (live.spec as { readonly replicas?: number } | undefined)?.replicas;
  }

  private isWanted(specHash: string | undefined): boolean {
    return specHash !== undefined && specHash === this.wanted?.specHash;
  }

  /** Of a pod that is not begun no change tells: everything is looked at again when it is late. */
  private podsChanged(): void {
    this.onChange();
    clearTimeout(this.lateStart);
    const nowMs = Date.now();
    const lateAtMs = this.podMirror.values().map(({ notStarted }) => (notStarted?.sinceMs ?? 0) + LATE_START_MS);
    const inMs = Math.min(...lateAtMs.filter((atMs) => atMs > nowMs)) - nowMs;
    if (Number.isFinite(inMs) && !this.abort.signal.aborted) {
      this.lateStart = setTimeout(() => this.podsChanged(), inMs);
    }
  }

  private ownedChanged(): void {
    this.onChange();
    if (this.wanted !== undefined) this.queue.add(APPLY, COALESCE_MS);
  }

  private async apply(): Promise<void> {
    const { wanted } = this;
    if (wanted === undefined || this.abort.signal.aborted) return;
    const { client, applier } = this.options;
    const { workload, owner } = wanted;
    await this.whenListed();
    const result = await applyManifests({
      client,
      applier,
      owned: this.owned,
      workload,
      owner,
      signal: this.abort.signal,
      onOutcome: (type, name, outcome) => this.report(type, name, outcome, owner),
    });
    this.setProblem(result.kind === "Problem" ? result.problem : undefined);
    const resyncMs = RESYNC_MS * (1 + Math.random() * RESYNC_SPREAD);
    this.queue.add(APPLY, result.kind === "Done" ? resyncMs : RECHECK_MS);
  }

  private async whenListed(): Promise<void> {
    try {
      await this.waitUntilSynced();
    } catch (error) {
      if (error instanceof BeamlineError && error.code === "PERMISSION_DENIED") {
        this.setProblem({ reason: "Forbidden", message: error.message });
      }
      throw error;
    }
  }

  private setProblem(problem: InfrastructureProblem | undefined): void {
    const before = this.problem;
    this.problem = problem;
    if (before?.reason === problem?.reason && before?.message === problem?.message) return;
    this.onChange();
    if (problem === undefined) return;
    this.options.log.error("a Router's objects cannot be made", { ...problem });
  }

  private report(type: ResourceType, name: string, outcome: ApplyOutcome, owner: OwnerReference): void {
    if (outcome.action === "Unchanged") return;
    const { log } = this.options;
    log.info("object of a Router written", { kind: type.kind, name, action: outcome.action });
    if (outcome.action !== "Corrected") return;
    const fields = outcome.fields.slice(0, MAX_NAMED_FIELDS).join(", ");
    const note = `${type.kind} ${name} is as it shall be again: ${fields}`;
    const ref = { namespace: this.options.router.namespace, name: owner.name };
    const regarding = { type: ROUTER, ref, uid: owner.uid };
    this.options.events?.record({ regarding, type: "Normal", reason: "DriftCorrected", action: "ApplyObjects", note });
  }
}

function wantedOf(deployment: RouterDeployment, installation: RouterInstallation): Wanted {
  const { router, object, environment, replicas, secrets = {}, held } = deployment;
  if (object === undefined) throw new Error(`Router ${router.namespace}/${router.name} has no object to own its pods`);
  const paused = held !== undefined;
  const { spec } = object;
  const workload: RouterWorkload = { router, spec, environment, replicas, secrets, paused, installation };
  const { workload: account } = routerObjectNames(router.name, nodeCodec);
  const { annotations } = podTemplate(workload, account, nodeCodec).metadata;
  const { name, uid } = object.meta;
  const owner = { apiVersion: API_VERSION, kind: "Router", name, uid, controller: true, blockOwnerDeletion: true };
  return { workload, owner, specHash: annotations[SPEC_HASH_ANNOTATION] };
}
