// What came of the questions that processors are asked.
import type { Metrics } from "../../runtime/metrics.ts";

const QUESTIONS = ["capabilities", "health"] as const;
const OUTCOMES = ["answered", "unoffered", "ignored", "failed", "refused"] as const;

export interface AskMetrics {
  asked(question: (typeof QUESTIONS)[number], outcome: (typeof OUTCOMES)[number]): void;
  /** As many processors are asked as may be. */
  skipped(): void;
}

export function createAskMetrics(metrics: Metrics): AskMetrics {
  const asked = metrics.counter({
    name: "controlplane_component_questions_total",
    help: "Questions to processors at their endpoints: unoffered = no such service, ignored = the answer breaks a rule, refused = the endpoint may not be dialled.",
    labels: { question: QUESTIONS, outcome: OUTCOMES },
  });
  const skipped = metrics.counter({
    name: "controlplane_components_not_asked_total",
    help: "Processors that are asked nothing, because as many are as may be.",
  });
  return {
    asked: (question, outcome) => asked.inc(asked.slot({ question, outcome })),
    skipped: () => skipped.inc(skipped.slot({})),
  };
}
