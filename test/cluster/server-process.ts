// A server program of the cluster as a child process: its log in a file, its end awaited, never left behind by a test.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";

export interface LaunchOptions {
  /** For messages, such as `kube-apiserver`. */
  readonly name: string;
  /** The program; found on PATH when it has no slash. */
  readonly path: string;
  readonly arguments: readonly string[];
  /** Everything it prints is appended here. */
  readonly logPath: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** `parent`: killed when this process ends, however it ends. `detached`: lives on until it is stopped by its process id. */
  readonly lifetime: "parent" | "detached";
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly logPath: string;
  /** Resolves when the process has ended, however. */
  readonly exited: Promise<ServerExit>;
  running(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends `signal`, waits, and kills the process at the deadline. Also ends a process that is stopped by SIGSTOP. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

const END_DEADLINE_MS = 10_000;
const PROBE_EVERY_MS = 25;
const MAX_LOG_LINES = 8;

/** Waits for the end of the pipe that the parent holds, then kills the server: it goes even after kill -9 of the parent. */
const GUARD = 'read -r _; kill -KILL "$1" 2>/dev/null';

/** Starts a server. Throws BeamlineError PROCESS_FAILED when the program cannot be run at all. */
export async function launchServer(options: LaunchOptions): Promise<ServerProcess> {
  mkdirSync(dirname(options.logPath), { recursive: true });
  const log = openSync(options.logPath, "a");
  const child = spawn(options.path, [...options.arguments], {
    stdio: ["ignore", log, log],
    // Its own process group: Ctrl-C in the terminal reaches only us, and we decide the order of ending.
    detached: true,
    env: options.environment ?? process.env,
  });
  closeSync(log);
  const exited = new Promise<ServerExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await waitForSpawn(child, options);
  if (options.lifetime === "parent") void guardChild(child, exited);
  else child.unref();
  return handleOf(child, options, exited);
}

function waitForSpawn(child: ChildProcess, { name, path }: LaunchOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(new BeamlineError("PROCESS_FAILED", `${name} cannot be started from ${path}: ${reasonOf(error)}`)),
    );
  });
}

async function guardChild(child: ChildProcess, exited: Promise<ServerExit>): Promise<void> {
  const guard = spawn("sh", ["-c", GUARD, "server-guard", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  // The guard's pipe must not keep this process alive.
  if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref();
  await exited;
  guard.kill("SIGKILL");
}

function handleOf(child: ChildProcess, options: LaunchOptions, exited: Promise<ServerExit>): ServerProcess {
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const signal = (name: NodeJS.Signals): void => void child.kill(name);
  return {
    name: options.name,
    pid: child.pid ?? -1,
    logPath: options.logPath,
    exited,
    running,
    signal,
    end: async (first = "SIGTERM") => {
      if (!running()) return;
      signal(first);
      signal("SIGCONT");
      const deadline = setTimeout(() => signal("SIGKILL"), END_DEADLINE_MS);
      await exited;
      clearTimeout(deadline);
    },
  };
}

/**
 * Waits until `probe` is true. Throws BeamlineError PROCESS_FAILED when the process ends first, DEADLINE_EXCEEDED at the
 * deadline; both with the end of its log.
 */
export async function waitUntilReady(
  server: Pick<ServerProcess, "name" | "logPath" | "running">,
  probe: () => Promise<boolean>,
  deadlineMs: number,
): Promise<void> {
  const startMs = performance.now();
  while (!(await probe())) {
    if (!server.running()) {
      throw new BeamlineError(
        "PROCESS_FAILED",
        `${server.name} ended before it was ready:\n${logTail(server.logPath)}`,
        {
          hint: `Its whole log is in ${server.logPath}.`,
        },
      );
    }
    if (performance.now() - startMs > deadlineMs) {
      const message = `${server.name} was not ready within ${deadlineMs} ms:\n${logTail(server.logPath)}`;
      throw new BeamlineError("DEADLINE_EXCEEDED", message, { hint: `Its whole log is in ${server.logPath}.` });
    }
    await delay(PROBE_EVERY_MS);
  }
}

/** The last lines of a log. */
export function logTail(path: string): string {
  return readFileSync(path, "utf8").trimEnd().split("\n").slice(-MAX_LOG_LINES).join("\n");
}
