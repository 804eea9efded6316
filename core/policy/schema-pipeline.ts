// The schema of a policy's pipeline: extensions that see a message before and after the decision.
import type { ArraySchema, ObjectSchema } from "./schema.ts";
import { durationBetween, formatted, listKey, subject } from "./schema-formats.ts";

/** Steps a stage may have. */
const MAX_STEPS = 16;

const step: ObjectSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: formatted(listKey, "Name of the step."),
    processor: { type: "string", minLength: 1, maxLength: 128, description: "Id of a registered processor." },
    subject: formatted(
      subject,
      "Subject below beamline.ext. that the extension answers requests on; the Router's allowedSubjects must name it.",
    ),
    mode: {
      type: "string",
      enum: ["Required", "Optional"],
      maxLength: 16,
      description: "Whether the message can go on when the extension is away. Default: Required.",
    },
    onFail: {
      type: "string",
      enum: ["Block", "Warn", "Ignore"],
      maxLength: 16,
      description: "What a negative answer means. Default: Block.",
    },
    timeout: durationBetween("1ms", "1m", "Time for one answer; all steps of a message get 20s at most. Default: 1s."),
    retry: { type: "integer", minimum: 0, maximum: 10, description: "Further tries after a failed one. Default: 0." },
  },
  "x-kubernetes-validations": [
    { rule: "has(self.processor) != has(self.subject)", message: "exactly one of processor and subject must be set" },
    {
      rule: "!has(self.subject) || self.subject.startsWith('beamline.ext.')",
      message: "the subject of a step begins with beamline.ext.",
    },
  ],
};

function stage(description: string): ArraySchema {
  return {
    type: "array",
    description,
    maxItems: MAX_STEPS,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    items: step,
  };
}

export const pipeline: ObjectSchema = {
  type: "object",
  description: "Extensions that a message passes, each stage in the order written.",
  properties: {
    pre: stage("Before the decision: they may change the context."),
    validators: stage("Before the decision: they may refuse the message."),
    post: stage("After the decision: they may add metadata to the assignment."),
  },
};
