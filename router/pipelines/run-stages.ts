// The processors of a pipeline, one after the other: what one answers goes into the next, in the order in which it was answered.
import {
  describeEvent,
  firstEvent,
  type PipelineEvent,
  type PipelineFacts,
  readAnswer,
} from "../../core/pipelines/event.ts";
import { maxEvents } from "../../core/pipelines/outputs.ts";
import type { PipelineObject } from "../../core/policy/objects.ts";
import type { PipelineProcessor } from "../../core/policy/spec.ts";
import type { Verdict } from "../../core/registry/verdicts.ts";
import { findProcessor } from "../../core/steps/find-processor.ts";
import type { ProcessOutcome } from "../processors/outcome.ts";
import type { ProcessorCalls } from "../processors/processor-calls.ts";

export type Verdicts = ReadonlyMap<string, Verdict>;

export type StagesResult =
  | { readonly kind: "made"; readonly events: readonly PipelineEvent[] }
  /** A processor's own no: the same message would be refused again. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "tooLarge"; readonly reason: string }
  /** It took too long: that may be the message's fault. */
  | { readonly kind: "failed"; readonly reason: string }
  /** Nothing is known against the message. */
  | { readonly kind: "away"; readonly reason: string };

export interface StagesHost {
  readonly calls: Pick<ProcessorCalls, "process">;
  verdicts(): Verdicts;
}

/** Events of one message that a processor is called for at once. */
const MAX_AT_ONCE = 16;

export async function runStages(
  pipeline: PipelineObject,
  facts: PipelineFacts,
  host: StagesHost,
): Promise<StagesResult> {
  const most = maxEvents(pipeline);
  let events: readonly PipelineEvent[] = [firstEvent(facts.request)];
  for (const processor of pipeline.spec.processors) {
    const made = await runStage(processor, events, facts, host, most);
    if (made.kind !== "made") return made;
    events = made.events;
  }
  return { kind: "made", events };
}

/** Part by part: the time of a call begins when it asks for a place at its processor, and those that wait here have not asked. */
async function runStage(
  processor: PipelineProcessor,
  events: readonly PipelineEvent[],
  facts: PipelineFacts,
  host: StagesHost,
  most: number,
): Promise<StagesResult> {
  const made: PipelineEvent[] = [];
  for (let from = 0; from < events.length; from += MAX_AT_ONCE) {
    const part = events.slice(from, from + MAX_AT_ONCE);
    for (const answer of await Promise.all(part.map((event) => runProcessor(processor, event, facts, host)))) {
      if (answer.kind !== "made") return answer;
      made.push(...answer.events);
    }
    if (made.length > most) return { kind: "tooLarge", reason: `more than ${most} events after ${processor.name}` };
  }
  return { kind: "made", events: made };
}

async function runProcessor(
  processor: PipelineProcessor,
  event: PipelineEvent,
  facts: PipelineFacts,
  { calls, verdicts }: StagesHost,
): Promise<StagesResult> {
  const { name, id, timeoutMs, retry } = processor;
  const message = { payload: event.payload, metadata: describeEvent(event, facts, name) };
  for (let attempt = 0; ; attempt++) {
    const found = findProcessor(verdicts(), id);
    if (found.kind === "absent") return { kind: "away", reason: `processor ${id} is not registered` };
    if (found.kind === "away") return found;
    const outcome = await calls.process(found, message, { timeoutMs });
    if (outcome.kind === "answered") {
      const { outputEventTypes } = found;
      return { kind: "made", events: outcome.messages.map((answer) => readAnswer(answer, event, outputEventTypes)) };
    }
    const isFinal = outcome.kind === "refused" || outcome.kind === "tooLarge";
    if (isFinal || attempt >= retry) return describeOutcome(`processor ${id}`, outcome);
  }
}

function describeOutcome(who: string, outcome: Exclude<ProcessOutcome, { kind: "answered" }>): StagesResult {
  switch (outcome.kind) {
    case "refused":
      return { kind: "refused", reason: `${who}: ${outcome.code} ${outcome.message}` };
    case "tooLarge":
      return { kind: "tooLarge", reason: `${who}: ${outcome.reason}` };
    case "timeout":
      return { kind: "failed", reason: `${who} did not answer in time` };
    case "unavailable":
      return { kind: "away", reason: `${who}: ${outcome.reason}` };
  }
}
