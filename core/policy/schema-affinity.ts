// The schema of `spec.pod.affinity`: the part of Kubernetes' Affinity that places routers, under Kubernetes' names.
import type { ArraySchema, ObjectSchema, Schema, SchemaRule } from "./schema.ts";
import * as formats from "./schema-formats.ts";
import { formatted } from "./schema-formats.ts";

/** Of terms, and of expressions in a term. */
const MAX_TERMS = 8;
const MAX_VALUES = 32;
const MAX_MATCH_LABELS = 16;
const MAX_WEIGHT = 100;

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";

const valuesRule: SchemaRule = {
  rule: "(self.operator in ['Exists', 'DoesNotExist']) == (!has(self.values) || size(self.values) == 0)",
  message: "Exists and DoesNotExist take no values, every other operator needs one",
  fieldPath: ".values",
};
const oneValueRule: SchemaRule = {
  rule: "!(self.operator in ['Gt', 'Lt']) || (has(self.values) && size(self.values) == 1)",
  message: "Gt and Lt compare with exactly one value",
  fieldPath: ".values",
};

function list(description: string, maxItems: number, items: Schema, minItems?: number): ArraySchema {
  return {
    type: "array",
    description,
    ...(minItems === undefined ? {} : { minItems }),
    maxItems,
    "x-kubernetes-list-type": "atomic",
    items,
  };
}

function expressions(operators: readonly string[], rules: readonly SchemaRule[]): ArraySchema {
  return list("All of them must hold.", MAX_TERMS, {
    type: "object",
    required: ["key", "operator"],
    properties: {
      key: formatted(formats.labelKey, "Key of the label."),
      operator: { type: "string", enum: operators, maxLength: 16, description: "How the label is compared." },
      values: list("Values that it is compared with.", MAX_VALUES, formatted(formats.labelValue, "A value.")),
    },
    "x-kubernetes-validations": rules,
  });
}

const nodeTerm: ObjectSchema = {
  type: "object",
  required: ["matchExpressions"],
  properties: {
    matchExpressions: expressions(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], [valuesRule, oneValueRule]),
  },
};

const podTerm: ObjectSchema = {
  type: "object",
  required: ["labelSelector", "topologyKey"],
  properties: {
    labelSelector: {
      type: "object",
      description: "Which pods of this namespace are meant.",
      properties: {
        matchLabels: {
          type: "object",
          description: "Labels that they have.",
          maxProperties: MAX_MATCH_LABELS,
          additionalProperties: formatted(formats.labelValue, "Value of the label."),
        },
        matchExpressions: expressions(["In", "NotIn", "Exists", "DoesNotExist"], [valuesRule]),
      },
    },
    topologyKey: formatted(formats.labelKey, "Label of nodes by whose value one place is told from another."),
  },
};

function weighted(member: string, description: string, term: ObjectSchema): ArraySchema {
  return list("Preferred; the weights of all that hold are added up.", MAX_TERMS, {
    type: "object",
    required: ["weight", member],
    properties: {
      weight: { type: "integer", minimum: 1, maximum: MAX_WEIGHT, description: "How much it counts." },
      [member]: { ...term, description },
    },
  });
}

function podRules(description: string): ObjectSchema {
  return {
    type: "object",
    description,
    properties: {
      [REQUIRED]: list("Must hold.", MAX_TERMS, podTerm),
      [PREFERRED]: weighted("podAffinityTerm", "Pods, and how near.", podTerm),
    },
  };
}

export const affinity: ObjectSchema = {
  type: "object",
  description: "Where routers run, in the terms of Kubernetes.",
  properties: {
    nodeAffinity: {
      type: "object",
      description: "On which nodes.",
      properties: {
        [REQUIRED]: {
          type: "object",
          description: "One of the terms must hold.",
          required: ["nodeSelectorTerms"],
          properties: { nodeSelectorTerms: list("Terms.", MAX_TERMS, nodeTerm, 1) },
        },
        [PREFERRED]: weighted("preference", "Nodes that are preferred.", nodeTerm),
      },
    },
    podAffinity: podRules("Beside which pods."),
    podAntiAffinity: podRules("Away from which pods. Routers are spread over nodes and zones without it."),
  },
};
