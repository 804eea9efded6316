// What a run writes down about itself for the checker.
import type { DecideRequest } from "../../../core/intake/message.ts";
import type { Handled } from "../../../router/delivery.ts";
import type { Input } from "./inputs.ts";
import type { ModelMessage } from "./model-stream.ts";

/** One run of the code under simulation. */
export interface Handling {
  readonly input: Input;
  readonly startedMs: number;
  readonly sequence: number | undefined;
  readonly table: number;
  /** Known before for keyed and durable messages, else with the first publish; undefined when intake refused. */
  effectId: string | undefined;
  /** Undefined when intake refuses it. */
  request: DecideRequest | undefined;
  fingerprint: string | undefined;
  handled: Handled | undefined;
  endedMs: number | undefined;
  /** Calls of steps. */
  calls: number;
  /** A validator agreed. */
  isValidated: boolean;
}

export function beginHandling(about: Pick<Handling, "input" | "startedMs" | "sequence" | "table">): Handling {
  const unknown = { effectId: undefined, request: undefined, fingerprint: undefined };
  return { ...about, ...unknown, handled: undefined, endedMs: undefined, calls: 0, isValidated: false };
}

export interface AnswerRecord {
  readonly handling: Handling;
  readonly timeMs: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

export interface StoreRecord {
  readonly handling: Handling | undefined;
  readonly message: ModelMessage;
}
