// The schema of Pipeline: events of a source go through processors, one after the other, to consumers.
import {
  type ArraySchema,
  type ObjectDefinition,
  type ObjectSchema,
  objectSchema,
  type StringSchema,
} from "./schema.ts";
import {
  dnsLabel,
  durationBetween,
  formatted,
  listKey,
  messageType,
  shortDnsLabel,
  tenantId,
} from "./schema-formats.ts";

/** Processors that a message passes, and consumers that get what comes out. */
export const MAX_MEMBERS = 16;
const MAX_EVENT_TYPES = 64;
/** As control planes bound the ids of components. */
const MAX_COMPONENT_ID = 128;

function componentId(description: string): StringSchema {
  return { type: "string", minLength: 1, maxLength: MAX_COMPONENT_ID, description };
}

function members(description: string, items: ObjectSchema, minItems?: number): ArraySchema {
  return {
    type: "array",
    description,
    ...(minItems === undefined ? {} : { minItems }),
    maxItems: MAX_MEMBERS,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    items,
  };
}

const source: ObjectSchema = {
  type: "object",
  description: "Where the events come from.",
  required: ["id"],
  properties: {
    id: componentId("Id under which the source registers with the control plane."),
    eventTypes: {
      type: "array",
      description: "Event types that are taken in. Default: those that the source registered.",
      minItems: 1,
      maxItems: MAX_EVENT_TYPES,
      "x-kubernetes-list-type": "set",
      items: formatted(messageType, "An event type: what messages carry as message_type."),
    },
  },
};

const processor: ObjectSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: formatted(listKey, "Name of the step."),
    id: componentId("Id under which the processor registers with the control plane. Default: name."),
    timeout: durationBetween("10ms", "1m", "Time for everything that is answered to one message.", "5s"),
    retry: {
      type: "integer",
      minimum: 0,
      maximum: 10,
      default: 0,
      description: "Further tries at once after one that failed, before the message waits.",
    },
  },
};

const consumer: ObjectSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: formatted(listKey, "Names its durable consumer and its subject."),
    id: componentId("Id under which the consumer registers with the control plane. Default: name."),
  },
};

const spec: ObjectSchema = {
  type: "object",
  description: "A source, the processors that its events pass in the order written, and who gets what comes out.",
  required: ["source", "consumers"],
  properties: {
    routerRef: {
      type: "object",
      description: "The Router that runs the pipeline. Default: that of the installation.",
      required: ["name"],
      properties: {
        namespace: formatted(dnsLabel, "Default: the namespace of the installation's Router."),
        name: formatted(shortDnsLabel, "Name of the Router."),
      },
    },
    tenantId: formatted(tenantId, "Tenant whose messages it takes. Default: the pipeline's namespace."),
    source,
    processors: members("Processors that every event passes, in this order.", processor),
    consumers: members("Who gets what the last processor answers; each gets all of it.", consumer, 1),
    onFailure: {
      type: "string",
      enum: ["DeadLetter", "Drop"],
      maxLength: 16,
      default: "DeadLetter",
      description: "What becomes of a message that cannot be processed. Drop: it is only counted.",
    },
  },
};

export const pipelineDefinition: ObjectDefinition = {
  scope: "Namespaced",
  plural: "pipelines",
  shortNames: ["pl"],
  schema: objectSchema("Pipeline leads the events of a source through processors to consumers.", spec, [
    {
      rule: `self.metadata.name.matches('${shortDnsLabel.pattern}')`,
      message: `the name of a Pipeline is part of its subjects and must be ${shortDnsLabel.meaning}`,
      fieldPath: ".metadata.name",
    },
  ]),
};
