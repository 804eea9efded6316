// The objects users write, as plain data: what `parse.ts` returns and `compile.ts` takes.

/** Identity and history of an object; on files, `uid`, `generation` and `creationMs` come from the configuration bucket. */
export interface ObjectMeta {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly creationMs: number;
}

export type ObjectKind = "RoutingPolicy" | "Provider" | "Tenant" | "Router" | "Pipeline";

/** Reference to a Provider object; absent parts default to the policy's namespace and the list name. */
export interface ProviderRef {
  readonly namespace?: string;
  readonly name?: string;
}

export interface PolicyProvider {
  /** List key; what rules and explanations use. */
  readonly name: string;
  /** 0..1000000; 0 drains. Default 1. */
  readonly weight: number;
  /** 0..1000; a higher number is used when lower ones have no candidate. Default 0. */
  readonly priority: number;
  readonly ref?: ProviderRef;
}

export interface PolicyRule {
  readonly name: string;
  /** CEL over `message`, `context`, `tenant`; must be bool. */
  readonly when: string;
  readonly prefer: readonly string[];
  readonly fallback?: string;
  readonly onError: "Reject" | "Skip";
}

export interface StickySpec {
  /** Path such as `context.session_id` or `message.metadata.user`. */
  readonly key: string;
  readonly mode: "Stateless" | "Pinned";
  readonly ttlMs?: number;
}

export interface RetryRule {
  readonly outcomes: readonly string[];
  readonly backoff: {
    readonly strategy: "Exponential" | "Linear" | "Fixed";
    readonly baseMs: number;
    readonly maxMs: number;
  };
  readonly to: readonly string[];
}

export interface PipelineStep {
  readonly name: string;
  readonly processor?: string;
  readonly subject?: string;
  readonly mode?: "Required" | "Optional";
  readonly onFail?: "Block" | "Warn" | "Ignore";
  readonly timeoutMs?: number;
  readonly retry?: number;
}

export interface RoutingPolicySpec {
  readonly policyId: string;
  readonly tenantId: string;
  readonly routerRef: { readonly namespace?: string; readonly name: string };
  readonly providers: readonly PolicyProvider[];
  readonly rules: readonly PolicyRule[];
  readonly sticky?: StickySpec;
  readonly constraints: { readonly maxLatencyMs?: number; readonly maxCost?: number };
  readonly rateLimit?: { readonly requestsPerSecond: number; readonly burst: number };
  readonly circuitBreaker?: {
    readonly failures: number;
    readonly errorRatePercent: number;
    readonly windowMs: number;
    readonly minSamples: number;
    readonly openDurationMs: number;
    readonly halfOpenProbes: number;
    readonly successes: number;
  };
  readonly retryPolicy: readonly RetryRule[];
  readonly retryAmbiguous: boolean;
  readonly assignment: {
    readonly push: "Always" | "OnRequest" | "Never";
    readonly deadlineMs: number;
    readonly ackTimeoutMs: number;
    readonly maxAttempts: number;
  };
  readonly pipeline: {
    readonly pre: readonly PipelineStep[];
    readonly validators: readonly PipelineStep[];
    readonly post: readonly PipelineStep[];
  };
  readonly validation: { readonly level: "Baseline" | "Full"; readonly maxPayloadBytes: number };
}

export interface ProviderSpec {
  /** `[A-Za-z0-9_-]{1,128}`; what decisions carry. Default: the object's name. */
  readonly providerId: string;
  readonly displayName?: string;
  readonly expectedLatencyMs: number;
  readonly expectedCost: number;
  /** Message types the provider can take; empty = any. */
  readonly capabilities: readonly string[];
  readonly failureDomain: { readonly account?: string; readonly region?: string; readonly vendor?: string };
  readonly registration: "Required" | "Optional";
  readonly maxInFlight?: number;
  readonly drain?: "Graceful" | "Now";
  /** Namespaces whose policies may use it besides its own; `*` = all. */
  readonly allowedNamespaces: readonly string[];
  readonly legacy?: { readonly subject: string };
}

