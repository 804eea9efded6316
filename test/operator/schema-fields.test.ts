// Every field that users can write either has an effect, in a file that is named here, or is said to have none.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import { parseObject } from "../../core/policy/parse.ts";
import { listPartiallySupported } from "../../core/policy/partially-supported.ts";
import type { Schema } from "../../core/policy/schema.ts";
import type { BeamlineObject, ObjectKind } from "../../core/policy/spec.ts";

/** Where a field takes effect: the file, and the name under which it is read there. */
const CONSUMED: Readonly<Record<ObjectKind, Readonly<Record<string, readonly [file: string, name: string]>>>> = {
  RoutingPolicy: {
    "spec.policyId": ["core/policy/compile-policy.ts", "spec.policyId"],
    "spec.tenantId": ["core/policy/admit.ts", "tenantId"],
    "spec.routerRef": ["core/reconcile/wish.ts", "spec.routerRef"],
    "spec.routerRef.namespace": ["core/reconcile/wish.ts", "object.spec.routerRef"],
    "spec.routerRef.name": ["core/reconcile/wish.ts", "object.spec.routerRef"],
    "spec.providers": ["core/policy/compile-policy.ts", "spec.providers"],
    "spec.providers.name": ["core/policy/compile-policy.ts", "provider.name"],
    "spec.providers.weight": ["core/decide/pick.ts", "weight"],
    "spec.providers.priority": ["core/decide/tiers.ts", "priority"],
    "spec.providers.ref": ["core/policy/compile-policy.ts", "provider.ref"],
    "spec.providers.ref.namespace": ["core/policy/compile-policy.ts", "provider.ref?.namespace"],
    "spec.providers.ref.name": ["core/policy/compile-policy.ts", "provider.ref?.name"],
    "spec.rules": ["core/policy/compile-policy.ts", "spec.rules"],
    "spec.rules.name": ["core/decide/rules.ts", "name"],
    "spec.rules.when": ["core/policy/compile-policy.ts", "when"],
    "spec.rules.prefer": ["core/decide/decide.ts", "rule.prefer"],
    "spec.rules.fallback": ["core/decide/decide.ts", "rule.fallback"],
    "spec.rules.onError": ["core/decide/rules.ts", "onError"],
    "spec.sticky": ["core/policy/compile-policy.ts", "spec.sticky"],
    "spec.sticky.key": ["core/policy/compile-policy.ts", "spec.sticky.key"],
    "spec.constraints": ["core/policy/compile-policy.ts", "spec.constraints"],
    "spec.constraints.maxLatency": ["core/decide/filter.ts", "maxLatencyMs"],
    "spec.constraints.maxCost": ["core/decide/filter.ts", "maxCost"],
    "spec.assignment": ["core/policy/compile-policy.ts", "spec.assignment"],
    "spec.assignment.push": ["router/dispatch.ts", "assignment.push"],
    "spec.assignment.deadline": ["router/dispatch.ts", "assignment.deadlineMs"],
    "spec.pipeline": ["core/policy/compile-policy.ts", "compilePipeline(spec)"],
    "spec.pipeline.pre": ["router/steps.ts", "steps.pipeline"],
    "spec.pipeline.pre.name": ["core/steps/take-stage.ts", "step.name"],
    "spec.pipeline.pre.processor": ["router/step-caller.ts", 'call.target.kind === "processor"'],
    "spec.pipeline.pre.subject": ["router/step-caller.ts", "call.target.subject"],
    "spec.pipeline.pre.mode": ["core/steps/step.ts", "mode !=="],
    "spec.pipeline.pre.onFail": ["core/steps/take-stage.ts", "onFail"],
    "spec.pipeline.pre.timeout": ["core/steps/take-stage.ts", "step.timeoutMs"],
    "spec.pipeline.pre.retry": ["core/steps/take-stage.ts", "step.tries"],
    "spec.pipeline.validators": ["router/steps.ts", "steps.pipeline"],
    "spec.pipeline.validators.name": ["core/steps/take-stage.ts", "step.name"],
    "spec.pipeline.validators.processor": ["router/step-caller.ts", 'call.target.kind === "processor"'],
    "spec.pipeline.validators.subject": ["router/step-caller.ts", "call.target.subject"],
    "spec.pipeline.validators.mode": ["core/steps/step.ts", "mode !=="],
    "spec.pipeline.validators.onFail": ["core/steps/take-stage.ts", "onFail"],
    "spec.pipeline.validators.timeout": ["core/steps/take-stage.ts", "step.timeoutMs"],
    "spec.pipeline.validators.retry": ["core/steps/take-stage.ts", "step.tries"],
    "spec.pipeline.post": ["router/steps.ts", "steps.pipeline.post"],
    "spec.pipeline.post.name": ["core/steps/take-stage.ts", "step.name"],
    "spec.pipeline.post.processor": ["router/step-caller.ts", 'call.target.kind === "processor"'],
    "spec.pipeline.post.subject": ["router/step-caller.ts", "call.target.subject"],
    "spec.pipeline.post.mode": ["core/steps/step.ts", "mode !=="],
    "spec.pipeline.post.onFail": ["core/steps/take-stage.ts", "onFail"],
    "spec.pipeline.post.timeout": ["core/steps/take-stage.ts", "step.timeoutMs"],
    "spec.pipeline.post.retry": ["core/steps/take-stage.ts", "step.tries"],
    "spec.validation": ["core/policy/compile-policy.ts", "spec.validation"],
    "spec.validation.level": ["core/policy/compile-policy.ts", "spec.validation.level"],
  },
  Provider: {
    "spec.providerId": ["core/policy/compile-policy.ts", "spec.providerId"],
    "spec.displayName": ["operator/observe-object.ts", "spec.displayName"],
    "spec.expectedLatency": ["core/decide/filter.ts", "expectedLatencyMs"],
    "spec.expectedCost": ["core/decide/filter.ts", "expectedCost"],
    "spec.capabilities": ["core/decide/filter.ts", "capabilities"],
    "spec.registration": ["core/decide/filter.ts", "registration"],
    "spec.drain": ["core/decide/filter.ts", "drain"],
    "spec.allowedNamespaces": ["core/policy/compile-policy.ts", "allowedNamespaces"],
    "spec.legacy": ["core/policy/compile-policy.ts", "spec.legacy"],
    "spec.legacy.subject": ["router/legacy.ts", "legacySubject"],
  },
  Tenant: {
    "spec.tenantId": ["core/policy/objects.ts", "tenantId"],
    "spec.namespaces": ["core/policy/admit.ts", "namespaces"],
    "spec.allowedMessageTypes": ["core/policy/compile.ts", "allowedMessageTypes"],
    "spec.quotas": ["core/policy/admit.ts", "quotas"],
    "spec.quotas.policies": ["core/policy/admit.ts", "quotas.policies"],
    "spec.quotas.rulesPerPolicy": ["core/policy/admit.ts", "quotas.rulesPerPolicy"],
    "spec.quotas.providersPerPolicy": ["core/policy/admit.ts", "quotas.providersPerPolicy"],
    "spec.deadLetterPayload": ["core/policy/compile.ts", "deadLetterPayload"],
    "spec.validationLevel": ["core/policy/compile.ts", "validationLevel"],
  },
  Pipeline: {
    "spec.tenantId": ["core/pipelines/take-input.ts", "spec.tenantId"],
    "spec.routerRef": ["core/reconcile/wish.ts", "spec.routerRef"],
    "spec.routerRef.namespace": ["core/reconcile/wish.ts", "object.spec.routerRef"],
    "spec.routerRef.name": ["core/reconcile/wish.ts", "object.spec.routerRef"],
    "spec.source": ["router/pipelines/run-pipeline.ts", "spec.source"],
    "spec.source.id": ["router/pipelines/run-pipeline.ts", "spec.source"],
    "spec.source.eventTypes": ["core/pipelines/take-input.ts", "spec.source.eventTypes"],
    "spec.processors": ["router/pipelines/run-stages.ts", "spec.processors"],
    "spec.processors.name": ["router/pipelines/run-stages.ts", "name, id, timeoutMs, retry"],
    "spec.processors.id": ["router/pipelines/run-stages.ts", "name, id, timeoutMs, retry"],
    "spec.processors.timeout": ["router/pipelines/run-stages.ts", "timeoutMs"],
    "spec.processors.retry": ["router/pipelines/run-stages.ts", "retry"],
    "spec.consumers": ["core/pipelines/outputs.ts", "spec.consumers"],
    "spec.consumers.name": ["core/pipelines/outputs.ts", "consumer.name"],
    "spec.consumers.id": ["core/reconcile/pipeline-links.ts", "consumers"],
    "spec.onFailure": ["router/pipelines/run-pipeline.ts", "spec.onFailure"],
  },
  Router: {
    "spec.allowedNamespaces": ["operator/router-settings.ts", "spec.allowedNamespaces"],
    "spec.subjects": ["operator/router-fields.ts", "spec.subjects"],
    "spec.subjects.prefix": ["operator/router-fields.ts", "spec.subjects.prefix"],
    "spec.allowedSubjects": ["operator/router-settings.ts", "spec.allowedSubjects"],
    "spec.replicas": ["operator/router-settings.ts", "spec.replicas"],
    "spec.handover": ["operator/router-fields.ts", "spec.handover"],
    "spec.handover.retention": ["operator/router-fields.ts", "spec.handoverRetentionMs"],
  },
};

