// The schema of Provider: what is known of one back end that takes work.
import { type ObjectDefinition, type ObjectSchema, objectSchema } from "./schema.ts";
import * as formats from "./schema-formats.ts";
import { amount, durationBetween, formatted } from "./schema-formats.ts";

/** Namespaces that a list of them may name. */
export const MAX_NAMESPACES = 256;

const domainPart = { type: "string", minLength: 1, maxLength: 128 } as const;

const spec: ObjectSchema = {
  type: "object",
  description:
    "What is known of the provider; everything has a default, and a policy may name a provider without any object.",
  default: {},
  properties: {
    providerId: formatted(formats.providerId, "What decisions carry as provider_id. Default: the object's name."),
    displayName: { type: "string", minLength: 1, maxLength: 128, description: "Name for people." },
    expectedLatency: durationBetween(
      "0ms",
      "24h",
      "Expected time from dispatch to result. Default: unknown, which every constraint lets pass.",
    ),
    expectedCost: amount(
      'Expected cost of a message, such as "0.02". Default: unknown, which every constraint lets pass.',
    ),
    capabilities: {
      type: "array",
      description: "Message types that the provider takes. Empty: any.",
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      items: formatted(formats.messageType, "A message type."),
    },
    failureDomain: {
      type: "object",
      description: "What the provider shares with others: when one part of it fails, all of them are left alone.",
      properties: {
        account: { ...domainPart, description: "Account or subscription with the vendor." },
        region: { ...domainPart, description: "Region or data centre." },
        vendor: { ...domainPart, description: "Who runs it." },
      },
    },
    registration: {
      type: "string",
      enum: ["Optional", "Required"],
      maxLength: 16,
      default: "Optional",
      description: "Required: it is a candidate only while a registered worker of it is alive.",
    },
    maxInFlight: {
      type: "integer",
      minimum: 1,
      maximum: 1_000_000,
      description: "Assignments at a time. Default: not bounded.",
    },
    drain: {
      type: "string",
      enum: ["Graceful", "Now"],
      maxLength: 16,
      description: "Takes the provider out of every policy: Graceful lets pinned sessions end, Now does not.",
    },
    allowedNamespaces: {
      type: "array",
      description: "Namespaces whose policies may use it, besides its own. '*': all.",
      maxItems: MAX_NAMESPACES,
      "x-kubernetes-list-type": "set",
      items: formatted(formats.namespaceOrAll, "A namespace, or '*'."),
    },
    legacy: {
      type: "object",
      description:
        "For workers that listen on one fixed subject. Work is deduplicated only within the window of the stream.",
      required: ["subject"],
      properties: { subject: formatted(formats.subject, "The subject, such as caf.exec.assign.v1.") },
    },
  },
};

export const providerDefinition: ObjectDefinition = {
  scope: "Namespaced",
  plural: "providers",
  shortNames: ["prov"],
  schema: objectSchema("Provider describes a back end that takes work, for every policy that names it.", spec, [
    {
      rule: `self.metadata.name.matches('${formats.shortDnsLabel.pattern}')`,
      message: `the name of a Provider must be ${formats.shortDnsLabel.meaning}; use spec.providerId for an older id`,
      fieldPath: ".metadata.name",
    },
  ]),
};
