// Attempts at one effect as a chain: the next message about it is stored on the sequence of the one before, and only
// then is that one withdrawn. Withdrawing first, or letting the last message expire early, frees the claim and doubles
// the work (measured).
import type { AssignmentInput, AttemptInput } from "./assignment.ts";
import { planAssignment } from "./assignment.ts";
import { recordForAttempt } from "./decision-record.ts";
import type { Effect, EffectResult, OutgoingMessage, StoredMessage, UnavailableReason } from "./effects.ts";
import { readExisting } from "./existing.ts";
import type { DecisionRecord, ExistingEffect, ProviderKey } from "./record.ts";
import { effectWildcard } from "./subjects.ts";

/** How often a publish is repeated while another one under the same expectation is in flight (err_code 10164). */
export const MAX_IN_FLIGHT_TRIES = 8;
const FIRST_WAIT_MS = 2;
const MAX_WAIT_MS = 100;

/** How storing a message about an effect ended. */
export type StoreOutcome =
  | { readonly kind: "stored"; readonly sequence: number }
  /** A message stands: of another replica, or this very one from an earlier publish whose PubAck was lost. */
  | { readonly kind: "standing"; readonly existing: ExistingEffect }
  /** Something stands that no router wrote. */
  | { readonly kind: "foreign"; readonly stored: StoredMessage }
  /**
   * The publish was refused, yet nothing stands: what stood has expired in between, or is not seen yet where it was
   * read.
   */
  | { readonly kind: "vanished" }
  | { readonly kind: "full"; readonly description: string }
  | { readonly kind: "rejected"; readonly code: number; readonly description: string }
  /** Nothing is known: it may have been stored. Trying again is safe and tells. */
  | { readonly kind: "unavailable"; readonly reason: UnavailableReason | "in_flight" };

/** What a request and a moment add to an attempt that the standing effect determines. */
export type SuccessorInput = Pick<AttemptInput, "codec" | "schemas" | "request" | "token" | "deadlineMs" | "nowMs">;

/**
 * The first attempt for a keyed decision that stood without one: to the provider that was decided, with the decision
 * that was answered, whatever policies say now. A decision that is anything else is a bug and throws.
 */
export function planPush(decided: ExistingEffect, input: SuccessorInput): OutgoingMessage {
  if (decided.stage !== "decided" || decided.legacySubject !== undefined) {
    throw new Error(`only a decision that was not pushed can be pushed, not ${decided.stage}`);
  }
  return planAssignment(attemptAfter(decided, decided.provider, decided.decision, input));
}

/** Attempt n+1 after attempt n, to the provider that was chosen for it. */
export function planNextAttempt(
  previous: ExistingEffect,
  next: { readonly provider: ProviderKey; readonly record: DecisionRecord },
  input: SuccessorInput,
): OutgoingMessage {
  if (previous.stage !== "assignment") throw new Error(`no attempt follows one that is ${previous.stage}`);
  return planAssignment(attemptAfter(previous, next.provider, next.record, input));
}

function attemptAfter(
  previous: ExistingEffect,
  provider: ProviderKey,
  record: DecisionRecord,
  input: SuccessorInput,
): AssignmentInput {
  const attempt = previous.attempt + 1;
  return {
    ...input,
    effectId: previous.effectId,
    fingerprint: previous.fingerprint,
    provider,
    record: recordForAttempt(record, attempt),
    attempt,
    expectLastSequence: previous.sequence,
  };
}

/**
 * The withdrawal of what a stored message took the place of. The last message about an effect is never removed: a
 * sequence that is not later than the withdrawn one is a bug and throws.
 * @param storedSequence sequence of the PubAck of the message that follows `previous`
 */
export function withdrawalOf(previous: ExistingEffect, storedSequence: number): Effect {
  if (storedSequence <= previous.sequence) throw new Error("only what a later message supersedes may be withdrawn");
  return { kind: "withdraw", subject: effectWildcard(previous.effectId), sequence: previous.sequence };
}

/** Stores a message about an effect and says what then stands. */
export function* storeForEffect(
  message: OutgoingMessage,
  effectId: string,
): Generator<Effect, StoreOutcome, EffectResult> {
  let waitMs = FIRST_WAIT_MS;
  for (let tries = 1; ; tries++) {
    const result = yield { kind: "publish", message };
    switch (result.kind) {
      case "stored":
        if (!result.duplicate) return { kind: "stored", sequence: result.sequence };
        return yield* readStanding(effectId);
      case "conflict":
        return yield* readStanding(effectId);
      case "inFlight":
        if (tries === MAX_IN_FLIGHT_TRIES) return { kind: "unavailable", reason: "in_flight" };
        yield { kind: "wait", ms: waitMs };
        waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
        break;
      case "full":
      case "rejected":
      case "unavailable":
        return result;
      default:
        throw new Error(`publishing about an effect cannot end as ${result.kind}`);
    }
  }
}

/** What stands for an effect now; `vanished` when nothing does. */
export function* readStanding(
  effectId: string,
): Generator<Effect, Exclude<StoreOutcome, { readonly kind: "stored" | "full" | "rejected" }>, EffectResult> {
  const result = yield { kind: "readLast", subject: effectWildcard(effectId) };
  switch (result.kind) {
    case "unavailable":
      return result;
    case "absent":
      return { kind: "vanished" };
    case "found": {
      const existing = readExisting(result.message);
      return existing === undefined ? { kind: "foreign", stored: result.message } : { kind: "standing", existing };
    }
    default:
      throw new Error(`reading an effect cannot end as ${result.kind}`);
  }
}

/**
 * Stores the next message of a chain, then withdraws the one before. A crash in between leaves both: whoever reads
 * the later one next finishes that with `finishWithdrawal`.
 */
export function* supersede(
  previous: ExistingEffect,
  message: OutgoingMessage,
): Generator<Effect, StoreOutcome, EffectResult> {
  const outcome = yield* storeForEffect(message, previous.effectId);
  if (outcome.kind === "stored") yield withdrawalOf(previous, outcome.sequence);
  else if (outcome.kind === "standing") yield* finishWithdrawal(outcome.existing);
  return outcome;
}

/** Withdraws what a standing message says it took the place of; harmless when that is gone already. */
export function* finishWithdrawal(standing: ExistingEffect): Generator<Effect, void, EffectResult> {
  if (standing.supersedes === undefined || standing.supersedes >= standing.sequence) return;
  yield { kind: "withdraw", subject: effectWildcard(standing.effectId), sequence: standing.supersedes };
}
