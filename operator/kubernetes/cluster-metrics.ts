// What an operator in a cluster measures besides what every operator counts: read when a scrape asks.
import type { Metrics } from "../../runtime/metrics.ts";

export interface ClusterReadings {
  isLeading(): boolean;
  isMirrorCurrent(): boolean;
  unservedRouters(): number;
}

export function declareClusterMetrics(metrics: Metrics, readings: ClusterReadings): void {
  metrics.gaugeFrom(
    { name: "operator_leading", help: "1 while this operator leads, of those that share a Lease." },
    () => Number(readings.isLeading()),
  );
  metrics.gaugeFrom(
    { name: "operator_api_server_reachable", help: "1 while every kind of object can be listed and watched." },
    () => Number(readings.isMirrorCurrent()),
  );
  metrics.gaugeFrom(
    { name: "operator_routers_unserved", help: "Routers whose configuration this leader could not write so far." },
    () => readings.unservedRouters(),
  );
}
