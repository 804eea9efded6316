// Whether a control plane shares its registry, and with which NATS: read from its settings.
import { BeamlineError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { natsOptions } from "../../runtime/nats/settings.ts";
import type { ControlPlaneConfig } from "../config.ts";
import type { Configurations } from "../configurations.ts";
import type { LiveRegistry } from "../live-registry.ts";
import { createSharingMetrics, declareSharingGauges } from "./metrics.ts";
import { Replication } from "./replication.ts";
import { ALONE } from "./sharing-status.ts";

export interface ReplicationParts {
  readonly registry: LiveRegistry;
  readonly configurations: Configurations;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Undefined when no NATS is named. Throws CONFIG_INVALID when several replicas have nothing to share the registry over. */
export function createReplication(config: ControlPlaneConfig, parts: ReplicationParts): Replication | undefined {
  const { natsUrl, replicas } = config;
  const counters = createSharingMetrics(parts.metrics);
  let replication: Replication | undefined;
  declareSharingGauges(parts.metrics, () => replication?.status() ?? ALONE);
  if (natsUrl === undefined) {
    if (replicas === 1) return undefined;
    throw new BeamlineError("CONFIG_INVALID", `BEAMLINE_CONTROLPLANE_REPLICAS is ${replicas}, and there is no NATS`, {
      hint: "Set BEAMLINE_NATS_URL: replicas share their registry over it.",
    });
  }
  const { registry, configurations, log } = parts;
  const nats = { ...natsOptions({ ...config, natsUrl }), name: "beamline-controlplane", log };
  replication = new Replication({ nats, registry, configurations, metrics: counters, log });
  return replication;
}
