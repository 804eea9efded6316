// A pod whose container kubelet does not even begin: it waits for a Secret that is not there, and no status says so.
import type { PodCondition } from "./pod-failure.ts";

/** A placed pod that kubelet has not begun: no event and no container tells why, only time does. */
export interface NotStarted {
  /** When a node took it, in milliseconds since the Unix epoch. */
  readonly sinceMs: number;
  /** Secrets that it mounts. */
  readonly secrets: readonly string[];
  readonly namespace: string;
}

interface MountingSpec {
  readonly volumes?: readonly { readonly secret?: { readonly secretName?: string } }[];
}

/** Mounting takes a second or two; a node that is busy needs longer. */
export const LATE_START_MS = 20_000;
const MS_PER_SECOND = 1_000;

/** Undefined when kubelet has made the pod's sandbox, which it does when all volumes are mounted; then images are pulled. */
export function viewNotStarted(
  conditions: readonly PodCondition[],
  namespace: string,
  spec: unknown,
): NotStarted | undefined {
  const scheduled = conditions.find(({ type, status }) => type === "PodScheduled" && status === "True");
  const prepared = conditions.find(({ type }) => type === "PodReadyToStartContainers");
  const sinceMs = Date.parse(scheduled?.lastTransitionTime ?? "");
  if (prepared?.status !== "False" || Number.isNaN(sinceMs)) return undefined;
  const { volumes = [] } = (spec ?? {}) as MountingSpec;
  return { sinceMs, namespace, secrets: volumes.flatMap(({ secret }) => secret?.secretName ?? []) };
}

/** Undefined while it may still be on its way. */
export function lateStartFailure({ sinceMs, secrets, namespace }: NotStarted, nowMs: number): string | undefined {
  if (nowMs - sinceMs < LATE_START_MS) return undefined;
  const waited = `its node has not begun it for ${LATE_START_MS / MS_PER_SECOND} s; kubectl describe pod says why`;
  return `${waited}${questionFor(secrets, namespace)}`;
}

function questionFor(secrets: readonly string[], namespace: string): string {
  if (secrets.length === 0) return "";
  const named = secrets.join(" and ");
  return secrets.length === 1
    ? `: is there a Secret ${named} in namespace ${namespace}?`
    : `: are there Secrets ${named} in namespace ${namespace}?`;
}
