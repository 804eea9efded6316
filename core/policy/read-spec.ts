// Valid specs, as written and with the schema's defaults, -> the plain data that everything else works on.
import { parseDurationMs } from "./duration.ts";
import type {
  ObjectMeta,
  PipelineStep,
  PolicyProvider,
  PolicyRule,
  ProviderSpec,
  RetryRule,
  RouterSpec,
  RoutingPolicySpec,
  StickySpec,
  TenantSpec,
} from "./spec.ts";
import type {
  WrittenPolicy,
  WrittenProvider,
  WrittenRateLimit,
  WrittenRouter,
  WrittenStep,
  WrittenSticky,
  WrittenTenant,
} from "./written.ts";

/** Defaults of fields whose schema has none, because their machinery comes later (policy.md shows the values). */
const DEFAULT_ACK_TIMEOUT_MS = 5000;
const DEFAULT_MAX_ATTEMPTS = 3;
const DEFAULT_SHARE_PERCENT = 25;
const DEFAULT_DRAIN_TIMEOUT_MS = 10_000;

export function readRoutingPolicy(
  validated: unknown,
  meta: ObjectMeta,
  router: { readonly namespace: string; readonly name: string },
): RoutingPolicySpec {
  const spec = validated as WrittenPolicy;
  const { circuitBreaker, constraints, pipeline, rateLimit, routerRef, sticky } = spec;
  return {
    policyId: spec.policyId ?? meta.name,
    tenantId: spec.tenantId ?? meta.namespace,
    routerRef:
      routerRef === undefined ? router : { namespace: routerRef.namespace ?? router.namespace, name: routerRef.name },
    providers: spec.providers.map((provider): PolicyProvider => provider),
    rules: (spec.rules ?? []).map((rule): PolicyRule => ({ ...rule, prefer: rule.prefer ?? [] })),
    ...(sticky === undefined ? {} : { sticky: readSticky(sticky) }),
    constraints: {
      ...(constraints?.maxLatency === undefined ? {} : { maxLatencyMs: readMs(constraints.maxLatency) }),
      ...(constraints?.maxCost === undefined ? {} : { maxCost: Number(constraints.maxCost) }),
    },
    ...(rateLimit === undefined ? {} : { rateLimit: readRateLimit(rateLimit) }),
    ...(circuitBreaker === undefined ? {} : { circuitBreaker: readCircuitBreaker(circuitBreaker) }),
    retryPolicy: (spec.retryPolicy ?? []).map(
      ({ outcomes, backoff, to }): RetryRule => ({
        outcomes,
        backoff: { strategy: backoff.strategy, baseMs: readMs(backoff.base), maxMs: readMs(backoff.max) },
        to: to ?? [],
      }),
    ),
    retryAmbiguous: spec.retryAmbiguous ?? false,
    assignment: readAssignment(spec.assignment),
    pipeline: {
      pre: readSteps(pipeline?.pre),
      validators: readSteps(pipeline?.validators),
      post: readSteps(pipeline?.post),
    },
    validation: spec.validation,
  };
}

function readAssignment({
  push,
  deadline,
  ackTimeout,
  maxAttempts,
}: WrittenPolicy["assignment"]): RoutingPolicySpec["assignment"] {
  return {
    push,
    deadlineMs: readMs(deadline),
    ackTimeoutMs: ackTimeout === undefined ? DEFAULT_ACK_TIMEOUT_MS : readMs(ackTimeout),
    maxAttempts: maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
  };
}

function readCircuitBreaker(
  written: NonNullable<WrittenPolicy["circuitBreaker"]>,
): NonNullable<RoutingPolicySpec["circuitBreaker"]> {
  const { window, openDuration, ...counts } = written;
  return { ...counts, windowMs: readMs(window), openDurationMs: readMs(openDuration) };
}

function readSticky({ key, mode, ttl }: WrittenSticky): StickySpec {
  return { key, mode, ...(ttl === undefined ? {} : { ttlMs: readMs(ttl) }) };
}

function readSteps(steps: readonly WrittenStep[] = []): readonly PipelineStep[] {
  return steps.map(({ timeout, ...step }) => ({
    ...step,
    ...(timeout === undefined ? {} : { timeoutMs: readMs(timeout) }),
  }));
}

function readRateLimit({ requestsPerSecond, burst }: WrittenRateLimit): { requestsPerSecond: number; burst: number } {
  return { requestsPerSecond, burst: burst ?? requestsPerSecond };
}

export function readProvider(validated: unknown, meta: ObjectMeta): ProviderSpec {
  const { expectedLatency, expectedCost, ...spec } = validated as WrittenProvider;
  return {
    ...spec,
    providerId: spec.providerId ?? meta.name,
    expectedLatencyMs: expectedLatency === undefined ? 0 : readMs(expectedLatency),
    expectedCost: Number(expectedCost ?? 0),
    capabilities: spec.capabilities ?? [],
    failureDomain: spec.failureDomain ?? {},
    allowedNamespaces: spec.allowedNamespaces ?? [],
  };
}

/** What a Provider without an object is: the defaults, under its name (policy.md "Provider, Router, Tenant"). */
export function implicitProvider(name: string): ProviderSpec {
  return {
    providerId: name,
    expectedLatencyMs: 0,
    expectedCost: 0,
    capabilities: [],
    failureDomain: {},
    registration: "Optional",
    allowedNamespaces: [],
  };
}

export function readTenant(validated: unknown, name: string): TenantSpec {
  const { rateLimit, ...spec } = validated as WrittenTenant;
  return {
    ...spec,
    tenantId: spec.tenantId ?? name,
    namespaces: spec.namespaces ?? [],
    allowedMessageTypes: spec.allowedMessageTypes ?? [],
    sharePercent: spec.sharePercent ?? DEFAULT_SHARE_PERCENT,
    ...(rateLimit === undefined ? {} : { rateLimit: readRateLimit(rateLimit) }),
  };
}

export function readRouter(validated: unknown): RouterSpec {
  const spec = validated as WrittenRouter;
  const { autoscaling, drain, image, nats } = spec;
  return {
    subjects: spec.subjects,
    allowedSubjects: spec.allowedSubjects ?? [],
    allowedNamespaces: spec.allowedNamespaces,
    replicas: spec.replicas,
    ...(autoscaling === undefined ? {} : { autoscaling }),
    handoverRetentionMs: readMs(spec.handover.retention),
    nats: {
      ...(nats?.url === undefined ? {} : { url: nats.url }),
      ...(nats?.credentialsSecret === undefined ? {} : { credentialsSecret: nats.credentialsSecret.name }),
      ...(nats?.tlsSecret === undefined ? {} : { tlsSecret: nats.tlsSecret.name }),
    },
    drainTimeoutMs: drain?.timeout === undefined ? DEFAULT_DRAIN_TIMEOUT_MS : readMs(drain.timeout),
    ...(image === undefined ? {} : { image }),
    pod: spec.pod ?? {},
  };
}

/** The schema has checked the text, so a duration that does not parse is a bug. */
export function readMs(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined) throw new Error(`the schema let an invalid duration pass: ${text}`);
  return ms;
}
