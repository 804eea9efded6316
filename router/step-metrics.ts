// What is counted about the steps of policies; no label names a policy or a step, of which there is no bound.
import { STAGES } from "../core/steps/step.ts";
import type { StepReport } from "../core/steps/take-stage.ts";
import type { Metrics } from "../runtime/metrics.ts";

const OUTCOMES = ["passed", "rejected", "unavailable", "notFound", "timeout", "broken"] as const;

export function createStepCounter(metrics: Metrics): (reports: readonly StepReport[]) => void {
  const taken = metrics.counter({
    name: "router_steps_total",
    help: "Steps that messages came to, by stage and by what became of them after the last try.",
    labels: { stage: STAGES, outcome: OUTCOMES },
  });
  const stopped = metrics.counter({
    name: "router_steps_stopped_total",
    help: "Steps at which a message did not go on: a no that blocks, or a required step that was away.",
    labels: { stage: STAGES },
  });
  const seconds = metrics.histogram({
    name: "router_step_duration_seconds",
    help: "Time of one step with all its tries.",
    labels: { stage: STAGES },
  });
  return (reports) => {
    for (const { stage, outcome, consequence, elapsedMs } of reports) {
      taken.inc(taken.slot({ stage, outcome }));
      seconds.observe(seconds.slot({ stage }), elapsedMs / 1000);
      if (consequence === "stopped") stopped.inc(stopped.slot({ stage }));
    }
  };
}
