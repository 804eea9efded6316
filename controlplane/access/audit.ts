// The audit record: one line of the log for every change and every denial. It never holds credentials.
import type { Clock } from "../../runtime/clock.ts";
import { createLimitedLogger, type Logger } from "../../runtime/log.ts";
import type { CallFailure } from "../call-failure.ts";
import type { Caller } from "./caller.ts";

/** Denials in a minute; what is more is counted, so that somebody without rights cannot fill a disk. */
const DENIALS = { linesPerWindow: 100, windowMs: 60_000 };
/** Of what a request names: it was not checked yet. */
const MAX_OBJECT_LENGTH = 300;

export interface ChangeRecord {
  readonly caller: Caller;
  readonly method: string;
  readonly object: string;
  /** `done`, what the handler said instead, or the reason of the failure. */
  readonly outcome: string;
}

export interface DenialRecord {
  readonly method: string;
  /** Absent when nobody knows who it was. */
  readonly caller?: Caller;
  /** Absent when the call was admitted, and something in it was not. */
  readonly peer?: string;
  readonly failure: CallFailure;
}

/** Said by a handler when nothing was changed after all: then there is no record. */
export const UNCHANGED = "unchanged";

export class AuditLog {
  private readonly log: Logger;
  private readonly denials: Logger;

  /** `log` must not leave out lines. */
  constructor(log: Logger, clock?: Clock) {
    this.log = log;
    this.denials = createLimitedLogger(log, clock === undefined ? DENIALS : { ...DENIALS, clock });
  }

  change({ caller, method, object, outcome }: ChangeRecord): void {
    if (outcome === UNCHANGED) return;
    const what = { method, object: object.slice(0, MAX_OBJECT_LENGTH), outcome };
    this.log.info("audit change", { caller: caller.name, via: caller.via, ...what });
  }

  denied({ method, caller, peer, failure }: DenialRecord): void {
    const who = caller === undefined ? {} : { caller: caller.name, via: caller.via };
    const where = peer === undefined ? {} : { peer };
    this.denials.warn("audit denial", { ...who, ...where, method, outcome: failure.cause, reason: failure.message });
  }
}
