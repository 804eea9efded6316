// Every generated table by the name that documents give it.

import { createAskMetrics } from "../../controlplane/asking/ask-metrics.ts";
import { controlPlaneConfig } from "../../controlplane/config.ts";
import { createControlPlaneMetrics, declareRegistryMetrics } from "../../controlplane/metrics.ts";
import { createSharingMetrics, declareSharingGauges } from "../../controlplane/replication/metrics.ts";
import { ALONE } from "../../controlplane/replication/sharing-status.ts";
import { createRegistry } from "../../core/registry/state.ts";
import { operatorConfig } from "../../operator/config.ts";
import { declareClusterMetrics } from "../../operator/kubernetes/cluster-metrics.ts";
import { kubernetesConfig } from "../../operator/kubernetes/config.ts";
import { createOperatorMetrics } from "../../operator/metrics.ts";
import { routerConfig } from "../../router/config.ts";
import { createRouterMetrics, declareVerdictMetrics } from "../../router/metrics.ts";
import { createPipelineMetrics } from "../../router/pipelines/metrics.ts";
import { createProcessorMetrics } from "../../router/processors/metrics.ts";
import { callFailureTable } from "./call-failure-table.ts";
import {
  pipelineConditionTable,
  policyConditionTable,
  refusalTable,
  routerConditionTable,
  unservedConditionTable,
} from "./condition-tables.ts";
import { settingTable } from "./config-tables.ts";
import { answerCodeTable, decideErrorTable, exitCodeTable, intakeCodeTable, reasonTable } from "./error-tables.ts";
import { eventTable } from "./event-tables.ts";
import { messageTable } from "./message-tables.ts";
import { methodRightsTable } from "./method-rights-table.ts";
import { metricTable } from "./metric-tables.ts";
import { objectReference } from "./object-tables.ts";
import { crossingTable, roleTable } from "./trust-tables.ts";
import { valueTable } from "./value-tables.ts";
import {
  digestVectors,
  fingerprintVectors,
  keyedEffectVectors,
  pickDrawVectors,
  pickHashVectors,
  pickVectors,
  streamEffectVectors,
} from "./vector-tables.ts";
import { bucketTable, consumerTable, headerTable, streamTable, subjectTable } from "./wire-tables.ts";

/** Makes the Markdown of one table. */
type TableMaker = () => string | Promise<string>;

const makers: Readonly<Record<string, TableMaker>> = {
  subjects: subjectTable,
  streams: streamTable,
  consumers: consumerTable,
  buckets: bucketTable,
  headers: headerTable,
  "trust-crossings": crossingTable,
  "trust-operator": () => roleTable("operator"),
  "trust-router": () => roleTable("router"),
  "trust-controlplane": () => roleTable("controlplane"),
  "trust-producer": () => roleTable("producer"),
  "trust-worker": () => roleTable("worker"),
  "message-route-request": () => messageTable("beamline.flow.v1.RouteRequest"),
  "message-message": () => messageTable("beamline.flow.v1.Message"),
  "message-route-decision": () => messageTable("beamline.flow.v1.RouteDecision"),
  "message-decide-request": () => messageTable("beamline.compat.v1.DecideRequest"),
  "message-exec-assignment": () => messageTable("beamline.worker.v1.ExecAssignment"),
  "message-exec-assignment-ack": () => messageTable("beamline.worker.v1.ExecAssignmentAck"),
  "message-exec-result": () => messageTable("beamline.worker.v1.ExecResult"),
  "object-routing-policy": () => objectReference("RoutingPolicy"),
  "object-provider": () => objectReference("Provider"),
  "object-router": () => objectReference("Router"),
  "object-tenant": () => objectReference("Tenant"),
  "object-pipeline": () => objectReference("Pipeline"),
  "settings-router": () => settingTable(routerConfig),
  "settings-operator": () => settingTable(operatorConfig),
  "settings-kubernetes-operator": () => settingTable(kubernetesConfig),
  "settings-controlplane": () => settingTable(controlPlaneConfig),
  "chart-values": valueTable,
  "vectors-digest": digestVectors,
  "vectors-keyed-effect": keyedEffectVectors,
  "vectors-stream-effect": streamEffectVectors,
  "vectors-fingerprint": fingerprintVectors,
  "vectors-pick-hash": pickHashVectors,
  "vectors-pick-draw": pickDrawVectors,
  "vectors-pick": pickVectors,
  "conditions-policy": policyConditionTable,
  "conditions-pipeline": pipelineConditionTable,
  "conditions-refusals": refusalTable,
  "conditions-router": routerConditionTable,
  "conditions-unserved": unservedConditionTable,
  events: eventTable,
  "metrics-router": () =>
    metricTable((metrics) => {
      createRouterMetrics(metrics);
      createProcessorMetrics(metrics, () => 0);
      createPipelineMetrics(metrics);
      declareVerdictMetrics(metrics, { size: 0, ageSeconds: () => 0 });
    }),
  "metrics-operator": () => metricTable(createOperatorMetrics),
  "metrics-kubernetes-operator": () =>
    metricTable((metrics) =>
      declareClusterMetrics(metrics, { isLeading: () => true, isMirrorCurrent: () => true, unservedRouters: () => 0 }),
    ),
  "metrics-controlplane": () =>
    metricTable((metrics) => {
      createControlPlaneMetrics(metrics);
      createAskMetrics(metrics);
      declareRegistryMetrics(metrics, () => createRegistry({ epoch: "docs", self: "docs", nowMs: 0 }));
      createSharingMetrics(metrics);
      declareSharingGauges(metrics, () => ALONE);
    }),
  "call-failures": callFailureTable,
  "method-rights": methodRightsTable,
  "intake-codes": intakeCodeTable,
  "intake-reasons": reasonTable,
  "answer-codes": answerCodeTable,
  "decide-errors": decideErrorTable,
  "exit-codes": exitCodeTable,
};

export interface RenderedTables {
  /** Markdown by name. */
  readonly tables: Readonly<Record<string, string>>;
  /** Tables that could not be made, as sentences. */
  readonly problems: readonly string[];
}

/** Makes every table. One that fails does not keep the others from being written. */
export async function renderTables(): Promise<RenderedTables> {
  const rendered: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, maker] of Object.entries(makers)) {
    try {
      rendered[name] = await maker();
    } catch (thrown) {
      problems.push(`table "${name}" cannot be made: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  return { tables: rendered, problems };
}
