// What is counted about calls to processors; no label names one, since anybody may register any number of them.
import type { Metrics } from "../../runtime/metrics.ts";
import type { ProcessOutcome } from "./outcome.ts";

const OUTCOMES = ["answered", "refused", "unavailable", "timeout", "tooLarge"] as const;

export interface ProcessorMetrics {
  begin(): void;
  /** `seconds` includes the wait for a place. */
  end(outcome: ProcessOutcome["kind"], seconds: number): void;
}

export function createProcessorMetrics(metrics: Metrics, channels: () => number): ProcessorMetrics {
  const calls = metrics.counter({
    name: "router_processor_calls_total",
    help: "Messages sent to processors, by what came of it; each try counts.",
    labels: { outcome: OUTCOMES },
  });
  const durations = metrics.histogram({
    name: "router_processor_call_duration_seconds",
    help: "From the call of a processor to its outcome, with the wait for a place within its max_concurrent.",
    labels: { outcome: OUTCOMES },
  });
  const inFlight = metrics.gauge({
    name: "router_processor_calls_in_flight",
    help: "Messages under way to processors, or waiting for a place.",
  });
  metrics.gaugeFrom({ name: "router_processor_channels", help: "Endpoints of processors with a channel." }, channels);
  return {
    begin: () => inFlight.add(inFlight.slot({}), 1),
    end: (outcome, seconds) => {
      inFlight.add(inFlight.slot({}), -1);
      calls.inc(calls.slot({ outcome }));
      durations.observe(durations.slot({ outcome }), seconds);
    },
  };
}
