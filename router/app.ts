// A router put together: what is started in which order, and what a stop ends in the reverse one.

import type { RouterAck } from "../core/config/entry.ts";
import { emptySnapshot, type HealthSnapshot } from "../core/decide/decision.ts";
import { namesFor } from "../core/handover/subjects.ts";
import type { RoutingTable } from "../core/policy/table.ts";
import { mayPublish } from "../core/trust/confinement.ts";
import { schemaTable } from "../proto/gen/messages/schema.ts";
import { systemClock } from "../runtime/clock.ts";
import { redactConfig } from "../runtime/config.ts";
import { type Check, type HealthServer, startHealthServer } from "../runtime/health.ts";
import type { Step } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { connectNats, type NatsLink } from "../runtime/nats/connection.ts";
import { natsOptions } from "../runtime/nats/settings.ts";
import { readServerUser } from "../runtime/nats/user-info.ts";
import { PRODUCT_VERSION } from "../runtime/product-version.ts";
import { type RouterConfig, routerConfig } from "./config.ts";
import { contextFor, withSnapshot } from "./context.ts";
import { DeadLetterBudget } from "./dead-letter-budget.ts";
import type { HandleContext } from "./delivery.ts";
import { HealthSource } from "./health-source.ts";
import { DurableIntake } from "./intake-durable.ts";
import { RequestIntake } from "./intake-request.ts";
import { createRouterMetrics, declareVerdictMetrics } from "./metrics.ts";
import { Opening } from "./opening.ts";
import { Outbox } from "./outbox.ts";
import { createPipelineMetrics } from "./pipelines/metrics.ts";
import { Pipelines } from "./pipelines/pipelines.ts";
import { ProcessorCalls } from "./processors/processor-calls.ts";
import { newRandomId } from "./random-id.ts";
import { Router } from "./serve.ts";
import { NO_PROCESSORS, StepCaller } from "./step-caller.ts";
import { TableSource } from "./table-source.ts";

/** What exists once NATS is connected. */
interface Connected {
  readonly link: NatsLink;
  readonly inboxesClosed: boolean;
  readonly tables: TableSource;
  /** Absent where there is no registry to follow. */
  readonly registry: HealthSource | undefined;
  readonly opening: Opening;
  readonly requests: RequestIntake;
  readonly submits: DurableIntake;
  readonly pipelines: Pipelines;
}

/** How long the intake waits for the first reading of the registry: until then no provider with `registration: Required` is one. */
const REGISTRY_PATIENCE_MS = 2_000;
/** Stands for every inbox when the server has said where this router may publish. */
const ANY_INBOX = "_INBOX.any";

export class RouterApp {
  private readonly config: RouterConfig;
  private readonly log: Logger;
  private readonly metrics = createMetrics();
  private readonly counters = createRouterMetrics(this.metrics);
  private readonly pipelineCounters = createPipelineMetrics(this.metrics);
  private readonly processors: ProcessorCalls;
  private readonly names;
  private readonly routerKey;
  private readonly pod;
  private health: HealthServer | undefined;
  private connected: Connected | undefined;
  private context: HandleContext | undefined;
  private revision = 0;
  private opened = false;
  private draining = false;

  constructor(config: RouterConfig, log: Logger) {
    this.config = config;
    this.log = log;
    this.processors = new ProcessorCalls({ metrics: this.metrics, caFile: config.processorCaFile });
    this.names = namesFor(config.subjectsPrefix);
    this.routerKey = { namespace: config.routerNamespace, name: config.routerName };
    this.pod = { name: config.podName, uid: config.podUid ?? newRandomId(), version: PRODUCT_VERSION };
  }

  /** Stopped from the last to the first: intake ends before the connection it answers on. */
  steps(): readonly Step[] {
    const { drainTimeoutMs } = this.config;
    return [
      { name: "health", start: () => this.startHealth(), stop: () => this.health?.stop() },
      { name: "nats", start: () => this.connect(), stop: (deadlineMs) => this.disconnect(deadlineMs) },
      {
        name: "registry",
        start: () => this.connected?.registry?.start(),
        stop: () => this.connected?.registry?.stop(),
      },
      {
        name: "configuration",
        start: () => this.connected?.tables.start(),
        stop: () => this.connected?.tables.stop(),
      },
      { name: "intake", stop: () => this.drain(), stopTimeoutMs: drainTimeoutMs },
    ];
  }

  private async startHealth(): Promise<void> {
    const { healthHost: host, healthPort: port } = this.config;
    const { metrics } = this;
    this.health = await startHealthServer({ host, port, metrics, live: () => [], ready: () => this.readiness() });
  }

