// The test's end of the process that makes the load.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadCalls, LoadMethod, LoadReply, LoadTarget, LoadTotals } from "./calls.ts";
import type { PhaseReport } from "./phase.ts";

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class LoadProcess implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;

  private constructor([enter = "", ...entry]: readonly string[]) {
    this.child = fork(join(import.meta.dirname, "load-main.ts"), {
      execPath: enter,
      execArgv: [...entry, process.execPath],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (reply: LoadReply) => this.receive(reply));
    this.child.once("exit", (code, signal) => this.fail(new Error(`the load ended with ${signal ?? code}`)));
  }

  /** Resolves when messages go out. `enter` stands before the program, so that it runs in the cluster's network. */
  static async start(enter: readonly string[], target: LoadTarget): Promise<LoadProcess> {
    const load = new LoadProcess(enter);
    await load.call("start", target);
    return load;
  }

  begin(phase: string): Promise<void> {
    return this.call("begin", phase);
  }

  end(deadlineMs: number): Promise<PhaseReport> {
    return this.call("end", deadlineMs);
  }

  stop(): Promise<void> {
    return this.call("stop", undefined);
  }

  totals(): Promise<LoadTotals> {
    return this.call("totals", undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  private call<Method extends LoadMethod>(
    method: Method,
    argument: Parameters<LoadCalls[Method]>[0],
  ): Promise<ReturnType<LoadCalls[Method]>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: (result) => resolve(result as ReturnType<LoadCalls[Method]>), reject });
      this.child.send({ id, method, argument });
    });
  }

  private receive(reply: LoadReply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if ("error" in reply) pending?.reject(new Error(reply.error));
    else pending?.resolve(reply.result);
  }

  private fail(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}
