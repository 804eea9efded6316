// The schema of each kind's status. A cluster drops what is not in it, so whoever writes a status writes these fields.

import { MAX_PROVIDERS } from "../policy/schema-outcome.ts";
import { MAX_MEMBERS } from "../policy/schema-pipeline-object.ts";
import type { ObjectKind } from "../policy/spec.ts";
import { MAX_CONDITION_MESSAGE_LENGTH } from "../reconcile/conditions.ts";
import { MAX_ID_CHARS } from "../registry/limits.ts";
import { MAX_NAMED_PROCESSORS } from "../registry/processor-state.ts";
import type { OpenApiSchema } from "./open-api-schema.ts";

/** Types of conditions of one object; the kind with most has six. */
const MAX_CONDITIONS = 16;
/** Bounds of `metav1.Condition`. */
const MAX_CONDITION_TYPE_LENGTH = 316;
const MAX_REASON_LENGTH = 1024;
const CONDITION_TYPE =
  "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";
const REASON = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";

const conditions: OpenApiSchema = {
  type: "array",
  description: "What is known of the object, one entry a type. Ready sums up the others.",
  maxItems: MAX_CONDITIONS,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    required: ["lastTransitionTime", "message", "reason", "status", "type"],
    properties: {
      type: {
        type: "string",
        maxLength: MAX_CONDITION_TYPE_LENGTH,
        pattern: CONDITION_TYPE,
        description: "What the condition is about, such as Accepted or Ready.",
      },
      status: { type: "string", enum: ["True", "False", "Unknown"], description: "Whether it holds." },
      reason: {
        type: "string",
        minLength: 1,
        maxLength: MAX_REASON_LENGTH,
        pattern: REASON,
        description: "Why, in one CamelCase word of a closed list.",
      },
      message: {
        type: "string",
        maxLength: MAX_CONDITION_MESSAGE_LENGTH,
        description: "Why, for people, with the way out.",
      },
      observedGeneration: {
        type: "integer",
        format: "int64",
        minimum: 0,
        description: "Generation of the object that the condition speaks of.",
      },
      lastTransitionTime: { type: "string", format: "date-time", description: "When status last changed." },
    },
  },
};

const observedGeneration: OpenApiSchema = {
  type: "integer",
  format: "int64",
  minimum: 0,
  description: "Generation of the object that this status speaks of.",
};

function text(maxLength: number, description: string): OpenApiSchema {
  return { type: "string", maxLength, description };
}

function replicas(description: string): OpenApiSchema {
  return { type: "integer", format: "int32", minimum: 0, description };
}

const processors: OpenApiSchema = {
  type: "object",
  description: "Registered processors; absent where registration is nothing to the provider.",
  properties: {
    live: replicas("Heard of."),
    late: replicas("Not heard of for half of their time to live."),
    lost: replicas("Not heard of for all of it."),
    names: {
      type: "array",
      description: "Ids of the first of them, those that take work before the others.",
      maxItems: MAX_NAMED_PROCESSORS,
      "x-kubernetes-list-type": "atomic",
      items: { type: "string", maxLength: MAX_ID_CHARS },
    },
  },
};

/** What each kind says besides its conditions: the values that defaults came to, and what `kubectl get` prints. */
const fields: Readonly<Record<ObjectKind, Readonly<Record<string, OpenApiSchema>>>> = {
  RoutingPolicy: {
    tenantId: text(64, "Tenant whose messages the policy routes: spec.tenantId or its default."),
    policyId: text(128, "What requests name: spec.policyId or its default."),
    router: text(128, "The Router that serves the policy, as <namespace>/<name>."),
    providers: {
      type: "array",
      description: "Those of its providers that must be registered, or have registered processors.",
      maxItems: MAX_PROVIDERS,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: {
        type: "object",
        required: ["name"],
        properties: { name: text(128, "As spec.providers names it."), processors },
      },
    },
  },
  Router: {
    replicas: replicas("Routers that there are."),
    readyReplicas: replicas("Routers that are ready."),
    updatedReplicas: replicas("Routers that run with the current settings."),
    selector: text(1024, "Label selector of the routers' pods, for autoscalers."),
  },
  Provider: {
    providerId: text(128, "What decisions carry as provider_id: spec.providerId or its default."),
    consumer: text(256, "JetStream consumer that workers of this provider bind to."),
    processors,
  },
  Tenant: {
    tenantId: text(64, "What messages carry as tenant_id: spec.tenantId or its default."),
  },
  Pipeline: {
    tenantId: text(64, "Tenant whose messages the pipeline takes: spec.tenantId or its default."),
    router: text(128, "The Router that runs the pipeline, as <namespace>/<name>."),
    input: text(256, "Subject that the source publishes to."),
    consumers: {
      type: "array",
      description: "The JetStream consumer of each of spec.consumers, in its order.",
      maxItems: MAX_MEMBERS,
      "x-kubernetes-list-type": "atomic",
      items: text(256, "Name of a durable consumer."),
    },
  },
};

/** The schema of `.status` of one kind. */
export function statusSchema(kind: ObjectKind): OpenApiSchema {
  return {
    type: "object",
    description: "What the operator has seen and done. Written by it alone.",
    properties: { observedGeneration, ...fields[kind], conditions },
  };
}
