// The one error class that processes throw, its closed list of codes, and the exit code that each one ends a process with.

/**
 * Every code a Beamline process can fail with, and its exit code (BSD sysexits.h, so that scripts can tell "your file is
 * wrong" from "the server is away"). Anything that is thrown and is not a BeamlineError is a bug and exits as INTERNAL.
 */
export const EXIT_CODES = {
  /** A flag or argument on the command line is wrong (EX_USAGE). */
  USAGE_INVALID: 64,
  /** A file or message that was given is wrong (EX_DATAERR). */
  INPUT_INVALID: 65,
  /** A file that was named does not exist or cannot be read (EX_NOINPUT). */
  INPUT_MISSING: 66,
  /** A server did not answer, or has no one to answer (EX_UNAVAILABLE). */
  UNAVAILABLE: 69,
  NATS_UNREACHABLE: 69,
  /** The server answers but must be upgraded before Beamline can use it (EX_UNAVAILABLE). */
  NATS_TOO_OLD: 69,
  /** No nats-server program could be found or obtained (EX_UNAVAILABLE). */
  NATS_SERVER_MISSING: 69,
  /** A stream or bucket does not exist; the operator or `beamline up` creates it (EX_UNAVAILABLE). */
  STREAM_MISSING: 69,
  /** A stream or bucket exists with settings that would break a guarantee (EX_CONFIG). */
  STREAM_MISMATCH: 78,
  /** A bug in Beamline (EX_SOFTWARE). */
  INTERNAL: 70,
  /** A child process could not be started or ended by itself (EX_OSERR). */
  PROCESS_FAILED: 71,
  PORT_IN_USE: 71,
  STORAGE_FULL: 73,
  STORAGE_READ_ONLY: 73,
  /** Work was not finished in its time; trying again may help (EX_TEMPFAIL). */
  DEADLINE_EXCEEDED: 75,
  /** Credentials are missing, wrong or not sufficient (EX_NOPERM). */
  PERMISSION_DENIED: 77,
  /** The environment or a configuration file of the process is wrong (EX_CONFIG). */
  CONFIG_INVALID: 78,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof EXIT_CODES;

export interface BeamlineErrorOptions {
  /** The way out, as an instruction to the reader. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * A failure that a person or a supervisor has to act on. `message` names the field, the value and the rule; `hint` the way
 * out. Never thrown for bugs: those stay plain errors and exit with the code of INTERNAL.
 */
export class BeamlineError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, options: BeamlineErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "BeamlineError";
    this.code = code;
    this.hint = options.hint;
    this.exitCode = EXIT_CODES[code];
  }
}

/** The exit code of whatever was thrown. */
export function exitCodeOf(thrown: unknown): number {
  return thrown instanceof BeamlineError ? thrown.exitCode : EXIT_CODES.INTERNAL;
}

/** The text for a person: code, message, hint; for a bug its stack, because only that helps whoever fixes it. */
export function describeError(thrown: unknown): string {
  if (thrown instanceof BeamlineError) {
    const hint = thrown.hint === undefined ? "" : `\n  ${thrown.hint}`;
    return `${thrown.code}: ${thrown.message}${hint}`;
  }
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** The message of whatever was thrown, on one line, for use inside another message. */
export function reasonOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return text.replaceAll(/\s+/g, " ").trim();
}
