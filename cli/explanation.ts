// The stages of a decision in words, one line a stage.
import type { DroppedProvider, ExplainStep } from "../core/decide/decision.ts";
import { assertNever } from "../core/result.ts";
import type { Table } from "./table.ts";

/** Digits of a score below a hundred: enough to see which is higher. */
const SCORE_DIGITS = 3;
const WHOLE_FROM = 100;

export function explanationTable(steps: readonly ExplainStep[]): Table {
  return { columns: ["stage", "what happened"], rows: steps.map((step) => [step.stage, describeStep(step)]) };
}

function describeStep(step: ExplainStep): string {
  switch (step.stage) {
    case "policy":
      return `${step.object}, generation ${step.generation}, is policy ${step.policyId} of tenant ${step.tenantId}`;
    case "rule":
      return `${step.rule}: ${step.outcome}: ${step.when}${step.error === undefined ? "" : ` (${step.error})`}`;
    case "filter":
      return `kept ${listNames(step.kept)}${describeDropped(step.dropped)}`;
    case "step":
      return describeCalled(step);
    case "tier":
      return `priority ${step.priority}: ${listNames(step.candidates)}`;
    case "prefer":
      return `${listNames(step.order)}: ${step.chosen === undefined ? "none of them is a candidate" : `chose ${step.chosen}`}`;
    case "pick":
      return `key ${step.key}: ${step.scores.map(describeScore).join(", ")}: chose ${step.chosen}`;
    case "fallback":
      return step.used
        ? `chose ${step.provider}`
        : `${step.provider} is not usable${step.reason === undefined ? "" : `: ${step.reason}`}`;
    default:
      return assertNever(step);
  }
}

function describeCalled(step: Extract<ExplainStep, { stage: "step" }>): string {
  const { of, target, outcome, reason, changed, tries, elapsedMs, consequence } = step;
  const end = reason === undefined || reason === "" ? outcome : `${outcome} (${reason})`;
  const set = changed.length === 0 ? "" : `, set ${listNames(changed)}`;
  const then = consequence === "none" ? "" : `, ${consequence}`;
  return `${of} ${step.step}, ${target}: ${end}${set}${then} in ${elapsedMs} ms${tries > 1 ? `, ${tries} tries` : ""}`;
}

function describeDropped(dropped: readonly DroppedProvider[]): string {
  if (dropped.length === 0) return "";
  return `; dropped ${dropped.map(describeDrop).join(", ")}`;
}

function describeDrop({ name, reason, processors = [] }: DroppedProvider): string {
  return processors.length === 0 ? `${name} (${reason})` : `${name} (${reason}: ${processors.join(", ")})`;
}

function describeScore(score: { readonly name: string; readonly weight: number; readonly score: number }): string {
  const shown = score.score < WHOLE_FROM ? score.score.toPrecision(SCORE_DIGITS) : String(Math.round(score.score));
  return `${score.name} weight ${score.weight} scores ${shown}`;
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
