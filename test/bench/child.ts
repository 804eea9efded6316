// The measured programs other than the router: child processes of the benchmark, gone when it is gone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface BenchChild {
  readonly pid: number;
  /** Ends it and waits; throws when it had failed before. */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 5_000;

/** Starts a program of `fixtures/` and waits for the line "ready". Its errors go to standard error. */
export async function startChild(fixture: string, args: readonly string[]): Promise<BenchChild> {
  const path = join(import.meta.dirname, "fixtures", fixture);
  const child = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<string>((resolve) =>
    child.once("exit", (code, signal) => resolve(`ended with ${code ?? signal}`)),
  );
  const ready = once(child.stdout, "data").then(() => undefined);
  const failure = await Promise.race([ready, exited]);
  const { pid } = child;
  if (failure !== undefined || pid === undefined) throw new Error(`${fixture} ${failure ?? "could not be started"}`);
  return {
    pid,
    stop: async () => {
      if (child.exitCode !== null) throw new Error(`${fixture} ended with ${child.exitCode} while it was measured`);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      child.stdin.end();
      await exited;
      clearTimeout(timer);
    },
  };
}
