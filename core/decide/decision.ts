// The outcome of a decision and its explanation, as plain data.
import type { ObjectMeta } from "../policy/spec.ts";
import type { CompiledProvider } from "../policy/table.ts";
import type { ProcessorState } from "../registry/processor-state.ts";

/** Why the provider was chosen; the closed list of policy.md. */
export type DecisionReason = "weighted" | "sticky" | "rule" | "fallback" | "retry";

/** What the health of the world looked like when the decision was made; equal versions give equal decisions. */
export interface HealthSnapshot {
  readonly version: string;
  readonly timeMs: number;
  /**
   * Whether there is a registry of components to know of. Where there is none, `registration: Required` has no effect; where
   * there is one, a provider that it does not know is not registered.
   */
  readonly followsRegistry: boolean;
  /**
   * By what the provider's processors are known under (core/registry/provider-owners.ts); absent = nothing known against it.
   */
  readonly providers: ReadonlyMap<string, ProviderHealth>;
}

export interface ProviderHealth {
  readonly liveness: "live" | "late" | "lost" | "unknown";
  readonly reported: "HEALTHY" | "UNHEALTHY" | "STOPPING" | "STARTING" | "UNKNOWN";
  readonly breaker?: "closed" | "open" | "half_open";
  readonly domainOpen?: boolean;
  readonly overloaded?: boolean;
  /** Whose liveness it is, by id, for an explanation. */
  readonly processors?: ReadonlyMap<string, ProcessorState>;
}

export const emptySnapshot: HealthSnapshot = { version: "0", timeMs: 0, followsRegistry: false, providers: new Map() };

/** Why a candidate was dropped by the filter stage (policy.md "Decision" 3). */
export type DropReason =
  | "drained"
  | "lost"
  | "unregistered"
  | "unhealthy"
  | "breaker_open"
  | "failure_domain_open"
  | "latency_constraint"
  | "cost_constraint"
  | "capability"
  | "overloaded"
  | "excluded";

export interface Decision {
  readonly provider: CompiledProvider;
  readonly reason: DecisionReason;
  readonly rule: string | undefined;
  readonly policy: ObjectMeta;
  readonly policyId: string;
  readonly tenantId: string;
  readonly snapshotVersion: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

export type DecideErrorCode = "policy_not_found" | "rule_evaluation_failed" | "no_provider_available";

export interface DecideError {
  readonly code: DecideErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface DroppedProvider {
  readonly name: string;
  readonly reason: DropReason;
  /** Ids of the processors whose liveness or report is the reason; at most `MAX_NAMED_PROCESSORS`. */
  readonly processors?: readonly string[];
}

/** One stage of a decision, for `--explain`: what it looked at and what it left. */
export type ExplainStep =
  | {
      readonly stage: "policy";
      readonly policyId: string;
      readonly tenantId: string;
      readonly object: string;
      readonly generation: number;
    }
  | {
      readonly stage: "rule";
      readonly rule: string;
      readonly when: string;
      readonly outcome: "matched" | "not matched" | "error skipped" | "error rejected";
      readonly error?: string;
    }
  | {
      readonly stage: "filter";
      readonly kept: readonly string[];
      readonly dropped: readonly DroppedProvider[];
    }
  /** An extension that the message passed, before the decision or (`post`) after it. */
  | {
      readonly stage: "step";
      readonly of: "pre" | "validator" | "post";
      readonly step: string;
      readonly target: string;
      readonly outcome: "passed" | "rejected" | "unavailable" | "notFound" | "timeout" | "broken";
      readonly reason?: string;
      /** Names of the entries that it set. */
      readonly changed: readonly string[];
      readonly tries: number;
      readonly elapsedMs: number;
      readonly consequence: "none" | "stopped" | "warned" | "ignored";
    }
  | { readonly stage: "tier"; readonly priority: number; readonly candidates: readonly string[] }
  | { readonly stage: "prefer"; readonly order: readonly string[]; readonly chosen: string | undefined }
  | {
      readonly stage: "pick";
      readonly key: string;
      readonly scores: readonly { readonly name: string; readonly weight: number; readonly score: number }[];
      readonly chosen: string;
    }
  | { readonly stage: "fallback"; readonly provider: string; readonly used: boolean; readonly reason?: DropReason };

/** `skippedRules`: names of rules with `onError: Skip` that could not be evaluated, to be counted; absent when there are none. */
export type DecideResult =
  | {
      readonly ok: true;
      readonly value: Decision;
      readonly steps: readonly ExplainStep[];
      readonly skippedRules?: readonly string[];
    }
  | {
      readonly ok: false;
      readonly error: DecideError;
      readonly steps: readonly ExplainStep[];
      readonly skippedRules?: readonly string[];
    };

/** What a decision depends on besides table and snapshot. */
export interface DecideInput {
  readonly tenantId: string;
  readonly policyId: string;
  readonly messageId: string;
  readonly messageType: string;
  readonly payloadBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, string>>;
  readonly constraints: { readonly maxLatencyMs?: number; readonly maxCost?: number };
  /** What the pick hashes when no sticky value is there: the idempotency key or the effect id. */
  readonly pickKey: string;
  readonly attempt: number;
  /** Providers (by list name) that an earlier attempt used up. */
  readonly exclude?: ReadonlySet<string>;
  /** A later push of a keyed decision goes to this provider (by `<namespace>/<object name>`) or nowhere. */
  readonly pinned?: string;
  readonly explain: boolean;
}
