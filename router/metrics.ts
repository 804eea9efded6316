// Counters of the router, every series at zero from the start; names of the older router where it had them.
import { INTAKE_CODES, REASONS, reasonRow } from "../core/intake/reasons.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Handled, Outcome } from "./delivery.ts";
import { createStepCounter } from "./step-metrics.ts";

/** What a router counts about messages. */
export interface RouterMetrics {
  /** Called once for each message that was handled. `seconds` is from its arrival to its disposition. */
  count(source: "request" | "submit", handled: Handled, seconds: number): void;
  countBug(source: "request" | "submit"): void;
  countOverload(): void;
  setRevision(revision: number, rejected: number): void;
}

const SOURCES = ["request", "submit"] as const;
const DISPOSITIONS = ["ack", "nak", "term", "none"] as const;

export function createRouterMetrics(metrics: Metrics): RouterMetrics {
  const messages = metrics.counter({
    name: "router_intake_messages_total",
    help: "Messages handled, by way in and by disposition.",
    labels: { kind: ["decide"], source: SOURCES, disposition: DISPOSITIONS },
  });
  const seconds = metrics.histogram({
    name: "router_handle_duration_seconds",
    help: "From the arrival of a message to its disposition.",
    labels: { source: SOURCES },
  });
  const overloads = metrics.counter({
    name: "router_requests_refused_total",
    help: "Requests refused because the window was full.",
  });
  const bugs = metrics.counter({
    name: "router_handle_bugs_total",
    help: "Messages whose handling threw: each one is a defect of the router.",
    labels: { source: SOURCES },
  });
  const replies = metrics.counter({
    name: "router_replies_total",
    help: "Answers, by what became of them; unsent: it did not leave the router; forbidden: asked for on a subject no router publishes to.",
    labels: { outcome: ["sent", "unsent", "none", "forbidden"] },
  });
  const revision = metrics.gauge({
    name: "router_config_revision",
    help: "Stream sequence of the configuration head in force.",
  });
  const rejected = metrics.gauge({
    name: "router_config_rejected",
    help: "Entries of that head which are not served as they are.",
  });
  const countOutcome = createOutcomeCounter(metrics);
  const countSteps = createStepCounter(metrics);
  return {
    count: (source, handled, elapsed) => {
      messages.inc(messages.slot({ kind: "decide", source, disposition: handled.disposition.kind }));
      seconds.observe(seconds.slot({ source }), elapsed);
      replies.inc(replies.slot({ outcome: handled.reply }));
      countOutcome(handled.outcome);
      if (handled.steps !== undefined) countSteps(handled.steps);
    },
    countBug: (source) => bugs.inc(bugs.slot({ source })),
    countOverload: () => overloads.inc(overloads.slot({})),
    setRevision: (value, count) => {
      revision.set(revision.slot({}), value);
      rejected.set(rejected.slot({}), count);
    },
  };
}

/** What is known of components, read when a scrape asks. */
export function declareVerdictMetrics(
  metrics: Metrics,
  registry: { readonly size: number; ageSeconds(): number },
): void {
  metrics.gaugeFrom(
    { name: "router_registry_verdicts", help: "Components of which the router knows what the registry says." },
    () => registry.size,
  );
  metrics.gaugeFrom(
    {
      name: "router_registry_age_seconds",
      help: "Time since that was all there is: 0 while it is followed, NaN before it was first read.",
    },
    () => registry.ageSeconds(),
  );
}

type CountOutcome = (outcome: Outcome) => void;

function createOutcomeCounter(metrics: Metrics): CountOutcome {
  const countRejected = createRejectionCounter(metrics);
  const decisions = metrics.counter({
    name: "router_policy_decisions_total",
    help: "Decisions answered, by reason; existing: a repetition that got the decision of the first.",
    labels: { reason: ["weighted", "sticky", "rule", "fallback", "retry", "other"], existing: ["false", "true"] },
  });
  const assignments = metrics.counter({
    name: "router_assignment_published_total",
    help: "Assignments stored: work handed to a provider for the first time.",
  });
  const failures = metrics.counter({
    name: "router_policy_decision_failures_total",
    help: "Messages for which no decision could be made.",
    labels: { code: [...FAILURE_CODES, "other"] },
  });
  const postponements = metrics.counter({
    name: "router_dispatch_postponed_total",
    help: "Messages that JetStream could not take at that moment, or for which a required step was away (step).",
    labels: { code: ["full", "unavailable", "step"] },
  });
  return (outcome) => {
    switch (outcome.kind) {
      case "rejected":
        return countRejected(outcome);
      case "failed":
        return failures.inc(failures.slot({ code: FAILURE_CODES.find((code) => code === outcome.code) ?? "other" }));
      case "postponed":
        return postponements.inc(postponements.slot({ code: outcome.code }));
      case "decided": {
        const reason = DECISION_REASONS.find((one) => one === outcome.reason) ?? "other";
        decisions.inc(decisions.slot({ reason, existing: outcome.existing ? "true" : "false" }));
        if (outcome.dispatched && !outcome.existing) assignments.inc(assignments.slot({}));
      }
    }
  };
}

const DECISION_REASONS = ["weighted", "sticky", "rule", "fallback", "retry"] as const;
const FAILURE_CODES = [
  "policy_not_found",
  "rule_evaluation_failed",
  "no_provider_available",
  "decision_failed",
  "retries_exhausted",
  "step_failed",
] as const;

/** The seed's three counters of refused messages, a series for each row of the reasons table. */
function createRejectionCounter(metrics: Metrics): (outcome: Extract<Outcome, { kind: "rejected" }>) => void {
  const reasons = Object.keys(REASONS);
  const declare = (name: string, help: string) =>
    metrics.counter({
      name,
      help,
      labels: { kind: ["decide"], code: INTAKE_CODES, reason: reasons },
      only: ({ code, reason }) => reasonRow(reason ?? "").code === code,
    });
  const errors = declare("router_intake_validation_errors_total", "Messages refused.");
  const stored = declare("router_intake_dlq_messages_total", "Dead letters stored.");
  const failed = declare(
    "router_intake_dlq_publish_failed_total",
    "Dead letters that could not be stored, or were over the tenant's bound.",
  );
  return ({ rejection, deadLetter }) => {
    const labels = { kind: "decide" as const, reason: rejection.reason, code: reasonRow(rejection.reason).code };
    errors.inc(errors.slot(labels));
    if (deadLetter === "stored") stored.inc(stored.slot(labels));
    if (deadLetter === "failed" || deadLetter === "suppressed") failed.inc(failed.slot(labels));
  };
}
