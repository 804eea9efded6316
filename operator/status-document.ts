// The status of the whole system on one machine: what `<state dir>/status.json` and `GET /status` hold.
import type { Condition } from "../core/reconcile/conditions.ts";
import type { ProcessorsSummary } from "../core/reconcile/registered.ts";

/** Something wrong in a file that was given, with its place. Lines and columns count from 1. */
export interface FileProblem {
  /** Relative to the policies folder. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Path inside the object, such as `spec.providers[1].weight`; empty for a document that cannot be read at all. */
  readonly path: string;
  /** Stable name of the rule that was broken. */
  readonly rule: string;
  readonly message: string;
  /** The offending value as JSON, at most 200 characters. */
  readonly value?: string;
}

export interface RouterStatus {
  readonly name: string;
  /** Changes with every start of the process: stands for the uid of a pod. */
  readonly uid: string;
  readonly pid: number | undefined;
  readonly ready: boolean;
  /** Revision of the table in force, 0 before the first acknowledgement. */
  readonly appliedRevision: number;
  readonly rejectedCount: number;
  readonly healthUrl: string;
  /** How often the process was started. */
  readonly starts: number;
}

export interface ObjectStatus {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** Generation that the conditions speak of. */
  readonly observedGeneration: number;
  /** File that the object comes from, relative to the policies folder. */
  readonly file?: string;
  readonly conditions: readonly Condition[];
  readonly problems: readonly FileProblem[];
}

export interface PolicyProviderStatus {
  /** As the policy names it. */
  readonly name: string;
  readonly processors: ProcessorsSummary;
}

export interface PolicyStatus extends ObjectStatus {
  readonly tenantId: string;
  readonly policyId: string;
  /** Those of its providers that must be registered, or have registered processors; absent when there are none. */
  readonly providers?: readonly PolicyProviderStatus[];
}

export interface ProviderStatus extends ObjectStatus {
  readonly providerId: string;
  readonly displayName?: string;
  /** Durable consumer that workers of this provider bind to; absent for one that is fed by a fixed subject. */
  readonly consumer?: string;
  /** The fixed subject: its work is deduplicated only within a window, see the condition Deduplicated. */
  readonly legacySubject?: string;
  /** Absent for one that need not be registered and has none. */
  readonly processors?: ProcessorsSummary;
}

export interface TenantStatus extends ObjectStatus {
  readonly tenantId: string;
}

export interface PipelineStatus extends ObjectStatus {
  readonly tenantId: string;
  /** Subject that the source publishes to. */
  readonly input: string;
  /** Durable consumers, in the order of `spec.consumers`. */
  readonly consumers: readonly string[];
}

export interface FileStatus {
  readonly file: string;
  /** Empty when the file is in force as it stands; otherwise what it held before stays in force. */
  readonly problems: readonly FileProblem[];
}

/** The Router whose routers and policies a document speaks of. */
export interface RouterObjectStatus {
  readonly namespace: string;
  readonly name: string;
  /** Generation of the Router object that the conditions speak of; 1 when there is no object. */
  readonly generation: number;
  readonly desiredRouters: number;
  readonly updatedRouters: number;
  /** Label selector of its pods, where routers are pods. */
  readonly selector?: string;
  readonly conditions: readonly Condition[];
}

export interface StatusDocument {
  /** Stream sequence of the last head written; 0 before the first. */
  readonly revision: number;
  readonly epoch: string;
  readonly router: RouterObjectStatus;
  readonly routers: readonly RouterStatus[];
  readonly policies: readonly PolicyStatus[];
  readonly providers: readonly ProviderStatus[];
  readonly tenants: readonly TenantStatus[];
  readonly pipelines: readonly PipelineStatus[];
  readonly files: readonly FileStatus[];
  /**
   * NATS does not say that it confines the operator to an account and rights of its own: then producers and workers may
   * have the same, and whoever can connect can write configuration.
   */
  readonly unfenced: boolean;
}
