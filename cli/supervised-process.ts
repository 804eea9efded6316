// A Node program that `beamline up` runs as a child: started again when it ends, stopped with its parent.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { backoffMs } from "../core/reconcile/backoff.ts";

export interface SupervisedOptions {
  /** Arguments of Node: the script, and what stands before and behind it. */
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** Gets each line that it writes. */
  readonly onLine: (line: string) => void;
  /** Told when it ended without being asked to, with its last lines. */
  onUnexpectedExit(how: string, lastLines: readonly string[]): void;
}

const RESTART_BACKOFF = { baseMs: 500, maxMs: 30_000 };
/** One that ran this long was well: its next failure counts as the first. */
const STABLE_MS = 60_000;
const MAX_LAST_LINES = 10;

/** One process at a time. */
export class SupervisedProcess {
  private readonly options: SupervisedOptions;
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private failures = 0;
  private stopping = false;

  constructor(options: SupervisedOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    const { args, environment, onLine } = this.options;
    const startedMs = performance.now();
    const child = spawn(process.execPath, args, {
      // An open pipe on standard input is how the child notices that this process is gone.
      stdio: ["pipe", "pipe", "pipe"],
      env: environment,
      // Ctrl-C reaches the parent alone, which ends its children in order.
      detached: true,
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