  /** Ready = connected, and a head of the configuration in force (architecture.md "Configuration"). */
  private readiness(): readonly Check[] {
    const { natsUrl } = redactConfig(routerConfig, this.config);
    const submits = this.connected?.submits.unavailable;
    const held = this.connected?.opening.held;
    return [
      { name: "nats", ok: this.connected?.link.connected() ?? false, detail: `NATS at ${natsUrl}` },
      { name: "configuration", ok: this.opened, detail: held ?? "a head of the configuration is in force" },
      { name: "serving", ok: !this.draining, detail: "not draining" },
      // Of decisions it is one input of several, and what was known last stands.
      { name: "registry", ok: true, detail: this.connected?.registry?.describe() ?? "no registry is followed" },
      // Who answers: a supervisor must not take another process on this port for its own.
      { name: "pod", ok: true, detail: this.pod.uid },
      // Requests are answered without it, so it does not make the router unready.
      { name: "submit", ok: true, detail: submits ?? "durable intake is open" },
      {
        name: "pipelines",
        ok: true,
        detail: this.connected?.pipelines.unavailable ?? "inputs of pipelines are pulled",
      },
    ];
  }

  private async connect(): Promise<void> {
    const { config, log, names, counters, processors, routerKey: router, pod } = this;
    const link = await connectNats({ ...natsOptions(config), name: `beamline-router ${pod.name}`, log });
    const user = await readServerUser(link);
    const deadLetters = new DeadLetterBudget(config.deadLettersPerSecond, systemClock);
    const directory = () => this.connected?.registry?.directory ?? NO_PROCESSORS;
    const { allowedSubjects, publishTimeoutMs } = config;
    const steps = new StepCaller({ link, names, allowedSubjects, processors, directory });
    const outbox = new Outbox({ link, names, publishTimeoutMs, deadLetters, steps });
    const context = () => this.context;
    const handler = new Router({ link, names, outbox, metrics: counters, log, context });
    const onTable = (table: RoutingTable, revision: number, ack: RouterAck) => this.serve(table, revision, ack);
    const opening = new Opening({ link, names, router, log, onOpen: () => void this.open() });
    const registry = config.registryEnabled ? this.followRegistry(link) : undefined;
    this.connected = {
      link,
      inboxesClosed: user !== undefined && !mayPublish(user, ANY_INBOX),
      opening,
      registry,
      tables: new TableSource({ link, names, router, pod, log, onTable }),
      requests: new RequestIntake({
        nc: link.nc,
        connected: () => link.connected(),
        router: handler,
        window: config.requestWindow,
      }),
      submits: new DurableIntake({
        link,
        names,
        stream: names.streams.submit,
        consumer: names.consumers.decide,
        window: config.submitWindow,
        log,
        handle: (delivery, settle) => handler.handle("submit", delivery, settle),
      }),
      pipelines: new Pipelines({
        link,
        names,
        outbox,
        calls: processors,
        metrics: this.pipelineCounters,
        log,
        publishTimeoutMs: config.publishTimeoutMs,
        context,
        verdicts: () => directory().verdicts,
        newId: newRandomId,
      }),
    };
  }

  private followRegistry(link: NatsLink): HealthSource {
    const { log, metrics } = this;
    const onChange = (snapshot: HealthSnapshot): void => {
      if (this.context !== undefined) this.context = withSnapshot(this.context, snapshot);
    };
    const registry = new HealthSource({ link, log, clock: systemClock, onChange });
    declareVerdictMetrics(metrics, registry);
    return registry;
  }

  /** A table replaces what messages are judged by from now on. The first one opens the intake, unless it has to wait. */
  private serve(table: RoutingTable, revision: number, ack: RouterAck): void {
    const { config, routerKey, names } = this;
    const inboxesClosed = this.connected?.inboxesClosed ?? false;
    const snapshot = this.connected?.registry?.snapshot ?? emptySnapshot;
    const schemas = schemaTable;
    this.context = contextFor({ config, routerKey, names, schemas, table, revision, snapshot, inboxesClosed });
    this.counters.setRevision(revision, ack.rejectedCount);
    this.revision = revision;
    this.connected?.opening.tableApplied(ack);
  }

  private async open(): Promise<void> {
    await this.connected?.registry?.whenRead(REGISTRY_PATIENCE_MS);
    if (this.draining) return;
    this.opened = true;
    this.connected?.requests.start();
    this.connected?.submits.start();
    this.connected?.pipelines.start();
    this.log.info("router ready", { pod: this.pod.name, revision: this.revision });
  }

  private async drain(): Promise<void> {
    this.draining = true;
    this.connected?.opening.stop();
    const { requests, submits, pipelines } = this.connected ?? {};
    await Promise.all([requests?.stop(), submits?.stop(), pipelines?.stop()]);
  }

  private async disconnect(deadlineMs: number): Promise<void> {
    this.processors.close();
    await this.connected?.link.drain(deadlineMs);
  }
}
