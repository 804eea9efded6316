// The schema of what a policy does about outcomes: circuit breakers and retries.
import type { ArraySchema, ObjectSchema } from "./schema.ts";
import { durationBetween, formatted, listKey } from "./schema-formats.ts";

/** Providers a policy may have at most; a Tenant's quotas are tighter. */
export const MAX_PROVIDERS = 64;

/** What may have become of an assignment that another attempt can help (policy.md "Life after the decision"). */
const retryableOutcomes: readonly string[] = [
  "Rejected",
  "Timeout",
  "Overloaded",
  "RateLimited",
  "QuotaExhausted",
  "Auth",
  "Unavailable",
  "Internal",
];

/** A list of names of the policy's providers. */
export function providerNames(description: string): ArraySchema {
  return {
    type: "array",
    description,
    maxItems: MAX_PROVIDERS,
    "x-kubernetes-list-type": "set",
    items: formatted(listKey, "Name of a provider in spec.providers."),
  };
}

export const circuitBreaker: ObjectSchema = {
  type: "object",
  description: "When a provider of this policy is left alone for a while. Never opens on a single sample.",
  properties: {
    failures: {
      type: "integer",
      minimum: 2,
      maximum: 10_000,
      default: 5,
      description: "Failures in a row that open it.",
    },
    errorRatePercent: {
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 50,
      description: "Share of failures in the window that opens it.",
    },
    window: durationBetween("1s", "1h", "Over which outcomes are counted.", "60s"),
    minSamples: {
      type: "integer",
      minimum: 2,
      maximum: 1_000_000,
      default: 10,
      description: "Outcomes in the window before the rate counts.",
    },
    openDuration: durationBetween("1s", "1h", "How long it stays open.", "60s"),
    halfOpenProbes: {
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 3,
      description: "Messages let through to try the provider again.",
    },
    successes: {
      type: "integer",
      minimum: 1,
      maximum: 100,
      default: 2,
      description: "Successful probes that close it.",
    },
  },
  "x-kubernetes-validations": [
    {
      rule: "self.successes <= self.halfOpenProbes",
      message: "successes must not exceed halfOpenProbes, or the breaker could never close",
      fieldPath: ".successes",
    },
  ],
};

export const retryRule: ObjectSchema = {
  type: "object",
  required: ["outcomes"],
  properties: {
    outcomes: {
      type: "array",
      description: "Outcomes that this rule is for.",
      minItems: 1,
      maxItems: retryableOutcomes.length,
      "x-kubernetes-list-type": "set",
      items: { type: "string", enum: retryableOutcomes, maxLength: 32 },
    },
    backoff: {
      type: "object",
      description: "Delay before the next attempt.",
      default: {},
      properties: {
        strategy: {
          type: "string",
          enum: ["Exponential", "Linear", "Fixed"],
          maxLength: 16,
          default: "Exponential",
          description: "How the delay grows from attempt to attempt.",
        },
        base: durationBetween("1ms", "1h", "Delay before the second attempt.", "500ms"),
        max: durationBetween("1ms", "1h", "Longest delay.", "5s"),
      },
      "x-kubernetes-validations": [
        {
          // An API server also evaluates it on the default above as it stands, before base and max are filled in.
          rule: "!has(self.base) || !has(self.max) || duration(self.base) <= duration(self.max)",
          message: "base must not exceed max",
          fieldPath: ".base",
        },
      ],
    },
    to: providerNames("Providers that may take the next attempt, in this order. Default: every other candidate."),
  },
};
