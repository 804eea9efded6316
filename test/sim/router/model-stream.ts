// A JetStream stream as far as dispatch depends on it, after nats-server 2.15: expectations over a wildcard, the
// window of message ids, what is in flight, age, TTL, and removal of one message.
import type { OutgoingMessage, PublishResult, StoredMessage } from "../../../core/handover/effects.ts";

export interface ModelMessage extends StoredMessage {
  readonly msgId: string;
  readonly expiresMs: number;
  /** Infinity while it was not removed. */
  removedMs: number;
}

export interface ModelStreamOptions {
  readonly maxAgeMs: number;
  readonly duplicateWindowMs: number;
  /**
   * Replicated: message ids are looked up before expectations, and a publish is stored some time after it was checked.
   */
  readonly replicated: boolean;
}

/** A publish that was checked and is being replicated. */
export interface Proposal {
  readonly kind: "proposed";
  readonly message: OutgoingMessage;
}

const NEVER = Number.POSITIVE_INFINITY;

export class ModelStream {
  readonly #options: ModelStreamOptions;
  readonly #messages: ModelMessage[] = [];
  readonly #ids = new Map<string, { readonly sequence: number; readonly untilMs: number }>();
  readonly #inFlight = new Set<Proposal>();

  constructor(options: ModelStreamOptions) {
    this.#options = options;
  }

  /** Everything that was ever stored, whatever became of it. */
  get journal(): readonly ModelMessage[] {
    return this.#messages;
  }

  get replicated(): boolean {
    return this.#options.replicated;
  }

  /** Checks a publish. What is proposed must be stored with `commit`. */
  propose(message: OutgoingMessage, nowMs: number): PublishResult | Proposal {
    const checks = this.replicated
      ? [this.#checkId(message, nowMs), this.#checkExpectation(message, nowMs)]
      : [this.#checkExpectation(message, nowMs), this.#checkId(message, nowMs)];
    const refusal = checks.find((result) => result !== undefined);
    if (refusal !== undefined) return refusal;
    const proposal: Proposal = { kind: "proposed", message };
    this.#inFlight.add(proposal);
    return proposal;
  }

  commit(proposal: Proposal, nowMs: number): { readonly result: PublishResult; readonly stored: ModelMessage } {
    this.#inFlight.delete(proposal);
    const { message } = proposal;
    const sequence = this.#messages.length + 1;
    const lifetimeMs = Math.min(this.#options.maxAgeMs, message.ttlMs ?? NEVER);
    const stored: ModelMessage = {
      subject: message.subject,
      sequence,
      timestampMs: nowMs,
      headers: new Map(message.headers),
      body: message.body,
      msgId: message.msgId,
      expiresMs: nowMs + lifetimeMs,
      removedMs: NEVER,
    };
    this.#messages.push(stored);
    this.#ids.set(message.msgId, { sequence, untilMs: nowMs + this.#options.duplicateWindowMs });
    return { result: { kind: "stored", sequence, duplicate: false }, stored };
  }

  /** The last message on a subject, or below it when it ends in `.>`, as it stood at `atMs`. */
  lastOn(subject: string, atMs: number): ModelMessage | undefined {
    const wildcard = subject.endsWith(".>");
    const head = wildcard ? subject.slice(0, -1) : subject;
    for (let index = this.#messages.length - 1; index >= 0; index--) {
      const message = this.#messages[index] as ModelMessage;
      const matches = wildcard ? message.subject.startsWith(head) : message.subject === head;
      if (matches && message.timestampMs <= atMs && isThere(message, atMs)) return message;
    }
    return undefined;
  }

  /** Harmless when the message is gone. */
  remove(sequence: number, nowMs: number): void {
    const message = this.#messages[sequence - 1];
    if (message !== undefined && isThere(message, nowMs)) message.removedMs = nowMs;
  }

  #checkId(message: OutgoingMessage, nowMs: number): PublishResult | undefined {
    for (const proposal of this.#inFlight) if (proposal.message.msgId === message.msgId) return { kind: "inFlight" };
    const known = this.#ids.get(message.msgId);
    if (known === undefined || known.untilMs <= nowMs) return undefined;
    return { kind: "stored", sequence: known.sequence, duplicate: true };
  }

  #checkExpectation(
    { expectLastSequence, expectSubject, subject }: OutgoingMessage,
    nowMs: number,
  ): PublishResult | undefined {
    if (expectLastSequence === undefined) return undefined;
    const over = expectSubject ?? subject;
    for (const proposal of this.#inFlight) {
      if ((proposal.message.expectSubject ?? proposal.message.subject) === over) return { kind: "inFlight" };
    }
    const last = this.lastOn(over, nowMs)?.sequence ?? 0;
    return last === expectLastSequence ? undefined : { kind: "conflict" };
  }
}

export function isThere(message: ModelMessage, atMs: number): boolean {
  return atMs < message.expiresMs && atMs < message.removedMs;
}
