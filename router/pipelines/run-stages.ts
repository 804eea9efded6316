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
import { componentKey } from "../../core/registry/component.ts";
import type { Verdict } from "../../core/registry/verdicts.ts";
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

export async function runStages(
  pipeline: PipelineObject,
  facts: PipelineFacts,
  host: StagesHost,
): Promise<StagesResult> {
  const most = maxEvents(pipeline);
  let events: readonly PipelineEvent[] = [firstEvent(facts.request)];
  for (const processor of pipeline.spec.processors) {
    const answers = await Promise.all(events.map((event) => runProcessor(processor, event, facts, host)));
    const next: PipelineEvent[] = [];
    for (const answer of answers) {
      if (answer.kind !== "made") return answer;
      next.push(...answer.events);
    }
    if (next.length > most) {
      return { kind: "tooLarge", reason: `${next.length} events after ${processor.name}, at most ${most}` };
    }
    events = next;
  }
  return { kind: "made", events };
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
    const verdict = verdicts().get(componentKey({ kind: "processor", id }));
    if (verdict === undefined) return { kind: "away", reason: `processor ${id} is not registered` };
    if (!verdict.isCandidate) {
      return { kind: "away", reason: `processor ${id} is ${verdict.liveness === "lost" ? "lost" : verdict.reported}` };
    }
    const { endpoint, maxConcurrent, outputEventTypes } = verdict;
    const outcome = await calls.process({ id, endpoint, maxConcurrent }, message, { timeoutMs });
    if (outcome.kind === "answered") {
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
