// The worker script that `beamline up --worker` runs: started again when it ends, stopped with its parent.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { backoffMs } from "../core/reconcile/backoff.ts";

export interface WorkerOptions {
  /** A script that this Node can run. */
  readonly script: string;
  readonly natsUrl: string;
  /** A .creds file, where NATS asks for one. */
  readonly credentialsFile?: string | undefined;
  /** Where it can register; nowhere when absent. */
  readonly controlPlane?: { readonly address: string; readonly tokenFile: string | undefined } | undefined;
  /** Gets each line that it writes. */
  readonly onLine: (line: string) => void;
  /** Told when it ended without being asked to, with its last lines. */
  onUnexpectedExit(how: string, lastLines: readonly string[]): void;
}

const PRELOAD = new URL("./exit-with-parent.ts", import.meta.url).href;
const RESTART_BACKOFF = { baseMs: 500, maxMs: 30_000 };
/** A worker that ran this long was well: its next failure counts as the first. */
const STABLE_MS = 60_000;
const MAX_LAST_LINES = 10;

/**
 * One worker process at a time. It gets the server's URL as NATS_URL, its credentials file as NATS_CREDS, the control plane as
 * CONTROL_PLANE_ADDRESSES, and the file of its API key as CONTROL_PLANE_TOKEN_FILE.
 */
export class WorkerProcess {
  private readonly options: WorkerOptions;
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private stopping = false;

  constructor(options: WorkerOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    const { script, natsUrl, credentialsFile, controlPlane, onLine } = this.options;
    const startedMs = performance.now();
    const child = spawn(process.execPath, ["--import", PRELOAD, script], {
      // An open pipe on standard input is how the worker notices that this process is gone.
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        NATS_URL: natsUrl,
        ...(credentialsFile === undefined ? {} : { NATS_CREDS: credentialsFile }),
        ...(controlPlane === undefined ? {} : { CONTROL_PLANE_ADDRESSES: controlPlane.address }),
        ...(controlPlane?.tokenFile === undefined ? {} : { CONTROL_PLANE_TOKEN_FILE: controlPlane.tokenFile }),
      },
    });
    const lastLines: string[] = [];
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on("line", (line) => {
        onLine(line);
        lastLines.push(line);
        if (lastLines.length > MAX_LAST_LINES) lastLines.shift();
      });
    }
    child.once("error", (error) => lastLines.push(error.message));
    child.once("close", (code, signal) => {
      this.child = undefined;
      if (this.stopping) return;
      if (performance.now() - startedMs > STABLE_MS) this.failures = 0;
      this.options.onUnexpectedExit(signal ?? `exit code ${code ?? "none"}`, lastLines);
      this.failures += 1;
      this.timer = setTimeout(() => this.start(), backoffMs(RESTART_BACKOFF, this.failures, Math.random()));
    });
    this.child = child;
  }

  /** Asks it to end and waits; kills it at the deadline. */
  async stop(deadlineMs: number): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    const { child } = this;
    if (child === undefined) return;
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
    await closed;
    clearTimeout(timer);
  }
}
