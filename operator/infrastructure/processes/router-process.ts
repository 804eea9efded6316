// One router as a child process: started, watched, started again with back-off, ended in order.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { type BackoffSpec, backoffMs } from "../../../core/reconcile/backoff.ts";
import { BeamlineError, EXIT_CODES, reasonOf } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { ObservedPod } from "../../interfaces.ts";
import type { LogFile } from "./log-file.ts";
import { probeReadiness, type Readiness } from "./probe-readiness.ts";

export interface RouterProcessOptions {
  readonly name: string;
  /** Program and arguments of the router. */
  readonly command: readonly string[];
  readonly healthHost: string;
  readonly healthPort: number;
  readonly log: Logger;
  /** Where the lines go that it prints. */
  readonly output: LogFile;
  onChange(): void;
}

/** A router that ends is started again after this. */
export const RESTART_BACKOFF: BackoffSpec = { baseMs: 500, maxMs: 30_000 };
/** One that ran this long was well: the next failure counts as the first. */
const HEALTHY_AFTER_MS = 60_000;
/** How often readiness is asked for: often until it is there. */
const STARTING_PROBE_MS = 100;
const STEADY_PROBE_MS = 1_000;
/** A router that is busy for a moment is not gone. */
const FAILED_PROBES_UNTIL_NOT_READY = 2;
const MAX_FAILURE_LENGTH = 500;

interface Running {
  readonly child: ChildProcess;
  readonly uid: string;
  readonly startedMs: number;
  readonly environment: string;
  readonly exited: Promise<void>;
}

export class RouterProcess {
  private readonly options: RouterProcessOptions;
  private environment: Readonly<Record<string, string>> = {};
  private running: Running | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wanted = false;
  /** Being ended on request, to come back with another environment. */
  private replacing = false;
  private ready = false;
  private failedProbes = 0;
  private starts = 0;
  private failures = 0;
  private failure: string | undefined;
  private lastErrorLine: string | undefined;
  private uid = "";

  constructor(options: RouterProcessOptions) {
    this.options = options;
  }

  get name(): string {
    return this.options.name;
  }

  /** Runs it from now on; an environment that differs counts from the next start. */
  want(environment: Readonly<Record<string, string>>): void {
    this.environment = environment;
    if (this.wanted) return;
    this.wanted = true;
    this.start();
  }

  observe(): ObservedPod {
    const { name, healthHost, healthPort } = this.options;
    return {
      name,
      uid: this.uid,
      ready: this.ready,
      pid: this.running?.child.pid,
      healthUrl: `http://${healthHost}:${healthPort}`,
      starts: this.starts,
      updated: this.running !== undefined && this.running.environment === JSON.stringify(this.environment),
      failure: this.ready ? undefined : this.failure,
    };
  }

