// The parts of `beamline up` in the order in which they start: nats-server, connection, operator with its routers, control plane, worker.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { trustFor } from "../core/trust/trust.ts";
import { type OperatorConfig, ROUTER_ENVIRONMENT } from "../operator/config.ts";
import { type LogFile, openLogFile } from "../operator/infrastructure/processes/log-file.ts";
import { type RunningOperator, startOperator } from "../operator/start-operator.ts";
import { BeamlineError } from "../runtime/errors.ts";
import type { Step } from "../runtime/lifecycle.ts";
import type { Logger } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { connectNats, type NatsLink } from "../runtime/nats/connection.ts";
import { natsOptions } from "../runtime/nats/settings.ts";
import { AccountFolder, accountsConfPath, credentialsPath } from "./accounts/account-folder.ts";
import { prepareAccounts } from "./accounts/prepare-accounts.ts";
import { type Endpoints, removeEndpoints, writeEndpoints } from "./endpoints.ts";
import { LocalControlPlane } from "./local-control-plane.ts";
import { accountsDirIn, accountsDirOf, operatorConfigOf } from "./local-operator.ts";
import { NatsSupervisor } from "./nats-supervisor.ts";
import { withProgress } from "./progress.ts";
import type { SupervisedOptions, SupervisedProcess } from "./supervised-process.ts";
import type { Terminal } from "./terminal.ts";
import { HOST, type UpSettings } from "./up-settings.ts";
import type { RunningSystem } from "./up-summary.ts";
import { createWorkerProcess } from "./worker-process.ts";

export interface LocalSystemOptions {
  readonly settings: UpSettings;
  readonly terminal: Terminal;
  readonly log: Logger;
  /** Folder of the log files. */
  readonly logDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const CONNECT_TIMEOUT_MS = 5_000;
const READY_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 50;
/** Deadlines of the stops; routers drain within that of the operator, whose own work takes a second of it. */
const STOP_MS = { worker: 1_000, controlPlane: 800, operator: 5_200, nats: 2_000 } as const;
const ROUTER_DRAIN = "4200ms";

export class LocalSystem {
  private readonly options: LocalSystemOptions;
  private readonly config: OperatorConfig;
  private readonly failure = new AbortController();
  private readonly outputs: LogFile[] = [];
  private readonly nats: NatsSupervisor | undefined;
  private readonly controlPlane: LocalControlPlane | undefined;
  private worker: SupervisedProcess | undefined;
  private link: NatsLink | undefined;
  private operator: RunningOperator | undefined;

  /** Throws CONFIG_INVALID for what the environment says. */
  constructor(options: LocalSystemOptions) {
    this.options = options;
    this.config = operatorConfigOf(options);
    const { natsUrl, controlPlanePort } = options.settings;
    this.nats = natsUrl === undefined ? this.createNats() : undefined;
    this.controlPlane = controlPlanePort === 0 ? undefined : this.createControlPlane(controlPlanePort);
  }

  /** Aborted, with the error, when a part ended that cannot be brought back. */
  get failed(): AbortSignal {
    return this.failure.signal;
  }

  /** In the order of their start; the lifecycle stops them in reverse. */
  steps(): readonly Step[] {
    const { nats, controlPlane } = this;
    const { dataDir, secure, worker } = this.options.settings;
    return [
      ...(secure === undefined ? [] : [{ name: "accounts", start: () => this.prepareAccounts(secure.fixedSubjects) }]),
      ...(nats === undefined
        ? []
        : [
            {
              name: "nats-server",
              start: () => this.progress("starting nats-server", () => nats.start()),
              stop: (deadlineMs: number) => nats.stop(deadlineMs),
              stopTimeoutMs: STOP_MS.nats,
            },
          ]),
      { name: "connection", start: () => this.connect(), stop: () => this.link?.close() },
      {
        name: "operator",
        start: () => this.startOperator(),
        stop: (deadlineMs) => this.operator?.stop(deadlineMs),
        stopTimeoutMs: STOP_MS.operator,
      },
      { name: "routers", start: () => this.progress("waiting for the routers", () => this.awaitRouters()) },
      ...(controlPlane === undefined
        ? []
        : [
            {
              name: "control plane",
              start: () => this.progress("starting the control plane", () => controlPlane.start()),
              stop: (deadlineMs: number) => controlPlane.stop(deadlineMs),
              stopTimeoutMs: STOP_MS.controlPlane,
            },
          ]),
      ...(worker === undefined
        ? []
        : [
            {
              name: "worker",
              start: () => this.startWorker(worker),
              stop: (deadlineMs: number) => this.worker?.stop(deadlineMs),
              stopTimeoutMs: STOP_MS.worker,
            },
          ]),
      {
        name: "endpoints",
        start: () => writeEndpoints(dataDir, this.endpoints()),
        stop: () => removeEndpoints(dataDir),
      },
      { name: "output", stop: () => Promise.all(this.outputs.map((output) => output.close())).then(() => undefined) },
    ];
  }

  /** Once everything has started. */
  describe(cwd: string): RunningSystem {
    const { settings, logDir } = this.options;
    const program = this.nats?.program;
    const origin =
      program === undefined ? "" : `nats-server ${program.version} from ${program.source}, process ${this.nats?.pid}`;
    return {
      settings,
      cwd,
      natsUrl: this.config.natsUrl,
      natsOrigin: origin === "" ? `nats-server ${this.link?.serverVersion}, running already` : origin,
      httpUrl: this.started().httpUrl,
      workerPid: this.worker?.pid,
      controlPlane: this.describeControlPlane(),
      logDir,
      accountsDir: accountsDirOf(settings),
      retentionMs: this.config.handoverRetentionMs,
      status: this.started().document(),
    };
  }

