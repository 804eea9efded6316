// The schema of RoutingPolicy: what `kubectl explain routingpolicy.spec` prints and what every file is held to.
import { type ObjectDefinition, type ObjectSchema, objectSchema } from "./schema.ts";
import * as formats from "./schema-formats.ts";
import { amount, durationBetween, formatted } from "./schema-formats.ts";
import { circuitBreaker, MAX_PROVIDERS, providerNames, retryRule } from "./schema-outcome.ts";
import { pipeline } from "./schema-pipeline.ts";

/** Rules a policy may have at most; a Tenant's quotas are tighter. */
export const MAX_RULES = 100;
/** Characters of one expression. */
export const MAX_EXPRESSION_CHARS = 2048;

const provider: ObjectSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: formatted(formats.listKey, "Key of this provider in the policy: what rules and explanations use."),
    weight: {
      type: "integer",
      minimum: 0,
      maximum: 1_000_000,
      default: 1,
      description: "Share among the providers of the same priority, relative to their weights. 0 drains: no new work.",
    },
    priority: {
      type: "integer",
      minimum: 0,
      maximum: 1000,
      default: 0,
      description: "Providers with a higher number are used only when those with lower numbers have no candidate.",
    },
    ref: {
      type: "object",
      description:
        "The Provider object, when it is not the one of this name in this namespace. One of another namespace must name this namespace in its allowedNamespaces.",
      properties: {
        namespace: formatted(formats.dnsLabel, "Namespace of the Provider. Default: the policy's."),
        name: formatted(formats.shortDnsLabel, "Name of the Provider. Default: the name in this list."),
      },
      minProperties: 1,
    },
  },
  "x-kubernetes-validations": [
    {
      rule: `(has(self.ref) && has(self.ref.name)) || self.name.matches('${formats.shortDnsLabel.pattern}')`,
      message: `without ref.name the name is also that of the Provider, and must be ${formats.shortDnsLabel.meaning}`,
      fieldPath: ".name",
    },
  ],
};

const rule: ObjectSchema = {
  type: "object",
  required: ["name", "when"],
  properties: {
    name: formatted(formats.listKey, "Name of the rule: what decisions, metrics and explanations carry."),
    when: {
      type: "string",
      minLength: 1,
      maxLength: MAX_EXPRESSION_CHARS,
      description:
        "CEL expression that yields a bool, over message {id, type, metadata, payload_size}, context (map of strings) and tenant {id}. Reading a key that is not there is an error; test it with has() or 'in'.",
    },
    prefer: providerNames("Providers to take first, in this order, when they are candidates."),
    fallback: formatted(formats.listKey, "Provider to take when none of the preferred ones is a candidate."),
    onError: {
      type: "string",
      enum: ["Reject", "Skip"],
      maxLength: 16,
      default: "Reject",
      description: "What a failed evaluation means: Reject refuses the message, Skip goes on with the next rule.",
    },
  },
};

const sticky: ObjectSchema = {
  type: "object",
  description: "Affinity: messages with the same value go to the same provider as long as it is a candidate.",
  required: ["key"],
  properties: {
    key: formatted(formats.stickyKey, "Where the value is read: context.<name> or message.metadata.<name>."),
    mode: {
      type: "string",
      enum: ["Stateless", "Pinned"],
      maxLength: 16,
      default: "Stateless",
      description: "Stateless computes the provider from the value; Pinned remembers it for ttl.",
    },
    ttl: durationBetween("1s", "720h", "How long a pin lasts after its last use. Only with mode Pinned."),
  },
  "x-kubernetes-validations": [
    {
      rule: "!has(self.ttl) || self.mode == 'Pinned'",
      message: "ttl is only meaningful with mode: Pinned; remove it or set the mode",
      reason: "FieldValueForbidden",
      fieldPath: ".ttl",
    },
  ],
};

