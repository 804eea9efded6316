// A nats-server child: started with clear errors, ready when it says so on its port, gone when its parent is gone.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { BeamlineError } from "../runtime/errors.ts";
import { findFreePort, readServerName } from "./nats-server-probe.ts";
import { checkDataDir } from "./nats-server-storage.ts";

export interface StartNatsServerOptions {
  /** The program, as `findNatsServer` gives it. */
  readonly path: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where streams are kept; made when it does not exist. */
  readonly dataDir: string;
  /** A nats-server configuration file; host, port, name and storage folder win over it. */
  readonly configFile?: string;
  /** Gets each line of the server's log. */
  readonly onLogLine?: (line: string) => void;
  readonly startTimeoutMs?: number;
}

export interface NatsExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NatsProcess {
  readonly pid: number;
  readonly url: string;
  readonly port: number;
  /** Resolves when the process has ended, however. */
  readonly exited: Promise<NatsExit>;
  /** Asks it to end and waits; kills it when it has not ended by the deadline (STOP_TIMEOUT_MS when absent). */
  stop(deadlineMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** The last lines of its log. */
  logTail(): readonly string[];
}

/** Reading back large streams comes before the port opens: 1.4 s for a million keys on two cores. */
const START_TIMEOUT_MS = 60_000;
const PROBE_EVERY_MS = 25;
const STOP_TIMEOUT_MS = 10_000;
const MAX_LOG_LINES = 50;
const NAME_BYTES = 6;

/**
 * Waits for the end of the pipe that the parent holds, then ends the server: so it goes even when the parent is killed with
 * -9. A sibling instead of a wrapper, so that signals and exit codes are the server's own.
 */
const GUARD = `read -r _
kill -TERM "$1" 2>/dev/null || exit 0
i=0
ended() { ! kill -0 "$1" 2>/dev/null || grep -qs "^State:.*zombie" "/proc/$1/status"; }
while [ "$i" -lt 50 ] && ! ended "$1"; do sleep 0.1; i=$((i + 1)); done
kill -KILL "$1" 2>/dev/null`;

/**
 * Starts a server with JetStream and waits until it answers. Throws BeamlineError PORT_IN_USE, STORAGE_FULL,
 * STORAGE_READ_ONLY, PERMISSION_DENIED, DEADLINE_EXCEEDED or PROCESS_FAILED.
 */
export async function startNatsServer(options: StartNatsServerOptions): Promise<NatsProcess> {
  await checkDataDir(options.dataDir);
  const port = options.port === 0 ? await findFreePort(options.host) : options.port;
  // The name proves that the server which answers on the port is ours and not one that was there before.
  const name = `beamline-${randomBytes(NAME_BYTES).toString("hex")}`;
  const flags = ["-a", options.host, "-p", String(port), "-js", "-sd", options.dataDir];
  if (options.configFile === undefined) flags.push("-n", name);
  else flags.push("-c", await writeNamedConfig(options.configFile, options.dataDir, name));
  // Its own process group: Ctrl-C in the terminal reaches only us, and we stop it last.
  const child = spawn(options.path, flags, { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const exited = waitForExit(child);
  const guard = startGuard(child);
  void exited.then(() => guard?.kill());
  const tail = followLog(child, options.onLogLine);
  const server: NatsProcess = {
    pid: child.pid ?? -1,
    url: `nats://${options.host}:${port}`,
    port,
    exited,
    stop: (deadlineMs = STOP_TIMEOUT_MS) => stop(child, exited, deadlineMs),
    kill: (signal) => void child.kill(signal),
    logTail: () => tail,
  };
  try {
    await waitUntilReady(server, name, options);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/**
 * A configuration that adds the name: given by a flag, it is forgotten when the server reads its configuration again, which
 * the server then refuses (2.15).
 */
async function writeNamedConfig(configFile: string, dataDir: string, name: string): Promise<string> {
  const path = join(dataDir, "nats-server.conf");
  const included = relative(dataDir, configFile);
  await writeFile(path, `server_name: "${name}"\ninclude ${JSON.stringify(included)}\n`);
  return path;
}

function waitForExit(child: ChildProcess): Promise<NatsExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    // A program that cannot be started at all has no exit.
    child.once("error", () => resolve({ code: null, signal: null }));
  });
}

function startGuard(child: ChildProcess): ChildProcess | undefined {
  if (child.pid === undefined) return undefined;
  const guard = spawn("sh", ["-c", GUARD, "nats-server-guard", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  // The guard's pipe must not keep this process alive.
  const { stdin } = guard;
  if (stdin !== null && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return guard;
}

function followLog(child: ChildProcess, onLogLine: ((line: string) => void) | undefined): readonly string[] {
  const tail: string[] = [];
  if (child.stderr === null) return tail;
  createInterface({ input: child.stderr }).on("line", (line) => {
    tail.push(line);
    if (tail.length > MAX_LOG_LINES) tail.shift();
    onLogLine?.(line);
  });
  return tail;
}

async function waitUntilReady(server: NatsProcess, name: string, options: StartNatsServerOptions): Promise<void> {
  const timeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS;
  const endMs = performance.now() + timeoutMs;
  let over: NatsExit | undefined;
  void server.exited.then((exit) => {
    over = exit;
  });
  while (performance.now() < endMs) {
    if ((await readServerName(options.host, server.port)) === name) return;
    if (over !== undefined) throw startFailure(over, server, options);
    await delay(PROBE_EVERY_MS);
  }
  throw new BeamlineError("DEADLINE_EXCEEDED", `nats-server did not answer on ${server.url} within ${timeoutMs} ms`, {
    hint: `Its last words: ${server.logTail().slice(-3).join(" | ") || "none"}`,
  });
}

function startFailure(exit: NatsExit, server: NatsProcess, options: StartNatsServerOptions): BeamlineError {
  const words = server.logTail().join("\n");
  const address = `${options.host}:${server.port}`;
  if (/address already in use/.test(words)) {
    return new BeamlineError("PORT_IN_USE", `NATS address ${address} is in use by another process`, {
      hint: "Stop that process, choose another port, or use that server with --nats-url if it is a NATS server.",
    });
  }
  if (/no space left on device/.test(words)) {
    return new BeamlineError("STORAGE_FULL", `nats-server found no space left in ${options.dataDir}`, {
      hint: "Free space there or choose another data folder.",
    });
  }
  if (/read-only file system|permission denied/.test(words)) {
    return new BeamlineError("STORAGE_READ_ONLY", `nats-server cannot write to ${options.dataDir}`, {
      hint: "Choose a data folder that this user can write to.",
    });
  }
  const how = exit.signal === null ? `exit code ${exit.code ?? "none"}` : exit.signal;
  return new BeamlineError("PROCESS_FAILED", `nats-server ended while starting (${how})`, {
    hint: `Its last words: ${server.logTail().slice(-3).join(" | ") || "none"}`,
  });
}

async function stop(child: ChildProcess, exited: Promise<NatsExit>, deadlineMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
  await exited;
  clearTimeout(timer);
}
