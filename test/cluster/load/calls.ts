// What a test and the process that makes its load tell each other.
import type { PhaseReport } from "./phase.ts";

/** Where the load goes, and as whom. */
export interface LoadTarget {
  readonly natsUrl: string;
  /** Contents of .creds files. */
  readonly producer: string;
  readonly worker: string;
  /** Creation time of the submit stream, as the server states it: part of each effect's id. */
  readonly streamCreated: string;
  readonly router: { readonly namespace: string; readonly name: string };
  /** Of each of the two ways in. */
  readonly perSecond: number;
}

/** All that the load made, to be compared with what the streams hold. */
export interface LoadTotals {
  /** Effects that must have one assignment each. */
  readonly assigned: readonly string[];
  /** Effects of answered requests that asked for no dispatch: at most a stored decision. */
  readonly decidedOnly: readonly string[];
  /** Message ids of dead letters, with the reason of each. */
  readonly deadLetters: readonly (readonly [string, string])[];
  /** Deliveries of the same assignment that a worker saw again. */
  readonly redelivered: number;
}

export interface LoadCalls {
  start(target: LoadTarget): void;
  /** What is sent from now on counts for this phase. */
  begin(phase: string): void;
  /** Ends the phase; answers when all that it sent has come to its end, or at the deadline. */
  end(deadlineMs: number): PhaseReport;
  /** Sends nothing new from now on. */
  stop(): void;
  totals(): LoadTotals;
}

export type LoadMethod = keyof LoadCalls;

export interface LoadCall {
  readonly id: number;
  readonly method: LoadMethod;
  readonly argument?: unknown;
}

export type LoadReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
