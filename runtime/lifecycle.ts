// The life of a process: start in order, run until told to stop, stop in reverse order with deadlines, exit with a code.
import { setTimeout as delay } from "node:timers/promises";
import { describeError, EXIT_CODES, exitCodeOf, reasonOf } from "./errors.ts";
import type { Logger } from "./log.ts";

export interface Step {
  readonly name: string;
  start?(): Promise<void> | void;
  /** Gets the time it has; what it has not finished by then is left behind. */
  stop?(deadlineMs: number): Promise<void> | void;
  /** Deadline of `stop`; DEFAULT_STOP_TIMEOUT_MS when absent. */
  readonly stopTimeoutMs?: number;
}

export interface LifecycleOptions {
  readonly log: Logger;
  /** Deadline of all stops together; DEFAULT_TOTAL_STOP_MS when absent. */
  readonly totalStopMs?: number;
  /** Another cause to stop than a signal. A reason that is an Error makes the process fail with that error's code. */
  readonly stopSignal?: AbortSignal;
  /** Called when everything has started. */
  readonly onStarted?: () => void;
}

export const DEFAULT_STOP_TIMEOUT_MS = 5_000;
export const DEFAULT_TOTAL_STOP_MS = 10_000;

const KEEP_ALIVE_MS = 3_600_000;

const SIGNALS = ["SIGTERM", "SIGINT"] as const;
/** Shell convention: 128 + number of the signal. */
const SIGNAL_EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

type StopCause =
  | { readonly kind: "signal"; readonly name: string }
  | { readonly kind: "failure"; readonly error: unknown };

/**
 * Starts the steps in order, waits for SIGTERM, SIGINT or `stopSignal`, stops what has started in reverse order. A second
 * signal ends the process at once. Never rejects: resolves to the exit code (0 after a signal when every stop was in time,
 * that of DEADLINE_EXCEEDED when one was not, that of the error when a start failed).
 */
export async function runLifecycle(steps: readonly Step[], options: LifecycleOptions): Promise<number> {
  const { log } = options;
  const stopping = waitForStop(options);
  const started: Step[] = [];
  let failure: unknown;
  try {
    let interrupted = false;
    for (const step of steps) {
      // A step that was interrupted by the stop may have opened something: it is stopped too.
      started.push(step);
      const outcome = await Promise.race([Promise.resolve(step.start?.()), stopping.cause]);
      interrupted = outcome !== undefined;
      if (interrupted) break;
    }
    if (!interrupted) options.onStarted?.();
    const cause = await stopping.cause;
    if (cause.kind === "failure") failure = cause.error;
    log.info("stopping", { cause: cause.kind === "signal" ? cause.name : reasonOf(cause.error) });
  } catch (error) {
    failure = error;
    log.error("start failed", { step: started.at(-1)?.name, reason: reasonOf(error) });
  }
  const inTime = await stopAll(started, log, options.totalStopMs ?? DEFAULT_TOTAL_STOP_MS);
  stopping.release();
  if (failure !== undefined) {
    process.stderr.write(`${describeError(failure)}\n`);
    return exitCodeOf(failure);
  }
  return inTime ? 0 : EXIT_CODES.DEADLINE_EXCEEDED;
}

/**
 * Ends a child process when the pipe that its parent holds closes, however the parent ended (kill -9 included): by an
 * ordinary SIGTERM to itself, so that it stops in order.
 */
export function exitWhenParentEnds(
  input: NodeJS.ReadableStream,
  onEnd: () => void = () => process.kill(process.pid, "SIGTERM"),
): void {
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    onEnd();
  };
  input.once("end", end).once("close", end).once("error", end);
  input.resume();
}

async function stopAll(started: readonly Step[], log: Logger, totalStopMs: number): Promise<boolean> {
  const endMs = performance.now() + totalStopMs;
  let inTime = true;
  for (const step of started.toReversed()) {
    const leftMs = Math.max(0, endMs - performance.now());
    const deadlineMs = Math.min(leftMs, step.stopTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS);
    const stopped = await stopStep(step, deadlineMs, log);
    inTime &&= stopped;
  }
  return inTime;
}

async function stopStep(step: Step, deadlineMs: number, log: Logger): Promise<boolean> {
  const abort = new AbortController();
  const expired = delay(deadlineMs, "expired" as const, { signal: abort.signal });
  expired.catch(() => undefined);
  try {
    const outcome = await Promise.race([Promise.resolve(step.stop?.(deadlineMs)), expired]);
    if (outcome === "expired")
      log.warn("stop deadline exceeded", { step: step.name, deadline_ms: Math.round(deadlineMs) });
    return outcome !== "expired";
  } catch (error) {
    log.error("stop failed", { step: step.name, reason: reasonOf(error) });
    return false;
  } finally {
    abort.abort();
  }
}

function waitForStop(options: LifecycleOptions): { readonly cause: Promise<StopCause>; release(): void } {
  const { promise, resolve } = Promise.withResolvers<StopCause>();
  let signalled = false;
  const onSignal = (name: NodeJS.Signals): void => {
    if (signalled) process.exit(SIGNAL_EXIT_CODES[name as (typeof SIGNALS)[number]]);
    signalled = true;
    resolve({ kind: "signal", name });
  };
  const onBug = (error: unknown): void => {
    options.log.error("uncaught error", { reason: reasonOf(error) });
    resolve({ kind: "failure", error });
  };
  const onAbort = (): void => {
    const reason: unknown = options.stopSignal?.reason;
    const failed = reason instanceof Error && reason.name !== "AbortError";
    resolve(failed ? { kind: "failure", error: reason } : { kind: "signal", name: "stop requested" });
  };
  // Handlers of signals do not keep a process alive: a service whose sockets are all closed for a moment must not just end.
  const keepAlive = setInterval(() => undefined, KEEP_ALIVE_MS);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on("uncaughtException", onBug);
  process.on("unhandledRejection", onBug);
  options.stopSignal?.addEventListener("abort", onAbort, { once: true });
  if (options.stopSignal?.aborted) onAbort();
  return {
    cause: promise,
    release: () => {
      clearInterval(keepAlive);
      for (const signal of SIGNALS) process.off(signal, onSignal);
      process.off("uncaughtException", onBug);
      process.off("unhandledRejection", onBug);
      options.stopSignal?.removeEventListener("abort", onAbort);
    },
  };
}
