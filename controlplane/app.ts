// A control plane put together: what is started in which order, and what a stop ends in the reverse one.
import { randomBytes } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { systemClock } from "../runtime/clock.ts";
import { BeamlineError } from "../runtime/errors.ts";
import { type Check, type HealthServer, startHealthServer } from "../runtime/health.ts";
import type { Step } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { createEarlyRefusal } from "./access/early-refusal.ts";
import { type Access, isLoopback, openAccess } from "./access/open-access.ts";
import { Administration } from "./admin/administration.ts";
import { createAskMetrics } from "./asking/ask-metrics.ts";
import { ComponentAsker } from "./asking/component-asker.ts";
import { DialRules } from "./asking/dial-rules.ts";
import { CallFrame } from "./call-frame.ts";
import type { TlsFiles } from "./certificate-files.ts";
import type { ControlPlaneConfig } from "./config.ts";
import { Configurations } from "./configurations.ts";
import { createCredentials } from "./credentials.ts";
import { LiveRegistry } from "./live-registry.ts";
import { createControlPlaneMetrics, declareRegistryMetrics } from "./metrics.ts";
import { OpenStreams } from "./open-streams.ts";
import { createReplication } from "./replication/create-replication.ts";
import type { Replication } from "./replication/replication.ts";
import { ALONE, describeSharing } from "./replication/sharing-status.ts";
import { SERVED } from "./served.ts";
import { GrpcServer, type ServiceEntry } from "./server.ts";
import { controlPlaneService } from "./services/control-plane.ts";
import { flowctlService } from "./services/flowctl.ts";
import { HealthService } from "./services/health.ts";
import { registryService } from "./services/registry.ts";
import { createSharedAgeInterceptor } from "./shared-age.ts";

const EPOCH_BYTES = 12;

export class ControlPlaneApp {
  private readonly config: ControlPlaneConfig;
  private readonly log: Logger;
  private readonly metrics = createMetrics();
  private readonly counters = createControlPlaneMetrics(this.metrics);
  private readonly registry: LiveRegistry;
  private readonly configurations = new Configurations();
  private readonly replication: Replication | undefined;
  private readonly watches: OpenStreams;
  private readonly heartbeats: OpenStreams;
  private readonly healthWatches: OpenStreams;
  private readonly scalerStreams: OpenStreams;
  private readonly administration: Administration;
  private readonly asker: ComponentAsker;
  private readonly auditLog: Logger;
  private readonly clock: Clock;
  private access: Access | undefined;
  private grpcHealth: HealthService | undefined;
  private server: GrpcServer | undefined;
  private health: HealthServer | undefined;
  private boundPort: number | undefined;
  private draining = false;

  /** `auditLog` must not leave out lines. */
  constructor(config: ControlPlaneConfig, log: Logger, auditLog: Logger = log, clock: Clock = systemClock) {
    this.config = config;
    this.log = log;
    this.auditLog = auditLog;
    this.clock = clock;
    const { maxStreams, maxComponents, ttlMs, replicas } = config;
    const epoch = randomBytes(EPOCH_BYTES).toString("hex");
    const settings = { replicas, ttlMs, maxComponents };
    this.registry = new LiveRegistry({ epoch, self: epoch, settings, log, clock });
    declareRegistryMetrics(this.metrics, () => this.registry.state);
    const { registry, configurations } = this;
    this.replication = createReplication(config, { registry, configurations, metrics: this.metrics, log });
    const streams = (kind: Parameters<typeof this.counters.setStreams>[0]) =>
      new OpenStreams({ maxStreams, onCount: (count) => this.counters.setStreams(kind, count) });
    this.watches = streams("watch");
    this.heartbeats = streams("heartbeats");
    this.healthWatches = streams("health");
    this.scalerStreams = streams("scaler");
    this.administration = new Administration({ config, clock, link: () => this.replication?.link });
    this.asker = this.createAsker();
  }

  /** The port of the gRPC server, once it has started. */
  get port(): number | undefined {
    return this.boundPort;
  }

  /** The port of the health pages, once they are up. */
  get healthPort(): number | undefined {
    return this.health?.port;
  }

  /** Stopped from the last to the first: callers are sent away before the registry that they talk to ends. */
  steps(): readonly Step[] {
    return [
      { name: "health", start: () => this.startHealth(), stop: () => this.health?.stop() },
      { name: "registry", start: () => this.startRegistry(), stop: () => this.registry.stop() },
      { name: "asker", start: () => this.startAsker(), stop: () => this.asker.stop() },
      { name: "administration", start: () => this.administration.start(), stop: () => this.administration.stop() },
      {
        name: "replication",
        start: () => this.replication?.start(),
        stop: (deadlineMs) => this.replication?.stop(deadlineMs),
        stopTimeoutMs: REPLICATION_STOP_MS,
      },
      {
        name: "grpc",
        start: () => this.startServer(),
        stop: (deadlineMs) => this.stopServer(deadlineMs),
        stopTimeoutMs: this.config.drainTimeoutMs + CUT_MS,
      },
    ];
  }

