// A running `beamline up` for a test: real processes on free ports, in a folder of its own.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { findFreePort } from "../../cli/nats-server-probe.ts";
import { requireFreePorts } from "../../cli/ports.ts";
import type { StatusDocument } from "../../operator/status-document.ts";
import { eventually } from "../support/await.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MAIN = join(ROOT, "cli", "main.ts");
export const WORKER = join(ROOT, "examples", "worker", "worker.ts");
export const PRODUCER = join(ROOT, "examples", "producer", "producer.ts");
export const QUICKSTART = join(ROOT, "examples", "quickstart");
const START_MS = 60_000;
const STOP_MS = 15_000;
const HOST = "127.0.0.1";

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface UpOptions {
  /** Further flags of `up`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Folder of an earlier one, with its policies and data. */
  readonly folder?: TempDir;
}

export interface RunningUp {
  readonly child: ChildProcess;
  readonly folder: TempDir;
  /** A copy of the quickstart that the test may change. */
  readonly policiesDir: string;
  readonly natsUrl: string;
  readonly httpUrl: string;
  readonly workerPid: number | undefined;
  readonly controlPlane: ControlPlaneSummary | undefined;
  status(): Promise<StatusDocument>;
  /** Runs another `beamline` command against it. */
  cli(...args: readonly string[]): Promise<CliResult>;
  /** The same with environment variables. */
  cliWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<CliResult>;
  /** Pids of all processes that it started, theirs too. */
  descendants(): readonly number[];
  /** Ends it by this signal and tells the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Ends it if it still runs, and removes its folder. */
  dispose(): Promise<void>;
}

interface ControlPlaneSummary {
  readonly address: string;
  readonly pid: number;
  readonly tokenFile?: string;
  readonly newKey?: string;
}

interface Summary {
  readonly natsUrl: string;
  readonly httpUrl: string;
  readonly workerPid?: number;
  readonly controlPlane?: ControlPlaneSummary;
}

/** Waits until it says that it runs. Fails with what it wrote when it does not. */
export async function startUp(options: UpOptions = {}): Promise<RunningUp> {
  const folder = options.folder ?? (await makeTempDir("beamline-up-"));
  const policiesDir = join(folder.path, "policies");
  if (options.folder === undefined) await cp(QUICKSTART, policiesDir, { recursive: true });
  const flags = await portFlags();
  const args = ["up", "--policies", policiesDir, "--output", "json", ...flags, ...(options.flags ?? [])];
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder.path,
    env: testEnvironment(options.env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child);
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await end("SIGTERM");
      clearTimeout(timer);
    }
    await folder.remove();
  };
  try {
    const summary = await eventually(() => readSummary(child, output), {
      deadlineMs: START_MS,
      describe: () => `beamline up runs; it wrote: ${output.stderr}${output.stdout}`,
    });
    return {
      child,
      folder,
      policiesDir,
      ...summary,
      workerPid: summary.workerPid,
      controlPlane: summary.controlPlane,
      status: async () => (await (await fetch(`${summary.httpUrl}/status`)).json()) as StatusDocument,
      cli: (...words) => runMain(words, folder.path),
      cliWith: (env, ...words) => run([MAIN, ...words], folder.path, env),
      descendants: () => descendantsOf(child.pid ?? -1),
      end,
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Runs the command to its end, as a process. */
export function runMain(args: readonly string[], cwd: string): Promise<CliResult> {
  return run([MAIN, ...args], cwd, {});
}

/** Runs a script to its end, as a process. */
export function runNode(script: string, env: Readonly<Record<string, string>>): Promise<CliResult> {
  return run([script], ROOT, env);
}

function run(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<CliResult> {
  const child = spawn(process.execPath, args, { cwd, env: testEnvironment(env), stdio: ["ignore", "pipe", "pipe"] });
  const output = collect(child);
  return new Promise((resolve) => {
    child.once("close", (code) => resolve({ exitCode: code ?? -1, ...output }));
  });
}

/** Ports that nothing uses now; the health ports follow each other. */
export async function portFlags(): Promise<readonly string[]> {
  const nats = await findFreePort(HOST);
  const http = await findFreePort(HOST);
  const controlPlane = await findFreePort(HOST);
  const ports = [
    "--nats-port",
    String(nats),
    "--http-port",
    String(http),
    "--control-plane-port",
    String(controlPlane),
  ];
  return [...ports, "--health-port", String(await findFreeRow())];
}

/** Of two routers and the control plane. */
async function findFreeRow(): Promise<number> {
  return eventually(
    async () => {
      const first = await findFreePort(HOST);
      const row = [first, first + 1, first + 2].map((port) => ({ what: "a test", port, flag: "" }));
      return requireFreePorts(HOST, row).then(() => first);
    },
    { deadlineMs: 5_000, describe: "three free ports side by side" },
  );
}

/** BEAMLINE_ names that speak to the test runner are no settings of the system, which would refuse them. */
function testEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("BEAMLINE_") || name === "BEAMLINE_CACHE_DIR",
  );
  return { ...Object.fromEntries(kept), ...more };
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  return output;
}

function readSummary(
  child: ChildProcess,
  output: { readonly stdout: string; readonly stderr: string },
): Summary | undefined {
  return output.stdout.trimEnd().endsWith("}") && child.exitCode === null
    ? (JSON.parse(output.stdout) as Summary)
    : undefined;
}

/** By the process table, so that children of children count and nothing has to be reported by what is tested. */
export function descendantsOf(root: number): readonly number[] {
  const rows = execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found: number[] = [];
  const queue = [root];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    for (const [pid, ppid] of rows) {
      if (ppid !== parent || pid === undefined) continue;
      found.push(pid);
      queue.push(pid);
    }
  }
  return found;
}

/** Skips aloud where processes cannot be looked at. */
export function requireProcessTable(context: Mocha.Context): void {
  const found = spawnSync("ps", ["-o", "pid=", "-p", String(process.pid)]).status === 0;
  skipUnless(context, found, "the program ps is missing (package procps)");
}

/** Command line of a process; empty when it is gone. */
export function commandOf(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch {
    return false;
  }
}

/** A process that has ended but whose parent (an init of a container that never waits) has not collected it. */
function isZombie(pid: number): boolean {
  try {
    return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .startsWith("Z");
  } catch {
    return true;
  }
}
