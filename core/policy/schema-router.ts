// The schema of Router: one pool of router processes on one bus.
import { type ObjectDefinition, type ObjectSchema, objectSchema } from "./schema.ts";
import * as formats from "./schema-formats.ts";
import { durationBetween, formatted } from "./schema-formats.ts";
import { podOverlay } from "./schema-pod.ts";
import { MAX_NAMESPACES } from "./schema-provider.ts";

const secretReference = {
  type: "object",
  required: ["name"],
  properties: { name: formatted(formats.dnsSubdomain, "Name of the Secret.") },
} as const satisfies ObjectSchema;

const spec: ObjectSchema = {
  type: "object",
  description: "How many routers run, whose policies they serve, and on which bus.",
  default: {},
  properties: {
    allowedNamespaces: {
      type: "array",
      description: "Namespaces whose policies this Router takes. '*': all, the default.",
      maxItems: MAX_NAMESPACES,
      default: ["*"],
      "x-kubernetes-list-type": "set",
      items: formatted(formats.namespaceOrAll, "A namespace, or '*'."),
    },
    subjects: {
      type: "object",
      description: "Subjects of this Router.",
      default: {},
      properties: {
        prefix: formatted(
          formats.subject,
          "Stands before every subject and in every stream, consumer and bucket name. Cannot be changed.",
        ),
      },
      "x-kubernetes-validations": [
        {
          rule: "has(self.prefix) == has(oldSelf.prefix) && (!has(self.prefix) || self.prefix == oldSelf.prefix)",
          message: "the prefix of a Router names its streams and cannot be changed; make another Router",
          reason: "FieldValueForbidden",
          fieldPath: ".prefix",
        },
      ],
    },
    allowedSubjects: {
      type: "array",
      description:
        "Further subjects that messages may be published to: fixed subjects of legacy providers; below beamline.ext., those of steps.",
      maxItems: 256,
      "x-kubernetes-list-type": "set",
      items: formatted(formats.subjectPattern, "A subject, with '*' for one token or a final '>'."),
    },
    replicas: { type: "integer", minimum: 0, maximum: 1000, default: 2, description: "Routers that run." },
    autoscaling: {
      type: "object",
      description: "Lets the number of routers follow the load; replicas is then only the start.",
      required: ["min", "max"],
      properties: {
        min: { type: "integer", minimum: 1, maximum: 1000, description: "Fewest routers." },
        max: { type: "integer", minimum: 1, maximum: 1000, description: "Most routers." },
      },
      "x-kubernetes-validations": [
        { rule: "self.min <= self.max", message: "min must not exceed max", fieldPath: ".min" },
      ],
    },
    handover: {
      type: "object",
      description: "How long dispatched work is remembered.",
      default: {},
      properties: {
        retention: durationBetween(
          "1m",
          "24h",
          "A repeated message within this time gets the existing assignment; each remembered one costs the server 240 to 380 bytes of memory.",
          "15m",
        ),
      },
    },
    nats: {
      type: "object",
      description: "The NATS account of this Router. Default: the installation's.",
      properties: {
        url: formatted(formats.natsUrl, "Server address."),
        credentialsSecret: {
          ...secretReference,
          description: "Secret of this namespace with a credentials file under the key nats.creds.",
        },
        tlsSecret: {
          ...secretReference,
          description: "Secret of this namespace with ca.crt, and tls.crt and tls.key for a client certificate.",
        },
      },
    },
    drain: {
      type: "object",
      description: "How a router stops.",
      properties: { timeout: durationBetween("1s", "10m", "Time to finish what was taken. Default: 10s.") },
    },
    image: {
      type: "string",
      minLength: 1,
      maxLength: 512,
      description: "Container image of the routers. Default: the operator's release.",
    },
    pod: podOverlay,
  },
};

export const routerDefinition: ObjectDefinition = {
  scope: "Namespaced",
  plural: "routers",
  shortNames: ["rtr"],
  schema: objectSchema(
    "Router is a pool of router processes: every one of them serves every policy attached to it.",
    spec,
    [
      {
        rule: `self.metadata.name.matches('${formats.shortDnsLabel.pattern}')`,
        message: `the name of a Router must be ${formats.shortDnsLabel.meaning}`,
        fieldPath: ".metadata.name",
      },
    ],
  ),
};
