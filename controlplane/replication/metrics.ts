// Counters of what replicas share, every series at zero from the start.
import type { Metrics } from "../../runtime/metrics.ts";
import { REPORT_EVENTS, type ReportEvent } from "./beat-exchange.ts";
import { WRITE_OUTCOMES, type WriteOutcome } from "./bucket-writer.ts";
import type { SharingStatus } from "./sharing-status.ts";

export interface SharingMetrics {
  write(outcome: WriteOutcome): void;
  report(event: ReportEvent): void;
  ignored(): void;
}

const MS_PER_S = 1_000;

export function createSharingMetrics(metrics: Metrics): SharingMetrics {
  const writes = metrics.counter({
    name: "controlplane_registry_writes_total",
    help: "Writes of registrations and verdicts to the shared bucket, by what came of them.",
    labels: { outcome: WRITE_OUTCOMES },
  });
  const reports = metrics.counter({
    name: "controlplane_registry_reports_total",
    help: "Messages in which replicas tell each other what they heard; `own` are those that came back.",
    labels: { event: REPORT_EVENTS },
  });
  const ignored = metrics.counter({
    name: "controlplane_registry_ignored_entries_total",
    help: "Entries of the shared bucket that could not be read.",
  });
  return {
    write: (outcome) => writes.inc(writes.slot({ outcome })),
    report: (event) => reports.inc(reports.slot({ event })),
    ignored: () => ignored.inc(ignored.slot({})),
  };
}

/** Read when a scrape asks; in a control plane that shares nothing all are zero. */
export function declareSharingGauges(metrics: Metrics, read: () => SharingStatus): void {
  const gauge = (name: string, help: string, value: (status: SharingStatus) => number): void =>
    metrics.gaugeFrom({ name, help }, () => value(read()));
  gauge(
    "controlplane_registry_store_connected",
    "1 while the shared bucket is read and its changes arrive.",
    ({ state }) => (state === "current" ? 1 : 0),
  );
  gauge(
    "controlplane_registry_shared_age_seconds",
    "How old the oldest part of what other replicas know may be here.",
    ({ ageMs }) => (ageMs ?? 0) / MS_PER_S,
  );
  gauge(
    "controlplane_registry_pending_writes",
    "Keys that wait to be written to the shared bucket.",
    (status) => status.pendingWrites,
  );
  gauge("controlplane_registry_leader", "1 on the replica that publishes verdicts.", ({ isLeading }) =>
    isLeading ? 1 : 0,
  );
}
