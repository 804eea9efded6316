// A child process that runs test files one after another, and what is told of it when it dies under one.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { brokenFile, type FileReport } from "./reporter.ts";

const root = join(import.meta.dirname, "..", "..");
/** Kept of what a test file prints itself, shown when the file fails. */
const MAX_OUTPUT_CHARACTERS = 64 * 1024;
/** Kept of what the process wrote to stderr, for the failure when it dies: an uncaught error's stack is at the end. */
const MAX_ERROR_CHARACTERS = 8 * 1024;

export class Lane {
  private readonly child: ChildProcess;
  private readonly ended: Promise<string>;
  private readonly ran: string[] = [];
  private printed = "";
  private errors = "";
  private dead = false;

  constructor() {
    this.child = fork(join(import.meta.dirname, "test-lane.ts"), {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.printed = (this.printed + text).slice(-MAX_OUTPUT_CHARACTERS);
        if (stream === this.child.stderr) this.errors = (this.errors + text).slice(-MAX_ERROR_CHARACTERS);
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        this.dead = true;
        resolve(signal ?? `exit code ${code}`);
      });
    });
  }

  get alive(): boolean {
    return !this.dead;
  }

  /** What the last file printed. */
  get output(): string {
    return this.printed;
  }

  /** The files before the last one: what they left behind may be why it failed. */
  get ranBefore(): string {
    const before = this.ran.slice(0, -1);
    return before.length === 0 ? "nothing" : before.join(", ");
  }

  /** Runs one file. A process that dies under it makes the file a failure that says what the process wrote. */
  async run(file: string): Promise<FileReport> {
    this.printed = "";
    this.errors = "";
    this.ran.push(file);
    const { child } = this;
    const { promise: reported, resolve } = Promise.withResolvers<FileReport>();
    child.once("message", resolve);
    // That it can no longer be told of a file is told by its end.
    if (child.connected) child.send(file, () => undefined);
    const report = await Promise.race([reported, this.ended]);
    child.off("message", resolve);
    return typeof report === "string" ? this.died(file, report) : report;
  }

  end(): void {
    if (this.child.connected) this.child.disconnect();
  }

  private died(file: string, how: string): FileReport {
    const wrote = this.errors.trim();
    const lines = [
      `the test process ended with ${how}`,
      `ran before in that process: ${this.ranBefore}`,
      wrote === "" ? "it wrote nothing to stderr" : `it wrote to stderr:\n${wrote}`,
    ];
    return brokenFile(file, lines.join("\n"));
  }
}
