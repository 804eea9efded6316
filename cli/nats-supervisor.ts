// The nats-server of `beamline up`: found, started, started again when it ends, stopped last.
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../core/reconcile/backoff.ts";
import { type FoundNatsServer, findNatsServer } from "./nats-server.ts";
import { type NatsProcess, startNatsServer } from "./nats-server-process.ts";

export interface NatsSupervisorOptions {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** The program to run and no other. */
  readonly program: string | undefined;
  /** A configuration file for it. */
  readonly configFile?: string | undefined;
  /** Gets each line of its log. */
  readonly onLine: (line: string) => void;
  /** Told about what takes long, and about restarts. */
  readonly note: (line: string) => void;
  /** Called when it ended and could not be started again. */
  onFailure(error: unknown): void;
}

const RESTART_BACKOFF = { baseMs: 200, maxMs: 5_000 };
/** A server that ran this long was well: its next end counts as the first. */
const STABLE_MS = 60_000;

export class NatsSupervisor {
  private readonly options: NatsSupervisorOptions;
  private readonly stopped = new AbortController();
  private server: NatsProcess | undefined;
  private starting: Promise<void> = Promise.resolve();
  private watching: Promise<void> = Promise.resolve();
  /** Known once it has started. */
  program: FoundNatsServer | undefined;

  constructor(options: NatsSupervisorOptions) {
    this.options = options;
  }

  get url(): string {
    return `nats://${this.options.host}:${this.options.port}`;
  }

  get pid(): number | undefined {
    return this.server?.pid;
  }

  /** Throws what `findNatsServer` and `startNatsServer` throw. */
  start(): Promise<void> {
    this.starting = this.startOnce();
    return this.starting;
  }

  /** Also when it is still starting: then it ends as soon as it has started. */
  async stop(deadlineMs: number): Promise<void> {
    this.stopped.abort();
    // Whoever called start has been told of its failure.
    await this.starting.catch(() => undefined);
    await this.server?.stop(deadlineMs);
    await this.watching;
  }

  private async startOnce(): Promise<void> {
    const { program, note } = this.options;
    this.program = await findNatsServer({
      progress: note,
      ...(program === undefined ? {} : { explicitPath: program }),
    });
    if (this.stopped.signal.aborted) return;
    this.server = await this.launch(this.program.path);
    this.watching = this.keepRunning(this.program.path);
  }

  private launch(path: string): Promise<NatsProcess> {
    const { host, port, dataDir, configFile, onLine } = this.options;
    return startNatsServer({
      path,
      host,
      port,
      dataDir,
      onLogLine: onLine,
      ...(configFile === undefined ? {} : { configFile }),
    });
  }

  private async keepRunning(path: string): Promise<void> {
    let failures = 0;
    while (this.server !== undefined) {
      const startedMs = performance.now();
      const exit = await this.server.exited;
      if (this.stopped.signal.aborted) return;
      failures = performance.now() - startedMs > STABLE_MS ? 1 : failures + 1;
      this.options.note(`nats-server ended (${exit.signal ?? `exit code ${exit.code}`}): starting it again`);
      await this.pause(backoffMs(RESTART_BACKOFF, failures, Math.random()));
      if (this.stopped.signal.aborted) return;
      try {
        this.server = await this.launch(path);
      } catch (error) {
        this.options.onFailure(error);
        return;
      }
      // Told to stop while it was starting: nobody else will end it.
      if (this.stopped.signal.aborted) await this.server.stop();
    }
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined);
  }
}
