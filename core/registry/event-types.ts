// The event types that a component takes and gives, from its metadata or from its answer to GetCapabilities.
import type { Capabilities } from "./component.ts";
import { type FieldProblems, memberPath } from "./field-problem.ts";
import { MAX_CONCURRENT, MAX_EVENT_TYPE_CHARS, MAX_EVENT_TYPES } from "./limits.ts";

export const INPUT_EVENT_TYPES = "input_event_types";
export const OUTPUT_EVENT_TYPES = "output_event_types";
export const MAX_CONCURRENT_KEY = "max_concurrent";

const EVENT_TYPE = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/;
const COUNT = /^[0-9]{1,9}$/;

/** Lists in metadata are written with commas; white space around a name does not count. */
export function capabilitiesFromMetadata(metadata: ReadonlyMap<string, string>, problems: FieldProblems): Capabilities {
  const list = (key: string): readonly string[] =>
    checkEventTypes(memberPath("metadata", key), splitList(metadata.get(key) ?? ""), problems);
  const written = metadata.get(MAX_CONCURRENT_KEY)?.trim() ?? "";
  if (written !== "" && !COUNT.test(written))
    problems.add(
      memberPath("metadata", MAX_CONCURRENT_KEY),
      "count",
      `must be a whole number up to ${MAX_CONCURRENT}`,
      written,
    );
  return {
    inputEventTypes: list(INPUT_EVENT_TYPES),
    outputEventTypes: list(OUTPUT_EVENT_TYPES),
    ...boundConcurrent(COUNT.test(written) ? Number(written) : 0),
    source: "metadata",
  };
}

/** What a component answered. It was asked, so that a wrong answer is for whoever asked to report. */
export function capabilitiesFromAnswer(
  answer: {
    readonly inputEventTypes: readonly string[];
    readonly outputEventTypes: readonly string[];
    readonly maxConcurrent: number;
  },
  problems: FieldProblems,
): Capabilities {
  return {
    inputEventTypes: checkEventTypes(INPUT_EVENT_TYPES, answer.inputEventTypes, problems),
    outputEventTypes: checkEventTypes(OUTPUT_EVENT_TYPES, answer.outputEventTypes, problems),
    ...boundConcurrent(answer.maxConcurrent),
    source: "capabilities",
  };
}

/** Sorted, each once. */
export function checkEventTypes(field: string, names: readonly string[], problems: FieldProblems): readonly string[] {
  if (names.length > MAX_EVENT_TYPES) {
    problems.add(field, "too_many", `has ${names.length} event types; at most ${MAX_EVENT_TYPES} are allowed`);
    return [];
  }
  for (const name of names) {
    if (name.length > MAX_EVENT_TYPE_CHARS || !EVENT_TYPE.test(name))
      problems.add(
        field,
        "event_type",
        `must hold names of letters, digits and . _ : / -, at most ${MAX_EVENT_TYPE_CHARS} characters each`,
        name,
      );
  }
  return [...new Set(names)].sort();
}

function splitList(text: string): readonly string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function boundConcurrent(count: number): { readonly maxConcurrent?: number } {
  return Number.isSafeInteger(count) && count > 0 ? { maxConcurrent: Math.min(count, MAX_CONCURRENT) } : {};
}