/** One object of each kind with every field set, those with a value that is supported and one that is not to the latter. */
const stage = [
  { name: "s", processor: "p", mode: "Required", onFail: "Block", timeout: "1s", retry: 1 },
  { name: "t", subject: "beamline.ext.s" },
];
const terms = [{ matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] }];
const podTerm = { topologyKey: "a", labelSelector: { matchLabels: {}, ...terms[0] } };
const podRules = {
  requiredDuringSchedulingIgnoredDuringExecution: [podTerm],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: podTerm }],
};
const amounts = { cpu: 1, memory: "1Gi", "ephemeral-storage": "1Gi" };
const pod = {
  resources: { requests: amounts, limits: amounts },
  nodeSelector: {},
  tolerations: [{ key: "a", operator: "Equal", value: "b", effect: "NoExecute", tolerationSeconds: 1 }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: terms[0] }],
    },
    podAffinity: podRules,
    podAntiAffinity: podRules,
  },
  labels: {},
  annotations: {},
};
const EVERYTHING: Readonly<Record<ObjectKind, unknown>> = {
  RoutingPolicy: {
    policyId: "p",
    tenantId: "t",
    routerRef: { namespace: "n", name: "r" },
    providers: [{ name: "a", weight: 1, priority: 0, ref: { namespace: "n", name: "a" } }],
    rules: [{ name: "r", when: "true", prefer: ["a"], fallback: "a", onError: "Skip" }],
    sticky: { key: "context.session", mode: "Pinned", ttl: "1h" },
    constraints: { maxLatency: "1s", maxCost: "0.02" },
    rateLimit: { requestsPerSecond: 1, burst: 1 },
    circuitBreaker: {
      failures: 5,
      errorRatePercent: 50,
      window: "60s",
      minSamples: 10,
      openDuration: "60s",
      halfOpenProbes: 3,
      successes: 2,
    },
    retryPolicy: [{ outcomes: ["Timeout"], backoff: { strategy: "Fixed", base: "1s", max: "2s" }, to: ["a"] }],
    retryAmbiguous: true,
    assignment: { push: "Always", deadline: "30s", ackTimeout: "5s", maxAttempts: 3 },
    pipeline: { pre: stage, validators: stage, post: stage },
    validation: { level: "Full", maxPayloadBytes: 2_097_152 },
  },
  Provider: {
    providerId: "a",
    displayName: "A",
    expectedLatency: "1s",
    expectedCost: "0.1",
    capabilities: ["chat"],
    failureDomain: { account: "a", region: "r", vendor: "v" },
    registration: "Required",
    maxInFlight: 1,
    drain: "Now",
    allowedNamespaces: ["*"],
    legacy: { subject: "caf.exec.assign.v1" },
  },
  Tenant: {
    tenantId: "t",
    namespaces: ["n"],
    allowedMessageTypes: ["chat"],
    rateLimit: { requestsPerSecond: 1, burst: 1 },
    quotas: { policies: 1, rulesPerPolicy: 1, providersPerPolicy: 1 },
    sharePercent: 10,
    deadLetterPayload: "Hash",
    validationLevel: "Full",
  },
  Router: {
    allowedNamespaces: ["*"],
    subjects: { prefix: "p" },
    allowedSubjects: ["caf.exec.assign.v1"],
    replicas: 2,
    autoscaling: { min: 1, max: 2 },
    handover: { retention: "15m" },
    nats: { url: "nats://127.0.0.1:4222", credentialsSecret: { name: "c" }, tlsSecret: { name: "t" } },
    drain: { timeout: "10s" },
    image: "router:1",
    pod,
  },
  Pipeline: {
    tenantId: "n",
    routerRef: { namespace: "n", name: "r" },
    source: { id: "s", eventTypes: ["e"] },
    processors: [{ name: "p", id: "p-1", timeout: "2s", retry: 1 }],
    consumers: [{ name: "c", id: "c-1" }],
    onFailure: "Drop",
  },
};

