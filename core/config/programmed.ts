// Whether a change is in force: what acknowledgements and ready pods say about one object's target.
import type { RejectedEntry, RouterAck } from "./entry.ts";

/** What has to be acknowledged for one object. A deletion has one too: the first head without its key. */
export interface ProgrammedTarget {
  readonly key: string;
  readonly uid: string;
  readonly generation: number;
  readonly epoch: string;
  /** Sequence of the first head that includes the change; undefined until that head is written. */
  readonly revision: number | undefined;
}

/** A pod of the router (or the process that stands for one). */
export interface RouterPod {
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
}

export type ProgrammedReason = "Programmed" | "NoReadyPods" | "Pending" | "Rejected" | "RejectionsTruncated";

export interface ProgrammedVerdict {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: ProgrammedReason;
  readonly message: string;
}

const NO_READY_PODS: ProgrammedVerdict = { status: "Unknown", reason: "NoReadyPods", message: "no router is ready" };
const PENDING: ProgrammedVerdict = {
  status: "Unknown",
  reason: "Pending",
  message: "waiting for every ready router to apply this generation",
};
const TRUNCATED: ProgrammedVerdict = {
  status: "Unknown",
  reason: "RejectionsTruncated",
  message: "a router rejects more objects than an acknowledgement lists, this one may be among them",
};
const PROGRAMMED: ProgrammedVerdict = {
  status: "True",
  reason: "Programmed",
  message: "every ready router serves this generation",
};

/**
 * True only when at least one pod is ready and every ready pod, matched by uid, has applied the target's head or a later one
 * of the same epoch without rejecting this uid and generation. False when one of them rejects it. Unknown otherwise: what is
 * in flight is neither.
 */
export function programmed(
  target: ProgrammedTarget,
  acks: Iterable<RouterAck>,
  pods: Iterable<RouterPod>,
): ProgrammedVerdict {
  const byUid = new Map<string, RouterAck>();
  for (const ack of acks) byUid.set(ack.podUid, ack);
  return programmedByUid(target, byUid, pods);
}

/** `programmed` for many targets over one set of acknowledgements, by pod uid. */
export function programmedByUid(
  target: ProgrammedTarget,
  acks: ReadonlyMap<string, RouterAck>,
  pods: Iterable<RouterPod>,
): ProgrammedVerdict {
  let readyPods = 0;
  let pending = false;
  let truncated = false;
  for (const pod of pods) {
    if (!pod.ready) continue;
    readyPods++;
    const ack = acks.get(pod.uid);
    if (ack === undefined || !includesTarget(ack, target)) {
      pending = true;
      continue;
    }
    const rejection = ack.rejected.find((entry) => isRejectionOf(entry, target));
    if (rejection !== undefined) return rejectedBy(pod, rejection);
    truncated ||= ack.rejectedCount > ack.rejected.length;
  }
  if (readyPods === 0) return NO_READY_PODS;
  if (pending) return PENDING;
  return truncated ? TRUNCATED : PROGRAMMED;
}

/** What all ready pods together have applied, so that thousands of targets need not be compared with each acknowledgement. */
export interface AppliedFloor {
  readonly readyPods: number;
  /** Epoch of every ready pod's head; undefined when they differ or one has none. */
  readonly epoch: string | undefined;
  /** Lowest head that a ready pod has applied; 0 when there is no common epoch. */
  readonly revision: number;
  /** Keys that a ready pod rejects. */
  readonly rejected: ReadonlySet<string>;
  /** A ready pod rejects more than its acknowledgement lists. */
  readonly truncated: boolean;
}

export function appliedFloor(acks: ReadonlyMap<string, RouterAck>, pods: Iterable<RouterPod>): AppliedFloor {
  const ready = [...pods].filter((pod) => pod.ready).map(({ uid }) => acks.get(uid));
  const epochs = new Set(ready.map((ack) => ack?.epoch));
  const [epoch] = epochs.size === 1 ? epochs : [];
  const revisions = ready.map((ack) => ack?.appliedRevision ?? 0);
  return {
    readyPods: ready.length,
    epoch,
    revision: epoch === undefined ? 0 : Math.min(...revisions),
    rejected: new Set(ready.flatMap((ack) => ack?.rejected.map(({ key }) => key) ?? [])),
    truncated: ready.some((ack) => ack !== undefined && ack.rejectedCount > ack.rejected.length),
  };
}

/** Whether every target that was Programmed at `before` is so at `after`, but for the keys that are rejected there. */
export function keepsProgrammed(before: AppliedFloor, after: AppliedFloor): boolean {
  return (
    after.readyPods > 0 &&
    !after.truncated &&
    after.epoch !== undefined &&
    after.epoch === before.epoch &&
    after.revision >= before.revision
  );
}

function includesTarget(ack: RouterAck, target: ProgrammedTarget): boolean {
  return target.revision !== undefined && ack.epoch === target.epoch && ack.appliedRevision >= target.revision;
}

function isRejectionOf(entry: RejectedEntry, target: ProgrammedTarget): boolean {
  return entry.key === target.key && entry.uid === target.uid && entry.generation === target.generation;
}

function rejectedBy(pod: RouterPod, rejection: RejectedEntry): ProgrammedVerdict {
  return { status: "False", reason: "Rejected", message: `router ${pod.name} rejects it: ${rejection.reason}` };
}