  private implementations(frame: CallFrame, health: HealthService): readonly ServiceEntry[] {
    const { registry, configurations, watches, heartbeats } = this;
    const byName: Readonly<Record<string, ServiceEntry["implementation"]>> = {
      "obsrvr.flow.controlplane.ControlPlane": controlPlaneService(frame, registry),
      "beamline.control.v1.Registry": registryService({ frame, registry, configurations, watches, heartbeats }),
      "flowctl.v1.ControlPlaneService": flowctlService(frame, registry),
      "grpc.health.v1.Health": health.implementation(),
      ...this.administration.services(frame, this.scalerStreams),
    };
    return SERVED.map(({ name, definition }) => {
      const implementation = byName[name];
      if (implementation === undefined) throw new Error(`nothing serves ${name}`);
      return { definition, implementation };
    });
  }

  private createAsker(): ComponentAsker {
    const { registry, log, config } = this;
    // Where everything is on one machine, addresses of this machine are those of components.
    const rules = new DialRules({ allow: config.dialAllow, loopback: isLoopback(config.address) });
    const { healthEveryMs } = config;
    return new ComponentAsker({ registry, rules, log, healthEveryMs, metrics: createAskMetrics(this.metrics) });
  }

  private startAsker(): void {
    if (this.config.askComponents) this.asker.start();
  }

  private async startHealth(): Promise<void> {
    const { healthHost: host, healthPort: port } = this.config;
    const { metrics } = this;
    this.health = await startHealthServer({ host, port, metrics, live: () => [], ready: () => this.readiness() });
  }

  private readiness(): readonly Check[] {
    const { live, late, lost, held } = this.registry.state.counts;
    return [
      { name: "grpc", ok: this.boundPort !== undefined, detail: `gRPC on ${this.config.address}` },
      { name: "serving", ok: !this.draining, detail: "not draining" },
      // Whoever looks finds out what the registry thinks; components in trouble do not make the control plane unready.
      { name: "registry", ok: true, detail: `${live} live, ${late} late (${held} held), ${lost} lost` },
      // Without NATS it serves what it knows.
      { name: "sharing", ok: true, detail: describeSharing(this.replication?.status() ?? ALONE) },
    ];
  }

  private startRegistry(): void {
    this.registry.onNotices((notices) => {
      for (const notice of notices) {
        if (notice.kind === "guardTripped") this.counters.countGuardTrip();
        if (notice.kind === "removed") this.configurations.remove(notice.component.registration);
      }
    });
    this.registry.start();
  }

  private async startServer(): Promise<void> {
    const { config, log, auditLog, clock, counters, replication } = this;
    const { address } = config;
    const tls = tlsFiles(config);
    const credentials = await createCredentials(tls, { log });
    this.access = await openAccess({ config, log, auditLog, clock });
    const { control, mode: auth } = this.access;
    const frame = new CallFrame({ access: control, metrics: counters, clock, log });
    this.grpcHealth = new HealthService({ frame, streams: this.healthWatches });
    const interceptors = [
      ...(replication === undefined ? [] : [createSharedAgeInterceptor(() => replication.status().ageMs)]),
      // Where anybody may call, nobody is refused.
      ...(auth === "none" ? [] : [createEarlyRefusal(control, counters)]),
    ];
    const options = { ...config, credentials, connections: counters.connections, interceptors };
    this.server = new GrpcServer(options, this.implementations(frame, this.grpcHealth));
    this.boundPort = await this.server.start();
    log.info("control plane serving", { address, port: this.boundPort, tls: tls !== undefined, auth });
    if (tls === undefined && !isLoopback(address))
      log.warn("gRPC is in plaintext beyond this machine", {
        address,
        hint: "set BEAMLINE_CONTROLPLANE_TLS_CERT_FILE",
      });
  }

  private async stopServer(deadlineMs: number): Promise<void> {
    this.draining = true;
    this.grpcHealth?.setServing(false);
    for (const streams of [this.watches, this.heartbeats, this.healthWatches, this.scalerStreams]) streams.stop();
    await this.server?.stop(Math.max(0, deadlineMs - CUT_MS));
    this.access?.stop();
  }
}

/** What a stop may take to write what other replicas should know. */
const REPLICATION_STOP_MS = 2_000;
/** Kept of the time for a stop, to cut what is left. */
const CUT_MS = 500;

function tlsFiles({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: ControlPlaneConfig): TlsFiles | undefined {
  if (tlsCertFile === undefined && tlsKeyFile === undefined && tlsClientCaFile === undefined) return undefined;
  if (tlsCertFile === undefined || tlsKeyFile === undefined) {
    throw new BeamlineError("CONFIG_INVALID", "TLS needs both a certificate and its key", {
      hint: "Set BEAMLINE_CONTROLPLANE_TLS_CERT_FILE and BEAMLINE_CONTROLPLANE_TLS_KEY_FILE.",
    });
  }
  return {
    certFile: tlsCertFile,
    keyFile: tlsKeyFile,
    ...(tlsClientCaFile === undefined ? {} : { clientCaFile: tlsClientCaFile }),
  };
}
