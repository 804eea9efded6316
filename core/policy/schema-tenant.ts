// The schema of Tenant: who may write policies for a tenant, and within which bounds.
import { type ObjectDefinition, type ObjectSchema, objectSchema } from "./schema.ts";
import { dnsLabel, formatted, messageType, tenantId } from "./schema-formats.ts";
import { MAX_PROVIDERS } from "./schema-outcome.ts";
import { MAX_NAMESPACES } from "./schema-provider.ts";
import { MAX_RULES } from "./schema-routing-policy.ts";

const spec: ObjectSchema = {
  type: "object",
  description: "Who may write policies for a tenant, and within which bounds.",
  default: {},
  properties: {
    tenantId: formatted(
      tenantId,
      "What messages carry as tenant_id, for older ids that are no object names. Default: the object's name.",
    ),
    namespaces: {
      type: "array",
      description:
        "Namespaces that may write policies for this tenant; the one of its own name too, once this object exists.",
      maxItems: MAX_NAMESPACES,
      "x-kubernetes-list-type": "set",
      items: formatted(dnsLabel, "A namespace."),
    },
    allowedMessageTypes: {
      type: "array",
      description: "Message types that the tenant may send. Empty: any.",
      maxItems: 256,
      "x-kubernetes-list-type": "set",
      items: formatted(messageType, "A message type."),
    },
    rateLimit: {
      type: "object",
      description: "Messages that are admitted for this tenant.",
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
    },
    quotas: {
      type: "object",
      description: "How much configuration the tenant may bring.",
      default: {},
      properties: {
        policies: {
          type: "integer",
          minimum: 0,
          maximum: 100_000,
          default: 10,
          description: "Policies; the oldest stand.",
        },
        rulesPerPolicy: {
          type: "integer",
          minimum: 0,
          maximum: MAX_RULES,
          default: 50,
          description: "Rules in one policy.",
        },
        providersPerPolicy: {
          type: "integer",
          minimum: 1,
          maximum: MAX_PROVIDERS,
          default: 20,
          description: "Providers in one policy.",
        },
      },
    },
    sharePercent: {
      type: "integer",
      minimum: 1,
      maximum: 100,
      description: "Share of a router's tables that the tenant may fill. Default: 25.",
    },
    deadLetterPayload: {
      type: "string",
      enum: ["Full", "Hash"],
      maxLength: 16,
      default: "Full",
      description: "Whether dead letters carry the payload or only its hash.",
    },
    validationLevel: {
      type: "string",
      enum: ["Baseline", "Full"],
      maxLength: 16,
      default: "Baseline",
      description: "Least strictness of validation; a policy may ask for more.",
    },
  },
};

export const tenantDefinition: ObjectDefinition = {
  scope: "Cluster",
  plural: "tenants",
  shortNames: ["tnt"],
  schema: objectSchema("Tenant says which namespaces may write policies for a tenant, and within which bounds.", spec, [
    {
      rule: `self.metadata.name.matches('${dnsLabel.pattern}')`,
      message: `the name of a Tenant is the tenant's id and must be ${dnsLabel.meaning}`,
      fieldPath: ".metadata.name",
    },
  ]),
};