// Fields whose machinery comes later have no schema default: a cluster would write it into the object, and the status
// could no longer tell what the user asked for.
const assignment: ObjectSchema = {
  type: "object",
  description: "How work is dispatched to the chosen provider.",
  default: {},
  properties: {
    push: {
      type: "string",
      enum: ["Always", "OnRequest", "Never"],
      maxLength: 16,
      default: "OnRequest",
      description:
        "Whether a decision also dispatches the work. OnRequest: when a request asks for it. Durable intake dispatches unless Never.",
    },
    deadline: durationBetween("100ms", "24h", "Time from dispatch until the work must be done.", "30s"),
    ackTimeout: durationBetween("100ms", "1h", "Time for the provider to accept the work. Default: 5s."),
    maxAttempts: {
      type: "integer",
      minimum: 1,
      maximum: 20,
      description: "Attempts in total, the first included. Default: 3.",
    },
  },
};

const rateLimit: ObjectSchema = {
  type: "object",
  description: "Messages that this policy admits.",
  required: ["requestsPerSecond"],
  properties: {
    requestsPerSecond: { type: "integer", minimum: 1, maximum: 1_000_000, description: "Sustained rate." },
    burst: {
      type: "integer",
      minimum: 1,
      maximum: 1_000_000,
      description: "Messages at once. Default: requestsPerSecond.",
    },
  },
};

const spec: ObjectSchema = {
  type: "object",
  description: "Which providers take the messages of a tenant, and how one is chosen.",
  required: ["providers"],
  properties: {
    policyId: formatted(formats.policyId, "What requests name. Default: the object's name."),
    tenantId: formatted(
      formats.tenantId,
      "Tenant whose messages it routes. Default: the namespace's name. Any other needs a Tenant that lists this namespace.",
    ),
    routerRef: {
      type: "object",
      description: "The Router that serves this policy. Default: the installation's.",
      required: ["name"],
      properties: {
        namespace: formatted(formats.dnsLabel, "Namespace of the Router. Default: the installation's Router's."),
        name: formatted(formats.shortDnsLabel, "Name of the Router."),
      },
    },
    providers: {
      type: "array",
      description: "Who may take the work.",
      minItems: 1,
      maxItems: MAX_PROVIDERS,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: provider,
    },
    rules: {
      type: "array",
      description: "The first rule whose expression is true has its say; the others are not looked at.",
      maxItems: MAX_RULES,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: rule,
    },
    sticky,
    constraints: {
      type: "object",
      description: "What a provider must promise to be a candidate. A request may only tighten it.",
      minProperties: 1,
      properties: {
        maxLatency: durationBetween("1ms", "24h", "Longest expected latency."),
        maxCost: amount('Highest expected cost of a message, such as "0.02".'),
      },
    },
    rateLimit,
    circuitBreaker,
    retryPolicy: {
      type: "array",
      description: "What to do with a failed assignment: the first rule that names the outcome counts.",
      maxItems: 16,
      "x-kubernetes-list-type": "atomic",
      items: retryRule,
    },
    retryAmbiguous: {
      type: "boolean",
      description:
        "Whether work that a provider accepted and then said nothing about may be given to another. Default: false, since it could be done twice.",
    },
    assignment,
    pipeline,
    validation: {
      type: "object",
      description: "How strictly messages for this policy are checked.",
      default: {},
      properties: {
        level: {
          type: "string",
          enum: ["Baseline", "Full"],
          maxLength: 16,
          default: "Baseline",
          description: "Full also requires run, flow and step ids, an idempotency key and a trace id.",
        },
        maxPayloadBytes: {
          type: "integer",
          minimum: 1,
          maximum: 67_108_864,
          default: 1_048_576,
          description:
            "Largest payload. Routers have a bound of their own (1 MiB unless set otherwise); the smaller holds.",
        },
      },
    },
  },
};

export const routingPolicyDefinition: ObjectDefinition = {
  scope: "Namespaced",
  plural: "routingpolicies",
  shortNames: ["rp"],
  schema: objectSchema(
    "RoutingPolicy says which providers take the messages of a tenant, and how one is chosen.",
    spec,
    [
      {
        rule: `self.metadata.name.size() <= ${formats.dnsSubdomain.maxLength} && self.metadata.name.matches('${formats.dnsSubdomain.pattern}')`,
        message: `the name of a RoutingPolicy must be ${formats.dnsSubdomain.meaning}`,
        fieldPath: ".metadata.name",
      },
    ],
  ),
};
