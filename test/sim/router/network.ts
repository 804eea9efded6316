// Effects on the model: what arrives, when, and whether anybody hears of it.
import type { Effect, EffectResult, OutgoingMessage, PublishResult } from "../../../core/handover/effects.ts";
import { ASSIGNMENT_PREFIX, DLQ_SUBJECT } from "../../../core/handover/subjects.ts";
import { type ModelMessage, ModelStream } from "./model-stream.ts";
import { BUSY_MS, type Weather } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import { LEGACY_SUBJECT, RETENTION_MS } from "./tables.ts";

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly replicated: boolean;
  readonly startMs: number;
}

const PUBLISH_TIMEOUT_MS = 1_000;
const ASSIGNMENT_WINDOW_MS = 20_000;
/** Longer than any run. */
const LONG_MS = 3_600_000;
const STALE_READS = 0.2;
/** How far a replica that answers a read may be behind. */
export const STALE_MS = 100;

type Resume = (result: EffectResult) => void;

export class Network {
  readonly assignments: ModelStream;
  readonly legacy: ModelStream;
  readonly deadLetters: ModelStream;
  /** What only mistaken variants write: marks beside the assignments. */
  readonly marks: ModelStream;
  outageUntilMs = 0;
  /** Publishes that met another one under the same expectation or id. */
  metInFlight = 0;
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
    const { replicated } = options;
    const long = { maxAgeMs: LONG_MS, duplicateWindowMs: LONG_MS, replicated: false };
    this.assignments = new ModelStream({ maxAgeMs: RETENTION_MS, duplicateWindowMs: ASSIGNMENT_WINDOW_MS, replicated });
    this.legacy = new ModelStream(long);
    this.deadLetters = new ModelStream(long);
    this.marks = new ModelStream(long);
  }

  /** Whether this happens, which nothing bad does any more once the busy time is over. */
  happens(probability: number): boolean {
    const { scheduler, random, startMs } = this.#options;
    return scheduler.nowMs < startMs + BUSY_MS && random.chance(probability);
  }

  /** Time that a message travels. */
  travelMs(): number {
    return this.#options.random.between(1, 20);
  }

  publish(message: OutgoingMessage, stored: (message: ModelMessage) => void, resume: Resume): void {
    const { scheduler, random, weather } = this.#options;
    if (message.purpose !== "dead-letter" && this.happens(weather.full)) {
      scheduler.after(this.travelMs(), () => resume({ kind: "full", description: "maximum messages exceeded" }));
      return;
    }
    const answer = this.#withTimeout(resume);
    if (this.#isLost()) return;
    const delayMs = this.happens(weather.late) ? random.between(PUBLISH_TIMEOUT_MS, 3_000) : this.travelMs();
    scheduler.after(delayMs, () => this.#store(message, stored, answer));
  }

  read(subject: string, resume: Resume): void {
    const { scheduler, random, replicated } = this.#options;
    const answer = this.#withTimeout(resume);
    if (this.#isLost()) return;
    scheduler.after(this.travelMs(), () => {
      const lagMs = replicated && this.happens(STALE_READS) ? random.below(STALE_MS) : 0;
      const message = this.#streamOf(subject).lastOn(subject, scheduler.nowMs - lagMs);
      this.#answer(answer, message === undefined ? { kind: "absent" } : { kind: "found", message });
    });
  }

  /** The router goes on as if it had worked, whatever happened. */
  withdraw(effect: Extract<Effect, { kind: "withdraw" }>, resume: Resume): void {
    const { scheduler, random, weather } = this.#options;
    const answer = this.#withTimeout(() => resume({ kind: "done" }));
    if (this.#isLost()) return;
    const delayMs = this.happens(weather.late) ? random.between(PUBLISH_TIMEOUT_MS, 3_000) : this.travelMs();
    scheduler.after(delayMs, () => {
      this.#streamOf(effect.subject).remove(effect.sequence, scheduler.nowMs);
      this.#answer(answer, { kind: "done" });
    });
  }

  #store(message: OutgoingMessage, stored: (message: ModelMessage) => void, answer: Resume): void {
    const { scheduler, random } = this.#options;
    const stream = this.#streamOf(message.subject);
    const proposed = stream.propose(message, scheduler.nowMs);
    if (proposed.kind !== "proposed") {
      if (proposed.kind === "inFlight") this.metInFlight += 1;
      this.#answer(answer, proposed);
      return;
    }
    const commit = () => {
      const done = stream.commit(proposed, scheduler.nowMs);
      stored(done.stored);
      this.#answer(answer, done.result);
    };
    if (stream.replicated) scheduler.after(random.between(1, 60), commit);
    else commit();
  }

  #answer(answer: Resume, result: EffectResult): void {
    if (this.happens(this.#options.weather.answerLost)) return;
    this.#options.scheduler.after(this.travelMs(), () => answer(result));
  }

  #isLost(): boolean {
    const { scheduler, weather } = this.#options;
    return scheduler.nowMs < this.outageUntilMs || this.happens(weather.lost);
  }

  /** Whichever comes first resumes; what comes after it is dropped, as the client library does. */
  #withTimeout(resume: Resume): Resume {
    const { scheduler } = this.#options;
    let open = true;
    const once: Resume = (result) => {
      if (!open) return;
      open = false;
      resume(result);
    };
    const timeout: PublishResult = { kind: "unavailable", reason: "timeout" };
    scheduler.after(PUBLISH_TIMEOUT_MS, () => once(timeout));
    return once;
  }

  #streamOf(subject: string): ModelStream {
    if (subject.startsWith(ASSIGNMENT_PREFIX)) return this.assignments;
    if (subject === LEGACY_SUBJECT) return this.legacy;
    return subject === DLQ_SUBJECT ? this.deadLetters : this.marks;
  }
}
