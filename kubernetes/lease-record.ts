// Who leads, read from a Lease: only changes that we saw happen count, never the times that others wrote.
import { formatMicroTime } from "./micro-time.ts";
import type { KubernetesMeta, ResourceType } from "./object.ts";

export const LEASE_TYPE: ResourceType = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};

/** `coordination.k8s.io/v1`. Times are MicroTime and only for people. */
export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Lease {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubernetesMeta;
  readonly spec?: LeaseSpec;
  readonly [field: string]: unknown;
}

export interface LeaseTiming {
  /** How long others wait after the last renewal that they saw. */
  readonly leaseDurationMs: number;
  /** A leader that could not renew for this long stops leading. */
  readonly renewDeadlineMs: number;
  /** Between two tries. */
  readonly retryPeriodMs: number;
}

/** client-go's defaults. */
export const LEASE_TIMING: LeaseTiming = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
/** Share of the period that chance adds (client-go's JitterFactor). */
export const LEASE_JITTER = 1.2;
const MS_PER_SECOND = 1_000;

/** What is wrong with `timing`; undefined when nothing (client-go's rules). */
export function checkLeaseTiming({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: LeaseTiming): string | undefined {
  if (leaseDurationMs <= renewDeadlineMs) return "the lease must last longer than the renew deadline";
  if (renewDeadlineMs <= retryPeriodMs * LEASE_JITTER)
    return "the renew deadline must be longer than 1.2 retry periods";
  if (retryPeriodMs <= 0) return "the retry period must be positive";
  return undefined;
}

/** A lease and when we first saw it as it is, on our own monotonic clock. */
export interface ObservedLease {
  readonly lease: Lease;
  readonly changedAtMs: number;
}

export function observeLease(before: ObservedLease | undefined, lease: Lease, nowMs: number): ObservedLease {
  const same = before !== undefined && recordOf(before.lease) === recordOf(lease);
  return { lease, changedAtMs: same ? before.changedAtMs : nowMs };
}

function recordOf({ metadata, spec }: Lease): string {
  return JSON.stringify([metadata.uid, spec?.holderIdentity, spec?.renewTime, spec?.leaseTransitions]);
}

export type LeaseVerdict =
  /** It is ours by its record. */
  | { readonly action: "Renew" }
  /** Nobody's, or its holder has been silent for too long. */
  | { readonly action: "Take" }
  | { readonly action: "Wait"; readonly holder: string; readonly waitMs: number };

/** What `identity` may do at `nowMs`. */
export function judgeLease(
  observed: ObservedLease,
  identity: string,
  timing: LeaseTiming,
  nowMs: number,
): LeaseVerdict {
  const { spec } = observed.lease;
  const holder = spec?.holderIdentity ?? "";
  if (holder === identity) return { action: "Renew" };
  if (holder === "") return { action: "Take" };
  const seconds = spec?.leaseDurationSeconds;
  const durationMs = seconds === undefined ? timing.leaseDurationMs : seconds * MS_PER_SECOND;
  const waitMs = observed.changedAtMs + durationMs - nowMs;
  return waitMs <= 0 ? { action: "Take" } : { action: "Wait", holder, waitMs };
}

/** The lease held by `identity` from now on, or still; `nowMs` since the Unix epoch. */
export function heldLease(
  before: LeaseSpec | undefined,
  identity: string,
  timing: LeaseTiming,
  nowMs: number,
): LeaseSpec {
  const now = formatMicroTime(nowMs);
  const kept = before?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(timing.leaseDurationMs / MS_PER_SECOND),
    acquireTime: kept ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: (before?.leaseTransitions ?? 0) + (kept || before === undefined ? 0 : 1),
  };
}

/** The lease given back: free for whoever comes first. The API server wants a positive duration. */
export function releasedLease(before: LeaseSpec | undefined, nowMs: number): LeaseSpec {
  const now = formatMicroTime(nowMs);
  const { leaseTransitions = 0 } = before ?? {};
  return { holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now, leaseTransitions };
}
