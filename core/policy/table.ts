// The immutable table that a router decides on, and how a policy is found in it.
import type { TenantRules, ValidationLevel } from "../intake/message.ts";
import type { CompiledPipeline } from "../steps/step.ts";
import type { PipelineObject } from "./objects.ts";
import type { ObjectMeta, RoutingPolicySpec } from "./spec.ts";

/** 64 bits as two signed 32-bit halves; made by `hashPickText` (decide/pick.ts). */
export interface PickHash {
  readonly high: number;
  readonly low: number;
}

/** A provider as a policy uses it, every reference resolved. */
export interface CompiledProvider {
  /** List key in the policy. */
  readonly name: string;
  readonly weight: number;
  readonly priority: number;
  /** Key of the Provider object (or of the implicit one): what subjects carry. */
  readonly namespace: string;
  readonly objectName: string;
  /** `<namespace>/<object name>`: key of the health snapshot and of the pick. */
  readonly key: string;
  /** `hashPickText(key)`, computed once. */
  readonly pickSeed: PickHash;
  readonly providerId: string;
  /** What its processors are known under in the health snapshot; worked out once. */
  readonly processorOwners: readonly string[];
  readonly implicit: boolean;
  readonly expectedLatencyMs: number;
  readonly expectedCost: number;
  readonly capabilities: ReadonlySet<string> | undefined;
  readonly failureDomain: { readonly account?: string; readonly region?: string; readonly vendor?: string };
  readonly registration: "Required" | "Optional";
  readonly drain: "Graceful" | "Now" | undefined;
  readonly legacySubject: string | undefined;
}

/** What an expression may look at. */
export interface ExpressionInput {
  readonly message: {
    readonly id: string;
    readonly type: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly payload_size: number;
  };
  readonly context: Readonly<Record<string, string>>;
  readonly tenant: { readonly id: string };
}

export type ExpressionResult =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly error: string };

export interface CompiledRule {
  readonly name: string;
  readonly when: string;
  matches(input: ExpressionInput): ExpressionResult;
  readonly prefer: readonly string[];
  readonly fallback: string | undefined;
  readonly onError: "Reject" | "Skip";
}

export interface CompiledPolicy {
  readonly meta: ObjectMeta;
  readonly tenantId: string;
  readonly policyId: string;
  readonly providers: readonly CompiledProvider[];
  readonly rules: readonly CompiledRule[];
  /** Where the sticky value is read: first segment `context` or `message`, then the path. */
  readonly stickyPath: readonly string[] | undefined;
  readonly constraints: { readonly maxLatencyMs?: number; readonly maxCost?: number };
  readonly assignment: RoutingPolicySpec["assignment"];
  /** Undefined when there are no steps. */
  readonly pipeline: CompiledPipeline | undefined;
  readonly level: ValidationLevel;
  readonly maxPayloadBytes: number;
}

export interface RoutingTable {
  /** By tenant id, then policy id. */
  readonly policies: ReadonlyMap<string, ReadonlyMap<string, CompiledPolicy>>;
  /** Every tenant named by a Tenant object or an accepted policy. */
  readonly tenants: ReadonlyMap<string, TenantRules>;
  readonly policyCount: number;
  /** By `<namespace>/<name>`. */
  readonly pipelines: ReadonlyMap<string, PipelineObject>;
}

export function findPolicy(table: RoutingTable, tenantId: string, policyId: string): CompiledPolicy | undefined {
  return table.policies.get(tenantId)?.get(policyId);
}