/** Paths of every field below a schema, without list positions. */
function listFields(schema: Schema, path: string): readonly string[] {
  if (!("type" in schema)) return [];
  if (schema.type === "array") return listFields(schema.items, path);
  if (schema.type !== "object" || !("properties" in schema)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    `${path}.${name}`,
    ...listFields(field, `${path}.${name}`),
  ]);
}

function everything(kind: ObjectKind): BeamlineObject {
  const metadata = kind === "Tenant" ? { name: "x" } : { namespace: "n", name: "x" };
  const raw = { apiVersion: "beamline.dev/v1alpha1", kind, metadata, spec: EVERYTHING[kind] };
  const parsed = parseObject(raw, { namespace: "n", routerRef: { namespace: "n", name: "r" } });
  assert.ok(parsed.ok, JSON.stringify(parsed.ok ? "" : parsed.error));
  return parsed.value;
}

const root = join(import.meta.dirname, "..", "..");
const kinds: readonly ObjectKind[] = ["RoutingPolicy", "Provider", "Tenant", "Router", "Pipeline"];

for (const kind of kinds) {
  describe(`fields of ${kind}`, () => {
    const specSchema = objectDefinitions[kind].schema.properties?.spec;
    assert.ok(specSchema !== undefined);
    const fields = listFields(specSchema, "spec");
    const unsupported = listPartiallySupported(everything(kind));

    it("are all written in the object of this test", () => {
      assert.deepEqual([...(everything(kind).explicit ?? [])].sort(), [...fields].sort());
    });

    it("are each consumed or partially supported, and not both", () => {
      const isUnsupported = (field: string): boolean =>
        unsupported.some((path) => field === path || field.startsWith(`${path}.`));
      const neither = fields.filter((field) => !isUnsupported(field) && CONSUMED[kind][field] === undefined);
      assert.deepEqual(neither, [], "name its consumer here, or list it in core/policy/partially-supported.ts");
      const both = fields.filter((field) => isUnsupported(field) && CONSUMED[kind][field] !== undefined);
      assert.deepEqual(both, []);
      const gone = Object.keys(CONSUMED[kind]).filter((field) => !fields.includes(field));
      assert.deepEqual(gone, [], "no longer in the schema");
    });

    it("are read where it says so", () => {
      for (const [field, [file, name]] of Object.entries(CONSUMED[kind])) {
        assert.ok(readFileSync(join(root, file), "utf8").includes(name), `${field}: ${file} does not read ${name}`);
      }
    });
  });
}
