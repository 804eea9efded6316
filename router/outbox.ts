// Performs the effects of handling on NATS: one place that publishes, reads, withdraws and replies.
import type { Effect, EffectResult } from "../core/handover/effects.ts";
import type { Names } from "../core/handover/subjects.ts";
import { assertNever } from "../core/result.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import type { GetResult } from "../runtime/nats/get-result.ts";
import { encodeHeaderBlock, formatHeaderLines } from "../runtime/nats/headers.ts";
import type { MuxPublishOptions } from "../runtime/nats/mux.ts";
import type { DeadLetterBudget } from "./dead-letter-budget.ts";
import type { Handled } from "./delivery.ts";
import type { Handling } from "./handle.ts";
import type { StepCaller } from "./step-caller.ts";

export interface OutboxOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly publishTimeoutMs: number;
  readonly deadLetters: DeadLetterBudget;
  readonly steps: StepCaller;
}

const encoder = new TextEncoder();

/** Drives handlings to their end; everything up to the first answer of NATS happens before `run` returns. */
export class Outbox {
  private readonly options: OutboxOptions;
  private readonly deleteSubject: string;

  constructor(options: OutboxOptions) {
    this.options = options;
    this.deleteSubject = `$JS.API.STREAM.MSG.DELETE.${options.names.streams.assignments}`;
  }

  /** `done` is called once; a throw in handling is a bug and goes to `failed`, with nothing settled. */
  run(handling: Handling, done: (handled: Handled) => void, failed: (bug: unknown) => void): void {
    const step = (input?: EffectResult): void => {
      let next: IteratorResult<Effect, Handled>;
      try {
        next = input === undefined ? handling.next({ kind: "done" }) : handling.next(input);
      } catch (bug) {
        failed(bug);
        return;
      }
      if (next.done) done(next.value);
      else this.perform(next.value, step);
    };
    step();
  }

  private perform(effect: Effect, resume: (result: EffectResult) => void): void {
    switch (effect.kind) {
      case "publish":
        this.publish(effect, resume);
        return;
      case "readLast":
        this.readLast(effect.subject, resume);
        return;
      case "withdraw":
        this.withdraw(effect.sequence, resume);
        return;
      case "reply":
        this.reply(effect, resume);
        return;
      case "wait":
        setTimeout(() => resume({ kind: "done" }), effect.ms);
        return;
      case "callStep":
        this.options.steps.call(effect.call, resume);
        return;
      default:
        assertNever(effect);
    }
  }

  private publish(effect: Extract<Effect, { kind: "publish" }>, resume: (result: EffectResult) => void): void {
    const { message } = effect;
    const { link, names, publishTimeoutMs, deadLetters } = this.options;
    if (message.purpose === "dead-letter" && effect.bounded && !deadLetters.take(effect.tenantId ?? "")) {
      resume({ kind: "suppressed" });
      return;
    }
    const { expectLastSequence, expectSubject, ttlMs } = message;
    const options: MuxPublishOptions = {
      timeoutMs: publishTimeoutMs,
      headers: message.headers,
      msgId: message.msgId,
      ...(expectLastSequence === undefined ? {} : { expectLastSequence }),
      ...(expectSubject === undefined ? {} : { expectSubject: names.toWire(expectSubject) }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    };
    link.mux.publish(names.toWire(message.subject), message.body, options, resume);
  }

  private readLast(subject: string, resume: (result: EffectResult) => void): void {
    const { link, names, publishTimeoutMs } = this.options;
    link.mux.directGetLast(names.streams.assignments, names.toWire(subject), publishTimeoutMs, (result) =>
      resume(this.toReadResult(result)),
    );
  }

  private toReadResult(result: GetResult): EffectResult {
    switch (result.kind) {
      case "found": {
        const { headers, sequence, data } = result;
        const subject = this.options.names.fromWire(result.subject) ?? result.subject;
        const reader = { get: (name: string) => (headers.has(name) ? headers.get(name) : undefined) };
        const timestampMs = Date.parse(result.storedAt);
        return { kind: "found", message: { subject, sequence, timestampMs, headers: reader, body: data } };
      }
      case "missing":
        return { kind: "absent" };
      case "rejected":
        return { kind: "unavailable", reason: "no_responders" };
      case "unavailable":
        return result;
    }
  }

  /** Not fatal when it fails: whoever reads the message that superseded this one asks again. */
  private withdraw(sequence: number, resume: (result: EffectResult) => void): void {
    const body = encoder.encode(JSON.stringify({ seq: sequence, no_erase: true }));
    const { link, publishTimeoutMs } = this.options;
    link.mux.request(this.deleteSubject, body, undefined, publishTimeoutMs, () => resume({ kind: "done" }));
  }

  private reply(effect: Extract<Effect, { kind: "reply" }>, resume: (result: EffectResult) => void): void {
    const lines = formatHeaderLines(effect.headers);
    const problem = lines.ok
      ? this.options.link.mux.send(effect.subject, effect.body, encodeHeaderBlock(lines.value))
      : lines.error;
    resume(problem === undefined ? { kind: "done" } : { kind: "unsent", reason: problem });
  }
}
