// Why a pod is not ready, as one sentence with the way out, from what the scheduler and kubelet write into it.

/** The parts of a Pod's status that are read. */
export interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: readonly PodCondition[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

export interface PodCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface ContainerStatus {
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: Termination;
}

interface Termination {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
}

/** Of what a router said last. */
const MAX_QUOTED_LENGTH = 400;
const IMAGE_REASONS = new Set(["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]);

/** Undefined when nothing is known to be wrong. */
export function podFailure(status: PodStatus, image: string): string | undefined {
  return schedulingFailure(status) ?? containerFailure(status.containerStatuses?.[0], image);
}

function schedulingFailure({ conditions = [] }: PodStatus): string | undefined {
  const scheduled = conditions.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status !== "False") return undefined;
  const reason = quote(scheduled.message ?? scheduled.reason);
  return `no node takes it: ${reason}; add nodes, or change resources, nodeSelector, tolerations or affinity in spec.pod`;
}

function containerFailure(container: ContainerStatus | undefined, image: string): string | undefined {
  const waiting = container?.state?.waiting;
  const ended = container?.state?.terminated ?? container?.lastState?.terminated;
  if (waiting?.reason !== undefined && IMAGE_REASONS.has(waiting.reason)) {
    return `image ${image} cannot be pulled: ${quote(waiting.message ?? waiting.reason)}; correct spec.image, or give the node access to its registry`;
  }
  if (waiting?.reason === "CreateContainerConfigError" || waiting?.reason === "CreateContainerError") {
    return `its container cannot be made: ${quote(waiting.message ?? waiting.reason)}`;
  }
  // A router that was ended and runs again is no failure any more.
  if (ended === undefined || (waiting === undefined && container?.state?.terminated === undefined)) return undefined;
  if (ended.reason === "OOMKilled") {
    return "it needed more memory than its limit and was ended; raise spec.pod.resources.limits.memory";
  }
  const said = ended.message === undefined || ended.message.trim() === "" ? "" : `: ${quote(ended.message)}`;
  return `it ended with exit code ${ended.exitCode}${said}`;
}

/** One line; of a long text the end, where the reason is. */
function quote(text = "no reason is given"): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return line.length <= MAX_QUOTED_LENGTH ? line : `…${line.slice(1 - MAX_QUOTED_LENGTH)}`;
}
