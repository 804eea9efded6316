// What dispatching can come to, and what it means for a delivery that its effect was not stored.
import type { StoreOutcome } from "../core/handover/chain.ts";
import type { DecisionRecord } from "../core/handover/record.ts";
import { assertNever } from "../core/result.ts";

export type Dispatched =
  | {
      readonly kind: "dispatched";
      readonly record: DecisionRecord;
      /** assignment: work is stored; decided: the decision alone; none: nothing was to be stored. */
      readonly stored: "assignment" | "decided" | "none";
      readonly existing: boolean;
    }
  /** The effect id stands for a message with another fingerprint. */
  | { readonly kind: "mismatch" }
  /** No server takes a message of this size: the same message would fail for ever. */
  | { readonly kind: "tooLarge"; readonly message: string }
  | Postponed;

export interface Postponed {
  readonly kind: "postponed";
  readonly code: "full" | "unavailable";
  readonly message: string;
  /** Whether this message is to blame: not for a server that is full, away or restarting. */
  readonly countsAsError: boolean;
  /** Whether it is certain that nothing was stored; otherwise the publish may have gone through. */
  readonly notStored: boolean;
}

/** Reasons for which no stream has seen the publish. */
const NEVER_REACHED: ReadonlySet<string> = new Set(["no_responders", "overloaded"]);
/** The mux sends nothing, with this code, when a message exceeds what the server takes. */
const NOT_SENT = 0;

export function describeUnstored(
  outcome: Exclude<StoreOutcome, { readonly kind: "stored" | "standing" | "vanished" }>,
): Dispatched {
  switch (outcome.kind) {
    case "full":
      return postponed("full", outcome.description, true);
    case "unavailable":
      return postponed("unavailable", outcome.reason, NEVER_REACHED.has(outcome.reason));
    case "rejected":
      if (outcome.code === NOT_SENT) return { kind: "tooLarge", message: outcome.description };
      return refused(`${outcome.description} (err_code ${outcome.code})`);
    case "foreign":
      return refused(`the message on ${outcome.stored.subject} was not written by a router`);
    default:
      return assertNever(outcome);
  }
}

/** The server or the effect is to be waited for; the message is not to blame. */
export function postponed(code: Postponed["code"], message: string, notStored: boolean): Postponed {
  return { kind: "postponed", code, message, countsAsError: false, notStored };
}

/** Trying again may help, but not for ever. */
export function refused(message: string): Postponed {
  return { kind: "postponed", code: "unavailable", message, countsAsError: true, notStored: true };
}
