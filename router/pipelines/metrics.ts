// What is counted about pipelines; no label names one, since anybody may write any number of them.
import type { Metrics } from "../../runtime/metrics.ts";
import type { PipelineEnd } from "./run-pipeline.ts";

const OUTCOMES = ["done", "existing", "rejected", "dropped", "retried", "postponed", "bug"] as const;

export interface PipelineMetrics {
  /** Undefined: handling threw, which is a defect. */
  count(end: PipelineEnd | undefined, seconds: number): void;
}

export function createPipelineMetrics(metrics: Metrics): PipelineMetrics {
  const messages = metrics.counter({
    name: "router_pipeline_messages_total",
    help: "Messages of pipelines, by what came of them; each delivery counts. existing: an earlier delivery had stored its outputs.",
    labels: { outcome: OUTCOMES },
  });
  const outputs = metrics.counter({
    name: "router_pipeline_outputs_total",
    help: "Messages stored for consumers of pipelines.",
  });
  const durations = metrics.histogram({
    name: "router_pipeline_duration_seconds",
    help: "From the arrival of a pipeline's message to its disposition.",
    labels: { outcome: OUTCOMES },
  });
  return {
    count: (end, seconds) => {
      const outcome = end?.outcome ?? "bug";
      messages.inc(messages.slot({ outcome }));
      durations.observe(durations.slot({ outcome }), seconds);
      if (end !== undefined && end.stored > 0) outputs.inc(outputs.slot({}), end.stored);
    },
  };
}