export interface TenantSpec {
  /** What messages carry: `[A-Za-z0-9_-]{1,64}`, for older ids that are no object names. Default: the object's name. */
  readonly tenantId: string;
  readonly namespaces: readonly string[];
  readonly allowedMessageTypes: readonly string[];
  readonly rateLimit?: { readonly requestsPerSecond: number; readonly burst: number };
  readonly quotas: { readonly policies: number; readonly rulesPerPolicy: number; readonly providersPerPolicy: number };
  readonly sharePercent: number;
  readonly deadLetterPayload: "Full" | "Hash";
  readonly validationLevel: "Baseline" | "Full";
}

/** What the pods of a Router have besides what they need: Kubernetes' own fields, as written. */
export interface PodOverlay {
  readonly resources?: { readonly requests?: ResourceAmounts; readonly limits?: ResourceAmounts };
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly affinity?: object;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** By `cpu`, `memory` and `ephemeral-storage`. */
export type ResourceAmounts = Readonly<Record<string, string | number>>;

export interface RouterSpec {
  readonly subjects: { readonly prefix?: string };
  readonly allowedSubjects: readonly string[];
  readonly allowedNamespaces: readonly string[];
  readonly replicas: number;
  readonly autoscaling?: { readonly min: number; readonly max: number };
  readonly handoverRetentionMs: number;
  /** Names of Secrets of the Router's namespace. */
  readonly nats: { readonly url?: string; readonly credentialsSecret?: string; readonly tlsSecret?: string };
  readonly drainTimeoutMs: number;
  readonly image?: string;
  readonly pod: PodOverlay;
}

export interface PipelineSpec {
  readonly tenantId: string;
  readonly routerRef: { readonly namespace?: string; readonly name: string };
  readonly source: {
    readonly id: string;
    /** Absent: those that the source registered. */
    readonly eventTypes?: readonly string[];
  };
  readonly processors: readonly PipelineProcessor[];
  readonly consumers: readonly PipelineConsumer[];
  readonly onFailure: "DeadLetter" | "Drop";
}

export interface PipelineProcessor {
  readonly name: string;
  /** Of the component in the registry. */
  readonly id: string;
  readonly timeoutMs: number;
  readonly retry: number;
}

export interface PipelineConsumer {
  readonly name: string;
  /** Of the component in the registry. */
  readonly id: string;
}

/**
 * Fields that the user wrote, as sorted paths without list positions (`spec.assignment.ackTimeout`): defaults are not in
 * it, so that a condition can name exactly what was asked for. Absent when the object was not made by `parseObject`.
 */
export type ExplicitFields = readonly string[];

/** An object of a known kind that passed the schema. */
export type BeamlineObject =
  | {
      readonly kind: "RoutingPolicy";
      readonly meta: ObjectMeta;
      readonly spec: RoutingPolicySpec;
      readonly explicit?: ExplicitFields;
    }
  | {
      readonly kind: "Provider";
      readonly meta: ObjectMeta;
      readonly spec: ProviderSpec;
      readonly explicit?: ExplicitFields;
    }
  | {
      readonly kind: "Tenant";
      readonly meta: ObjectMeta;
      readonly spec: TenantSpec;
      readonly explicit?: ExplicitFields;
    }
  | {
      readonly kind: "Router";
      readonly meta: ObjectMeta;
      readonly spec: RouterSpec;
      readonly explicit?: ExplicitFields;
    }
  | {
      readonly kind: "Pipeline";
      readonly meta: ObjectMeta;
      readonly spec: PipelineSpec;
      readonly explicit?: ExplicitFields;
    };

/** One thing wrong with one object: `path` is JSONPath-like (`spec.providers[1].weight`), `rule` a stable name. */
export interface SpecProblem {
  readonly path: string;
  readonly rule: string;
  readonly message: string;
  /** The offending value, shortened to 200 characters of JSON. */
  readonly value?: string;
}
