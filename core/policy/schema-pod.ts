// The schema of `spec.pod`: what a Router may say of its pods. The list is closed, so that nobody gets more rights by it.

import type { IntOrStringSchema, MapSchema, ObjectSchema, SchemaRule } from "./schema.ts";
import { affinity } from "./schema-affinity.ts";
import * as formats from "./schema-formats.ts";
import { formatted } from "./schema-formats.ts";

const MAX_MAP_ENTRIES = 16;
const MAX_TOLERATIONS = 16;
const MAX_ANNOTATION_LENGTH = 2_048;
const MAX_QUANTITY = 999_999_999_999;
/** Of a toleration: 100 days. */
const MAX_TOLERATION_SECONDS = 8_640_000;

/**
 * Keys that begin with these are the operator's, or switch a protection off: an annotation can take a container out of its
 * AppArmor profile.
 */
const RESERVED_PREFIXES = ["app.kubernetes.io/", "beamline.dev/", "container.apparmor.security.beta.kubernetes.io/"];

function noReservedKey(what: "label" | "annotation"): SchemaRule {
  const reserved = RESERVED_PREFIXES.map((prefix) => `k.startsWith('${prefix}')`).join(" || ");
  return {
    rule: `self.all(k, !(${reserved}))`,
    message: `no ${what} may begin with ${RESERVED_PREFIXES.join(", ")}: these are not for users; choose another prefix`,
    reason: "FieldValueForbidden",
  };
}

function quantity(description: string): IntOrStringSchema {
  const { pattern, maxLength } = formats.quantity;
  return { "x-kubernetes-int-or-string": true, description, pattern, maxLength, minimum: 0, maximum: MAX_QUANTITY };
}

function amounts(description: string): ObjectSchema {
  return {
    type: "object",
    description,
    properties: {
      cpu: quantity("Cores, such as 500m or 2."),
      memory: quantity("Bytes, such as 256Mi."),
      "ephemeral-storage": quantity("Bytes on the node's disk, where logs go."),
    },
  };
}

function labelMap(description: string): MapSchema {
  return {
    type: "object",
    description,
    maxProperties: MAX_MAP_ENTRIES,
    additionalProperties: formatted(formats.labelValue, "Value of the label."),
  };
}

const toleration: ObjectSchema = {
  type: "object",
  description: "A taint of nodes that the routers bear.",
  properties: {
    key: formatted(formats.labelKey, "Key of the taint. Without it: every taint."),
    operator: {
      type: "string",
      enum: ["Exists", "Equal"],
      maxLength: 16,
      description: "How the value is compared. Default: Equal.",
    },
    value: formatted(formats.labelValue, "Value of the taint."),
    effect: {
      type: "string",
      enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"],
      maxLength: 16,
      description: "Effect of the taint. Without it: every effect.",
    },
    tolerationSeconds: {
      type: "integer",
      minimum: 0,
      maximum: MAX_TOLERATION_SECONDS,
      description: "How long a NoExecute taint is borne. Default: for ever.",
    },
  },
  "x-kubernetes-validations": [
    {
      rule: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
      message: "a toleration without key is one of every taint, which operator Exists says",
      fieldPath: ".operator",
    },
    {
      rule: "!has(self.value) || !has(self.operator) || self.operator == 'Equal' || self.value == ''",
      message: "operator Exists compares no value; remove value",
      fieldPath: ".value",
    },
    {
      rule: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
      message: "tolerationSeconds is for effect NoExecute only",
      fieldPath: ".tolerationSeconds",
    },
  ],
};

export const podOverlay: ObjectSchema = {
  type: "object",
  description: "What the pods of the routers have besides what they need. A change replaces the pods one by one.",
  properties: {
    resources: {
      type: "object",
      description: "What a router asks of its node. Default: requests that fit a small installation, no limits.",
      properties: {
        requests: amounts("What the scheduler keeps free for a router."),
        limits: amounts("What a router may use at most."),
      },
    },
    nodeSelector: labelMap("Labels that a node must have."),
    tolerations: {
      type: "array",
      description: "Taints of nodes that the routers bear.",
      maxItems: MAX_TOLERATIONS,
      "x-kubernetes-list-type": "atomic",
      items: toleration,
    },
    affinity,
    labels: {
      ...labelMap("Further labels of the pods."),
      "x-kubernetes-validations": [noReservedKey("label")],
    },
    annotations: {
      type: "object",
      description: "Further annotations of the pods.",
      maxProperties: MAX_MAP_ENTRIES,
      additionalProperties: { type: "string", maxLength: MAX_ANNOTATION_LENGTH, description: "Value." },
      "x-kubernetes-validations": [noReservedKey("annotation")],
    },
  },
};
