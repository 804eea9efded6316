// Structured logs: JSON lines with the fields of the OpenTelemetry log model, constant messages, a limit per message.
import { type DestinationStream, type Level, type Logger as PinoLogger, pino } from "pino";
import { type Clock, systemClock } from "./clock.ts";

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Messages are constant texts: what varies goes into fields, so that lines can be counted and limited by message. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(bindings: LogFields): Logger;
}

export interface LoggerOptions {
  /** Name of the process, field `component`: router, operator, ... */
  readonly service: string;
  readonly level?: LogLevel | "silent";
  /** Where lines go; standard output when absent. */
  readonly stream?: DestinationStream;
}

/** Fields whose values never reach a log, at the top and one level down. */
const SECRET_FIELDS = [
  "password",
  "pass",
  "token",
  "secret",
  "credentials",
  "authorization",
  "api_key",
  "attempt_token",
];

/** Lines carry timestamp (ISO 8601), level (upper case), component, message, then the fields. */
export function createLogger(options: LoggerOptions): Logger {
  const config = {
    level: options.level ?? "info",
    base: { component: options.service },
    messageKey: "message",
    errorKey: "error",
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label.toUpperCase() }) },
    redact: { paths: [...SECRET_FIELDS, ...SECRET_FIELDS.map((name) => `*.${name}`)], censor: "[redacted]" },
  };
  return wrap(pino(config, options.stream ?? standardOutput()));
}

/** A reader of the log that takes nothing for so long is waited for no more: a process must not stand still for its log. */
const READER_PATIENCE_MS = 2_000;
/** What is kept for such a reader; more is dropped. */
const MAX_UNREAD_BYTES = 1_048_576;

/** Written at once. Without a bound a full pipe, also one whose reader is gone, would hold the process for ever. */
function standardOutput(): DestinationStream {
  let waitingSinceMs: number | undefined;
  const stream = pino.destination({
    dest: process.stdout.fd,
    sync: true,
    maxLength: MAX_UNREAD_BYTES,
    retryEAGAIN: () => {
      waitingSinceMs ??= performance.now();
      return performance.now() - waitingSinceMs < READER_PATIENCE_MS;
    },
  });
  stream.on("write", (bytes: number) => {
    if (bytes > 0) waitingSinceMs = undefined;
  });
  // Nobody reads: there is no place to say so.
  stream.on("error", () => undefined);
  return stream;
}

function wrap(logger: PinoLogger): Logger {
  const write = (level: Level, message: string, fields: LogFields | undefined): void => {
    if (fields === undefined) logger[level](message);
    else logger[level](fields, message);
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    child: (bindings) => wrap(logger.child(bindings)),
  };
}

export interface LogLimit {
  /** Lines of one message in a window; what is more is counted instead of written. */
  readonly linesPerWindow: number;
  readonly windowMs: number;
  readonly clock?: Clock;
}

export interface LimitedLogger extends Logger {
  /** Writes the summaries that are due; the last act before a process ends. */
  flush(): void;
}

interface MessageWindow {
  readonly level: LogLevel;
  readonly message: string;
  readonly startMs: number;
  written: number;
  suppressed: number;
}

/** Messages counted at once; past that the oldest window is closed early. Messages are constants, so this is never near. */
const MAX_MESSAGE_KEYS = 1024;

/**
 * At most N lines of the same level and message in a window, then one line with the count of those left out. Children share
 * the limit. The windows end on a timer that does not keep the process alive.
 */
export function createLimitedLogger(logger: Logger, limit: LogLimit): LimitedLogger {
  const clock = limit.clock ?? systemClock;
  const windows = new Map<string, MessageWindow>();

  const close = (key: string, window: MessageWindow): void => {
    windows.delete(key);
    if (window.suppressed === 0) return;
    logger[window.level]("lines suppressed", {
      suppressed_message: window.message,
      suppressed: window.suppressed,
      window_ms: limit.windowMs,
    });
  };
  const closeExpired = (): void => {
    const nowMs = clock.monotonicMs();
    for (const [key, window] of windows) if (nowMs - window.startMs >= limit.windowMs) close(key, window);
  };
  const admit = (level: LogLevel, message: string): boolean => {
    const key = `${level} ${message}`;
    const nowMs = clock.monotonicMs();
    let window = windows.get(key);
    if (window !== undefined && nowMs - window.startMs >= limit.windowMs) {
      close(key, window);
      window = undefined;
    }
    if (window === undefined) {
      const oldest = windows.size >= MAX_MESSAGE_KEYS ? windows.entries().next().value : undefined;
      if (oldest !== undefined) close(oldest[0], oldest[1]);
      window = { level, message, startMs: nowMs, written: 0, suppressed: 0 };
      windows.set(key, window);
    }
    if (window.written >= limit.linesPerWindow) {
      window.suppressed++;
      return false;
    }
    window.written++;
    return true;
  };
  const limited = (inner: Logger): Logger => ({
    debug: (message, fields) => admit("debug", message) && inner.debug(message, fields),
    info: (message, fields) => admit("info", message) && inner.info(message, fields),
    warn: (message, fields) => admit("warn", message) && inner.warn(message, fields),
    error: (message, fields) => admit("error", message) && inner.error(message, fields),
    child: (bindings) => limited(inner.child(bindings)),
  });
  setInterval(closeExpired, limit.windowMs).unref();
  return {
    ...limited(logger),
    flush: () => {
      for (const [key, window] of windows) close(key, window);
    },
  };
}
