// Routers as children of this process: as many as asked for, replaced one by one when their environment changes.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { Infrastructure, InfrastructureStatus, ObservedPod, RouterDeployment } from "../../interfaces.ts";
import { type LogFile, openLogFile, standardError } from "./log-file.ts";
import { missingRouterProgram, RouterProcess } from "./router-process.ts";

export interface ProcessInfrastructureOptions {
  /** Path of `router/main.ts` (or its compiled form). */
  readonly routerMain: string;
  readonly healthHost: string;
  /** Routers are named `<prefix>-0`, `<prefix>-1`, …; `router` when absent. Two operators on one bus must differ in it. */
  readonly namePrefix?: string;
  /** Router i answers /livez, /readyz and /metrics on this port + i. */
  readonly healthBasePort: number;
  /** Folder for `<router>.log`; standard error when absent. */
  readonly logDir?: string;
  readonly log: Logger;
}

/** Routers on one machine. */
export const MAX_ROUTERS = 64;
/** How long a router may drain when it is replaced or ended. */
export const DRAIN_DEADLINE_MS = 10_000;
/** How long a roll-out waits for a new router before it looks again. */
const ROLL_CHECK_MS = 100;

export class ProcessInfrastructure implements Infrastructure {
  readonly platform = "processes";
  private readonly options: ProcessInfrastructureOptions;
  private readonly routers: RouterProcess[] = [];
  private readonly outputs = new Map<RouterProcess, LogFile>();
  /** Routers on their way out; they stay visible until they are gone. */
  private readonly leaving = new Set<RouterProcess>();
  private deployment: RouterDeployment | undefined;
  private onChange: () => void = () => undefined;
  private rolling: Promise<void> | undefined;
  private stopped = false;

  constructor(options: ProcessInfrastructureOptions) {
    this.options = options;
  }

  start(onChange: () => void): void {
    if (!existsSync(this.options.routerMain)) throw missingRouterProgram(this.options.routerMain);
    this.onChange = onChange;
  }

  ensureRouters(deployment: RouterDeployment): void {
    if (this.stopped) return;
    this.deployment = deployment;
    const count = Math.min(deployment.replicas, MAX_ROUTERS);
    while (this.routers.length > count) this.retire();
    for (const router of this.routers) router.want(deployment.environment);
    // A name comes back only when its former process is gone: both would listen on one port.
    while (this.routers.length < count && this.leaving.size === 0) this.add(deployment.environment);
    this.rolling ??= this.roll().finally(() => {
      this.rolling = undefined;
    });
  }

  pods(): readonly ObservedPod[] {
    return [...this.routers, ...this.leaving].map((router) => router.observe());
  }

  /** There are no processes but those that it starts. */
  isObserved(): boolean {
    return true;
  }

  /** Of processes there is nothing to say but what each of them says. */
  status(): InfrastructureStatus {
    return {};
  }

  async stop(deadlineMs: number): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.routers, ...this.leaving].map((router) => router.stop(deadlineMs)));
    await this.rolling;
    await Promise.all([...this.outputs.keys()].map((router) => this.closeOutput(router)));
  }

  private add(environment: Readonly<Record<string, string>>): void {
    const { routerMain, healthHost, healthBasePort, log, namePrefix = "router" } = this.options;
    const index = this.routers.length;
    const name = `${namePrefix}-${index}`;
    const output = this.openOutput(name);
    const router = new RouterProcess({
      name,
      command: [process.execPath, routerMain],
      healthHost,
      healthPort: healthBasePort + index,
      log,
      output,
      onChange: () => this.onChange(),
    });
    this.outputs.set(router, output);
    this.routers.push(router);
    router.want(environment);
  }

  private openOutput(name: string): LogFile {
    const { logDir, log } = this.options;
    return logDir === undefined ? standardError : openLogFile(join(logDir, `${name}.log`), log);
  }

  private async closeOutput(router: RouterProcess): Promise<void> {
    const output = this.outputs.get(router);
    this.outputs.delete(router);
    await output?.close();
  }

  /** The last one goes, so that names and ports stay without gaps. */
  private retire(): void {
    const router = this.routers.pop();
    if (router === undefined) return;
    this.leaving.add(router);
    void router.stop(DRAIN_DEADLINE_MS).then(async () => {
      await this.closeOutput(router);
      this.leaving.delete(router);
      this.onChange();
      if (this.deployment !== undefined) this.ensureRouters(this.deployment);
    });
  }

  /** One at a time, and the next only when the one before is ready: the others take its messages meanwhile. */
  private async roll(): Promise<void> {
    for (;;) {
      const outdated = this.routers.find((router) => isOutdated(router.observe()));
      if (outdated === undefined || this.stopped || this.deployment?.held !== undefined) return;
      try {
        await outdated.replace(DRAIN_DEADLINE_MS);
      } catch (error) {
        this.options.log.error("router not replaced", { pod: outdated.name, reason: reasonOf(error) });
        return;
      }
      await this.whenReady(outdated);
    }
  }

  private async whenReady(router: RouterProcess): Promise<void> {
    while (!this.stopped && this.routers.includes(router) && !router.observe().ready) {
      await new Promise((resolve) => setTimeout(resolve, ROLL_CHECK_MS));
    }
  }
}

function isOutdated(pod: ObservedPod): boolean {
  return pod.pid !== undefined && !pod.updated;
}
