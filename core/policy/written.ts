// Specs as they stand in an object that passed its schema, defaults filled in: the shape that `read-spec.ts` reads.
import type {
  PipelineSpec,
  PipelineStep,
  PodOverlay,
  PolicyProvider,
  PolicyRule,
  ProviderSpec,
  RouterSpec,
  RoutingPolicySpec,
  StickySpec,
  TenantSpec,
} from "./spec.ts";

/** A decimal string or an integer. */
type Amount = string | number;
/** A text of the format `duration`. */
type Duration = string;

export interface WrittenRateLimit {
  readonly requestsPerSecond: number;
  readonly burst?: number;
}

export interface WrittenSticky extends Pick<StickySpec, "key" | "mode"> {
  readonly ttl?: Duration;
}

export interface WrittenStep extends Omit<PipelineStep, "timeoutMs"> {
  readonly timeout?: Duration;
}

type BreakerCounts = Omit<NonNullable<RoutingPolicySpec["circuitBreaker"]>, "windowMs" | "openDurationMs">;

export interface WrittenPolicy {
  readonly policyId?: string;
  readonly tenantId?: string;
  readonly routerRef?: { readonly namespace?: string; readonly name: string };
  readonly providers: readonly PolicyProvider[];
  readonly rules?: readonly (Omit<PolicyRule, "prefer"> & { readonly prefer?: readonly string[] })[];
  readonly sticky?: WrittenSticky;
  readonly constraints?: { readonly maxLatency?: Duration; readonly maxCost?: Amount };
  readonly rateLimit?: WrittenRateLimit;
  readonly circuitBreaker?: BreakerCounts & { readonly window: Duration; readonly openDuration: Duration };
  readonly retryPolicy?: readonly {
    readonly outcomes: readonly string[];
    readonly backoff: {
      readonly strategy: "Exponential" | "Linear" | "Fixed";
      readonly base: Duration;
      readonly max: Duration;
    };
    readonly to?: readonly string[];
  }[];
  readonly retryAmbiguous?: boolean;
  readonly assignment: {
    readonly push: "Always" | "OnRequest" | "Never";
    readonly deadline: Duration;
    readonly ackTimeout?: Duration;
    readonly maxAttempts?: number;
  };
  readonly pipeline?: {
    readonly pre?: readonly WrittenStep[];
    readonly validators?: readonly WrittenStep[];
    readonly post?: readonly WrittenStep[];
  };
  readonly validation: RoutingPolicySpec["validation"];
}

export interface WrittenProvider
  extends Pick<ProviderSpec, "displayName" | "registration" | "maxInFlight" | "drain" | "legacy"> {
  readonly providerId?: string;
  readonly expectedLatency?: Duration;
  readonly expectedCost?: Amount;
  readonly capabilities?: readonly string[];
  readonly failureDomain?: ProviderSpec["failureDomain"];
  readonly allowedNamespaces?: readonly string[];
}

export interface WrittenTenant extends Pick<TenantSpec, "quotas" | "deadLetterPayload" | "validationLevel"> {
  readonly tenantId?: string;
  readonly namespaces?: readonly string[];
  readonly allowedMessageTypes?: readonly string[];
  readonly rateLimit?: WrittenRateLimit;
  readonly sharePercent?: number;
}

export interface WrittenRouter {
  readonly subjects: { readonly prefix?: string };
  readonly allowedSubjects?: readonly string[];
  readonly allowedNamespaces: readonly string[];
  readonly replicas: number;
  readonly autoscaling?: RouterSpec["autoscaling"];
  readonly handover: { readonly retention: Duration };
  readonly nats?: {
    readonly url?: string;
    readonly credentialsSecret?: { readonly name: string };
    readonly tlsSecret?: { readonly name: string };
  };
  readonly drain?: { readonly timeout?: Duration };
  readonly image?: string;
  readonly pod?: PodOverlay;
}

export interface WrittenPipeline extends Pick<PipelineSpec, "source" | "onFailure"> {
  readonly routerRef?: { readonly namespace?: string; readonly name: string };
  readonly tenantId?: string;
  readonly processors?: readonly {
    readonly name: string;
    readonly id?: string;
    readonly timeout: Duration;
    readonly retry: number;
  }[];
  readonly consumers: readonly { readonly name: string; readonly id?: string }[];
}