  /** Ends what runs so that it starts again with the environment wanted now; resolves when the old process is gone. */
  async replace(deadlineMs: number): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    this.failures = 0;
    this.replacing = true;
    await this.end(running, deadlineMs);
  }

  /** Asks it to end, waits, and at the deadline kills it. It is not started again. */
  async stop(deadlineMs: number): Promise<void> {
    this.wanted = false;
    clearTimeout(this.timer);
    if (this.running !== undefined) await this.end(this.running, deadlineMs);
  }

  private start(): void {
    const { name, command, healthHost, healthPort, log } = this.options;
    const [program, ...args] = command;
    if (program === undefined) throw new Error("no program for a router");
    this.uid = randomUUID();
    this.starts++;
    this.lastErrorLine = undefined;
    const child = spawn(program, args, {
      // Standard input is the pipe by which a child learns that its parent is gone.
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...inheritedEnvironment(process.env),
        ...this.environment,
        BEAMLINE_POD_NAME: name,
        BEAMLINE_POD_UID: this.uid,
        BEAMLINE_HEALTH_HOST: healthHost,
        BEAMLINE_HEALTH_PORT: String(healthPort),
        BEAMLINE_PARENT_PIPE: "true",
      },
    });
    const exited = new Promise<void>((resolve) => {
      child.once("error", (error) => {
        this.lastErrorLine = reasonOf(error);
        if (child.pid === undefined) {
          this.handleExit(child, null, null);
          resolve();
        }
      });
      child.once("exit", (code, signal) => {
        this.handleExit(child, code, signal);
        resolve();
      });
    });
    // Writing to a child that has just ended must not end the parent.
    child.stdin.on("error", () => undefined);
    this.follow(child);
    const environment = JSON.stringify(this.environment);
    this.running = { child, uid: this.uid, startedMs: performance.now(), environment, exited };
    log.info("router started", { pod: name, pod_uid: this.uid, pid: child.pid, starts: this.starts });
    this.probeIn(STARTING_PROBE_MS);
    this.options.onChange();
  }

  private follow(child: ChildProcess): void {
    const { output } = this.options;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        output.write(line);
        if (stream === child.stderr && line.trim() !== "")
          this.lastErrorLine ??= line.trim().slice(0, MAX_FAILURE_LENGTH);
      });
    }
  }

  private handleExit(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    const { running, options } = this;
    if (running !== undefined && running.child !== child) return;
    clearTimeout(this.timer);
    this.running = undefined;
    this.ready = false;
    const ranMs = running === undefined ? 0 : performance.now() - running.startedMs;
    this.failures = ranMs >= HEALTHY_AFTER_MS ? 1 : this.failures + 1;
    const how = signal === null ? `ended with ${describeExit(code)}` : `was ended by ${signal}`;
    this.failure = this.lastErrorLine === undefined ? how : `${how}: ${this.lastErrorLine}`;
    if (this.wanted) {
      const delayMs = this.replacing ? 0 : backoffMs(RESTART_BACKOFF, this.failures, Math.random());
      options.log.warn("router ended", { pod: options.name, code, signal, reason: this.failure, restart_ms: delayMs });
      this.timer = setTimeout(() => this.start(), delayMs);
    }
    this.replacing = false;
    options.onChange();
  }

  private probeIn(delayMs: number): void {
    clearTimeout(this.timer);
    const { running } = this;
    if (running === undefined) return;
    this.timer = setTimeout(() => {
      const { healthHost: host, healthPort: port } = this.options;
      void probeReadiness({ host, port, podUid: running.uid }).then((readiness) => {
        if (this.running !== running) return;
        this.takeProbe(readiness);
        this.probeIn(this.ready ? STEADY_PROBE_MS : STARTING_PROBE_MS);
      });
    }, delayMs);
  }

  private takeProbe(readiness: Readiness): void {
    const ok = readiness === "ready";
    this.failedProbes = ok ? 0 : this.failedProbes + 1;
    const ready = ok || (this.ready && this.failedProbes < FAILED_PROBES_UNTIL_NOT_READY);
    const failure = ready ? undefined : this.describeProbe(readiness);
    if (ready === this.ready && (failure === undefined || failure === this.failure)) return;
    this.ready = ready;
    this.failure = failure;
    this.options.onChange();
  }

  /** Undefined for a router that is starting: that it does not answer yet is no failure. */
  private describeProbe(readiness: Readiness): string | undefined {
    if (readiness === "other") return `another process answers on port ${this.options.healthPort}`;
    return this.ready ? "does not answer /readyz" : undefined;
  }

  private async end({ child, exited }: Running, deadlineMs: number): Promise<void> {
    child.kill("SIGTERM");
    const killer = setTimeout(() => {
      this.options.log.warn("router killed", { pod: this.options.name, deadline_ms: Math.round(deadlineMs) });
      child.kill("SIGKILL");
    }, deadlineMs);
    await exited;
    clearTimeout(killer);
  }
}

/** What a child inherits: everything but the settings of this process, which the router does not know. */
function inheritedEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("BEAMLINE_")));
}

function describeExit(code: number | null): string {
  if (code === null) return "no exit code";
  const names = Object.entries(EXIT_CODES).flatMap(([name, value]) => (value === code ? [name] : []));
  return names.length === 1 ? `exit code ${code} (${names[0]})` : `exit code ${code}`;
}

/** For a program that cannot be there at all: said at once instead of tried for ever. */
export function missingRouterProgram(path: string): BeamlineError {
  return new BeamlineError("PROCESS_FAILED", `the router program ${path} does not exist`, {
    hint: "Reinstall Beamline, or name the program with BEAMLINE_ROUTER_MAIN.",
  });
}