  private endpoints(): Endpoints {
    const accountsDir = accountsDirOf(this.options.settings);
    const { natsUrl } = this.config;
    return {
      natsUrl,
      httpUrl: this.started().httpUrl,
      ...(accountsDir === undefined ? {} : { accountsDir }),
      ...(this.controlPlane === undefined ? {} : { controlPlane: this.controlPlane.endpoint }),
    };
  }

  private describeControlPlane(): RunningSystem["controlPlane"] {
    if (this.controlPlane === undefined) return undefined;
    const { endpoint, pid, newKey } = this.controlPlane;
    return { ...endpoint, pid, newKey };
  }

  /** Those of the last start are taken as they are, so that credentials that were given away stay valid. */
  private async prepareAccounts(fixedSubjects: readonly string[]): Promise<void> {
    const trust = trustFor({ prefixes: [this.config.subjectsPrefix], fixedSubjects });
    const folder = new AccountFolder(accountsDirIn(this.options.settings.dataDir));
    await prepareAccounts(folder, { trust, nowMs: Date.now });
  }

  private createNats(): NatsSupervisor {
    const { settings, terminal } = this.options;
    const accountsDir = accountsDirOf(settings);
    return new NatsSupervisor({
      host: HOST,
      port: settings.natsPort,
      dataDir: join(settings.dataDir, "nats"),
      program: settings.natsServer,
      configFile: accountsDir === undefined ? undefined : accountsConfPath(accountsDir),
      onLine: this.openOutput("nats-server"),
      note: (line) => terminal.note(line, "dim"),
      onFailure: (error) => this.failure.abort(error),
    });
  }

  private createControlPlane(port: number): LocalControlPlane {
    const { settings, env } = this.options;
    return new LocalControlPlane({
      settings,
      port,
      natsUrl: this.config.natsUrl,
      accountsDir: accountsDirOf(settings),
      env,
      signal: this.failed,
      ...this.childOutput("control plane", "controlplane"),
    });
  }

  private startWorker(script: string): void {
    const accountsDir = accountsDirOf(this.options.settings);
    this.worker = createWorkerProcess({
      script,
      natsUrl: this.config.natsUrl,
      credentialsFile: accountsDir === undefined ? undefined : credentialsPath(accountsDir, "worker"),
      controlPlane: this.controlPlane?.workerEndpoint,
      ...this.childOutput("worker", "worker"),
    });
    this.worker.start();
  }

  private childOutput(name: string, logName: string): Pick<SupervisedOptions, "onLine" | "onUnexpectedExit"> {
    const { terminal } = this.options;
    return {
      onLine: this.openOutput(logName),
      onUnexpectedExit: (how, lastLines) => {
        terminal.note(`the ${name} ended (${how}) and is started again`, "yellow");
        for (const line of lastLines) terminal.note(`  ${line}`, "dim");
      },
    };
  }

  private async connect(): Promise<void> {
    const options = { ...natsOptions(this.config), timeoutMs: CONNECT_TIMEOUT_MS };
    this.link = await this.progress(`connecting to ${options.url}`, () =>
      connectNats({ ...options, name: "beamline-operator", log: this.options.log }),
    );
  }

  private async startOperator(): Promise<void> {
    const { link, config } = this;
    if (link === undefined) throw new Error("the operator starts after the connection");
    const { log, env } = this.options;
    const inherited = ROUTER_ENVIRONMENT.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
    const routerEnvironment = { BEAMLINE_DRAIN_TIMEOUT: ROUTER_DRAIN, ...Object.fromEntries(inherited) };
    this.operator = await this.progress("starting the operator", () =>
      startOperator(config, link, { log, metrics: createMetrics(), routerEnvironment }),
    );
  }

  /** Ready, and on the revision that was written: from then on every printed command works. */
  private async awaitRouters(): Promise<void> {
    const endMs = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const { router, routers, revision } = this.started().document();
      const refused = router.conditions.find(({ type, status }) => type === "Accepted" && status === "False");
      const ready = routers.every((one) => one.ready && one.appliedRevision === revision);
      if (refused === undefined && ready) return;
      if (performance.now() > endMs) {
        // Another operator serves this bus, and has gone on doing so for longer than its lease lasts.
        if (refused !== undefined) throw new BeamlineError("UNAVAILABLE", refused.message);
        const states = routers.map(
          ({ name, ready, starts }) => `${name} ${ready ? "ready" : "not ready"}, started ${starts} times`,
        );
        throw new BeamlineError(
          "DEADLINE_EXCEEDED",
          `the routers were not ready within ${READY_TIMEOUT_MS} ms: ${states.join("; ")}`,
          {
            hint: `See their logs in ${this.options.logDir}.`,
          },
        );
      }
      await delay(READY_POLL_MS, undefined, { signal: this.failed });
    }
  }

  private started(): RunningOperator {
    if (this.operator === undefined) throw new Error("the operator has not started");
    return this.operator;
  }

  private progress<T>(activity: string, work: () => Promise<T>): Promise<T> {
    return withProgress(this.options.terminal, activity, work);
  }

  private openOutput(name: string): (line: string) => void {
    const file = openLogFile(join(this.options.logDir, `${name}.log`), this.options.log);
    this.outputs.push(file);
    return (line) => file.write(line);
  }
}
