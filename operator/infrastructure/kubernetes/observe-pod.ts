// A Pod of the API -> what the operator knows of a router.

import { CONTAINER_NAME, METRICS_PORT } from "../../../core/reconcile/manifests/container.ts";
import {
  HASH_VERSION,
  HASH_VERSION_ANNOTATION,
  SPEC_HASH_ANNOTATION,
} from "../../../core/reconcile/manifests/spec-hash.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import type { ObservedPod } from "../../interfaces.ts";
import { type NotStarted, viewNotStarted } from "./late-start.ts";
import { type PodStatus, podFailure } from "./pod-failure.ts";

/** A router's pod, before it is known which settings are wanted. */
export interface PodView extends Omit<ObservedPod, "updated"> {
  /** Of the template that it was made from; undefined when nobody can say. */
  readonly specHash: string | undefined;
  /** Whether it has ended for good: evicted, or out of a node's resources. Another pod stands in for it. */
  readonly ended: boolean;
  /** Set while kubelet has not begun it. */
  readonly notStarted: NotStarted | undefined;
}

interface PodSpec {
  readonly containers?: readonly { readonly name: string; readonly image?: string }[];
}

const ENDED_PHASES = new Set(["Succeeded", "Failed"]);

/** A pod that is being deleted is there until it is gone, but takes no messages any more. */
export function viewPod({ metadata, spec, status = {} }: KubernetesObject): PodView {
  const { namespace = "", name, uid = "", annotations = {}, deletionTimestamp } = metadata;
  const observed = status as PodStatus;
  const terminating = deletionTimestamp !== undefined;
  const ready = !terminating && observed.conditions?.some(isReady) === true;
  const router = (spec as PodSpec | undefined)?.containers?.find((container) => container.name === CONTAINER_NAME);
  return {
    name,
    uid,
    ready,
    pid: undefined,
    healthUrl: observed.podIP === undefined ? "" : `http://${hostOf(observed.podIP)}:${METRICS_PORT}`,
    starts: (observed.containerStatuses?.[0]?.restartCount ?? 0) + 1,
    failure: ready || terminating ? undefined : podFailure(observed, router?.image ?? "of the router"),
    specHash: annotations[HASH_VERSION_ANNOTATION] === HASH_VERSION ? annotations[SPEC_HASH_ANNOTATION] : undefined,
    ended: ENDED_PHASES.has(observed.phase ?? ""),
    notStarted: terminating ? undefined : viewNotStarted(observed.conditions ?? [], namespace, spec),
  };
}

function isReady({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === "Ready" && status === "True";
}

function hostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
