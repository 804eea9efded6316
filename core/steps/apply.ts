// What steps changed, on the request and in the explanation. Nothing else of a request is a step's to change.
import type { ExplainStep } from "../decide/decision.ts";
import type { DecideRequest } from "../intake/message.ts";
import type { StepReport } from "./take-stage.ts";

export function withContext(request: DecideRequest, context: DecideRequest["context"]): DecideRequest {
  return context === request.context ? request : { ...request, context };
}

/** In the older JSON too, whose metadata keeps its types but where a step set a text. */
export function withMetadata(request: DecideRequest, metadata: DecideRequest["metadata"]): DecideRequest {
  const { metadata: sent, rawMetadata } = request;
  if (metadata === sent) return request;
  if (rawMetadata === undefined) return { ...request, metadata };
  const changed = Object.entries(metadata).filter(
    ([name, value]) => !Object.hasOwn(sent, name) || sent[name] !== value,
  );
  return { ...request, metadata, rawMetadata: { ...rawMetadata, ...Object.fromEntries(changed) } };
}

export function explainReport(report: StepReport): ExplainStep {
  const { stage, step, target, outcome, reason, changed, tries, elapsedMs, consequence } = report;
  return {
    stage: "step",
    of: stage,
    step,
    target,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    changed,
    tries,
    elapsedMs: Math.round(elapsedMs * 10) / 10,
    consequence,
  };
}
