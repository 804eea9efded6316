// Puts an operator on files and processes together and starts it: as a process of its own, or inside `beamline up`.
import { join, resolve } from "node:path";
import { namesFor } from "../core/handover/subjects.ts";
import { systemClock } from "../runtime/clock.ts";
import { type Check, type HealthReply, startHealthServer } from "../runtime/health.ts";
import type { Logger } from "../runtime/log.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import type { OperatorConfig } from "./config.ts";
import { Fence } from "./fence.ts";
import { ProcessInfrastructure } from "./infrastructure/processes/process-infrastructure.ts";
import { readInstance } from "./instance.ts";
import { createOperatorMetrics } from "./metrics.ts";
import { Operator } from "./operator.ts";
import { ProcessorView } from "./processor-view.ts";
import { FileSource } from "./source/files/file-source.ts";
import type { StatusDocument } from "./status-document.ts";

export interface OperatorServices {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Environment variables for routers, beside those that follow from the configuration. */
  readonly routerEnvironment?: Readonly<Record<string, string>>;
}

export interface RunningOperator {
  /** Where /status, /livez, /readyz and /metrics are. */
  readonly httpUrl: string;
  /** The status as it is now. */
  document(): StatusDocument;
  /** Ends the routers (they drain; what has not by the deadline is killed), then the rest. The link stays open. */
  stop(deadlineMs: number): Promise<void>;
}

/** Time kept back from a stop's deadline for the last status and the HTTP server. */
const CLOSE_MS = 500;

/**
 * Resolves when the first configuration is written and the routers are being started; they are ready a moment later, as
 * `document()` tells. Throws BeamlineError: PORT_IN_USE, INPUT_MISSING (the folder), STORAGE_*, STREAM_MISMATCH, UNAVAILABLE.
 */
export async function startOperator(
  config: OperatorConfig,
  link: NatsLink,
  services: OperatorServices,
): Promise<RunningOperator> {
  const { log, metrics, routerEnvironment = {} } = services;
  const router = { namespace: config.routerNamespace, name: config.routerName };
  const source = new FileSource({
    folder: resolve(config.policiesDir),
    stateDir: resolve(config.stateDir),
    router,
    log,
  });
  const infrastructure = routerProcesses(config, log);
  const names = namesFor(config.subjectsPrefix);
  const fence = new Fence(link, names);
  const processors = new ProcessorView({ log });
  const operator = new Operator({
    config: { ...config, hasRegistry: true },
    holder: await readInstance(resolve(config.stateDir)),
    routerEnvironment,
    names,
    link,
    fence,
    processors,
    source,
    infrastructure,
    metrics: createOperatorMetrics(metrics),
    log,
    clock: systemClock,
  });
  const ready = (): readonly Check[] => [
    { name: "nats", ok: link.connected(), detail: "connected to NATS" },
    { name: "configuration", ok: operator.published(), detail: "the configuration is written" },
  ];
  // The port first: one that is taken must not be found out after routers have been started.
  const health = await startHealthServer({
    host: config.httpHost,
    port: config.httpPort,
    metrics,
    live: () => [],
    ready,
    extra: { "/status": () => statusReply(operator.document()) },
  });
  try {
    processors.follow(link);
    await fence.ask();
    await operator.start();
  } catch (error) {
    processors.stop();
    await operator.stop(CLOSE_MS);
    await health.stop();
    throw error;
  }
  return {
    httpUrl: `http://${config.httpHost}:${health.port}`,
    document: () => operator.document(),
    stop: async (deadlineMs) => {
      fence.stop();
      processors.stop();
      await operator.stop(Math.max(deadlineMs - CLOSE_MS, 0));
      await health.stop();
    },
  };
}

function routerProcesses(config: OperatorConfig, log: Logger): ProcessInfrastructure {
  return new ProcessInfrastructure({
    routerMain: config.routerMain ?? join(import.meta.dirname, "..", "router", "main.ts"),
    healthHost: config.routerHealthHost,
    healthBasePort: config.routerHealthPort,
    log,
    ...(config.routerLogDir === undefined ? {} : { logDir: resolve(config.routerLogDir) }),
  });
}

function statusReply(document: StatusDocument): HealthReply {
  return { status: 200, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(document)}\n` };
}
