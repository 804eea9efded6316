// Effects of dispatching a message, as data: `router/handle.ts` yields them, the router performs them on NATS and a
// simulation performs them on a model, so the code whose order is proved is the code that runs.
import type { HeaderReader } from "../intake/message.ts";
import type { StepCall, StepResult } from "../steps/step.ts";

/** A message to be stored in JetStream; the subject is canonical (no Router prefix: the performer adds it). */
export interface OutgoingMessage {
  readonly purpose: "assignment" | "decided" | "legacy-assignment" | "end" | "dead-letter";
  readonly subject: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** `Nats-Msg-Id`. */
  readonly msgId: string;
  /** `Nats-Expected-Last-Subject-Sequence`, counted over `expectSubject`. */
  readonly expectLastSequence?: number;
  /** Wildcard of `Nats-Expected-Last-Subject-Sequence-Subject`. */
  readonly expectSubject?: string;
  /** `Nats-TTL`. */
  readonly ttlMs?: number;
}

export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly timestampMs: number;
  readonly headers: HeaderReader;
  readonly body: Uint8Array;
}

/**
 * `bounded`: a dead letter that counts towards its tenant's bound (of a request: a producer makes as many as it
 * likes).
 */
export type Effect =
  | {
      readonly kind: "publish";
      readonly message: OutgoingMessage;
      readonly tenantId?: string;
      readonly bounded?: boolean;
    }
  /** Last message on a subject (wildcards allowed) of the assignments stream. */
  | { readonly kind: "readLast"; readonly subject: string }
  /** Removes one stored assignment, by its sequence. */
  | { readonly kind: "withdraw"; readonly subject: string; readonly sequence: number }
  | {
      readonly kind: "reply";
      readonly subject: string;
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly body: Uint8Array;
    }
  | { readonly kind: "wait"; readonly ms: number }
  /** Asks an extension of the policy about the message. */
  | { readonly kind: "callStep"; readonly call: StepCall };

/** Why JetStream could not be asked or did not answer. Nothing is known about the effect: it may have happened. */
export type UnavailableReason = "no_responders" | "timeout" | "disconnected" | "closed" | "overloaded";

export type PublishResult =
  | { readonly kind: "stored"; readonly sequence: number; readonly duplicate: boolean }
  /** err_code 10071: another message stands on the expected subject. */
  | { readonly kind: "conflict" }
  /** err_code 10164: another publish under the same expectation is in flight. */
  | { readonly kind: "inFlight" }
  /** The stream refuses more (discard new): back-pressure. */
  | { readonly kind: "full"; readonly description: string }
  | { readonly kind: "rejected"; readonly code: number; readonly description: string }
  | { readonly kind: "unavailable"; readonly reason: UnavailableReason }
  /** Not sent: the bound on dead letters of this tenant is used up (counted). */
  | { readonly kind: "suppressed" };

export type ReadResult =
  | { readonly kind: "found"; readonly message: StoredMessage }
  | { readonly kind: "absent" }
  | { readonly kind: "unavailable"; readonly reason: UnavailableReason };

/** unsent: the reply did not leave this process (no connection, or larger than the server takes). */
export type ReplyResult = { readonly kind: "done" } | { readonly kind: "unsent"; readonly reason: string };

export type EffectResult = PublishResult | ReadResult | ReplyResult | StepResult;

/** What becomes of a JetStream delivery when handling ends; a core request has none to settle. */
export type Disposition =
  | { readonly kind: "ack" }
  | { readonly kind: "nak"; readonly delayMs: number }
  | { readonly kind: "term"; readonly reason: string }
  | { readonly kind: "none" };
