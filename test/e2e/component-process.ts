// An example component as a process of its own: its lines, and its end.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "..", "..");
/** Kept of what it says on standard error, for the message of a failure. */
const MAX_LOG_CHARACTERS = 16_384;

export class ComponentProcess {
  /** Lines of standard output so far. */
  readonly lines: string[] = [];
  private readonly child: ChildProcess;
  private said = "";

  /** @param program relative to the repository */
  constructor(program: string, options: readonly string[]) {
    const child = spawn(process.execPath, [join(ROOT, program), ...options], { stdio: ["ignore", "pipe", "pipe"] });
    createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(line));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.said = (this.said + text).slice(-MAX_LOG_CHARACTERS);
    });
    this.child = child;
  }

  get log(): string {
    return this.said;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.ended) return;
    const exited = once(this.child, "exit");
    this.child.kill(signal);
    await exited;
  }

  /** Resolves when it ends by itself, to its exit code. */
  async whenEnded(): Promise<number | null> {
    if (!this.ended) await once(this.child, "exit");
    return this.child.exitCode;
  }
}
