// What was sent between two moments, and what came of it.
import { quantile } from "../../bench/statistics.ts";

/** Of each kind of trouble, to be shown. */
const MAX_SAMPLES = 10;
const P50 = 0.5;
const P99 = 0.99;

export interface Latency {
  /** From when a message was due by its rate, not from when it was sent: a wait counts. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface PhaseReport {
  readonly name: string;
  readonly seconds: number;
  readonly submitted: number;
  /** Publishes that were repeated for want of a PubAck. */
  readonly submitRetries: number;
  readonly submitLatency: Latency;
  readonly requested: number;
  readonly requestRetries: number;
  /** Answered requests that were asked again, by a retry or on purpose, and answered again. */
  readonly answeredTwice: number;
  readonly requestLatency: Latency;
  /** Why first attempts were not answered, and how often. */
  readonly retryReasons: Readonly<Record<string, number>>;
  /** Effects that no worker has got. */
  readonly lost: readonly string[];
  /** Requests without an answer after one retry. */
  readonly unanswered: readonly string[];
  /** Requests whose answers differ. */
  readonly contradicted: readonly string[];
  /** Submitted messages or effects with two assignments, at any time so far. */
  readonly doubled: readonly string[];
  /** What was due and not sent, because NATS or the machine was too far behind. */
  readonly heldBack: number;
  /** What was not even finished at the deadline. */
  readonly unfinished: number;
}

/** Counts of one phase; each message belongs to the phase in which it was due. */
export class Phase {
  readonly name: string;
  /** Effects that a worker has to get. */
  readonly effects = new Set<string>();
  readonly submitMs: number[] = [];
  readonly requestMs: number[] = [];
  readonly retryReasons = new Map<string, number>();
  readonly unanswered: string[] = [];
  readonly contradicted: string[] = [];
  submitRetries = 0;
  requestRetries = 0;
  answeredTwice = 0;
  heldBack = 0;
  /** Messages that are under way. */
  open = 0;
  private readonly startMs = performance.now();
  private endMs: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  noteRetry(reason: string): void {
    this.requestRetries++;
    if (!this.retryReasons.has(reason) && this.retryReasons.size >= MAX_SAMPLES) return;
    this.retryReasons.set(reason, (this.retryReasons.get(reason) ?? 0) + 1);
  }

  close(): void {
    this.endMs ??= performance.now();
  }

  missing(isDelivered: (effectId: string) => boolean): readonly string[] {
    return [...this.effects].filter((effectId) => !isDelivered(effectId));
  }

  report(lost: readonly string[], doubled: readonly string[]): PhaseReport {
    return {
      name: this.name,
      seconds: ((this.endMs ?? performance.now()) - this.startMs) / 1_000,
      submitted: this.submitMs.length,
      submitRetries: this.submitRetries,
      submitLatency: latencyOf(this.submitMs),
      requested: this.requestMs.length + this.unanswered.length,
      requestRetries: this.requestRetries,
      answeredTwice: this.answeredTwice,
      requestLatency: latencyOf(this.requestMs),
      retryReasons: Object.fromEntries(this.retryReasons),
      lost: lost.slice(0, MAX_SAMPLES),
      unanswered: this.unanswered.slice(0, MAX_SAMPLES),
      contradicted: this.contradicted.slice(0, MAX_SAMPLES),
      doubled: doubled.slice(0, MAX_SAMPLES),
      heldBack: this.heldBack,
      unfinished: this.open,
    };
  }
}

function latencyOf(values: readonly number[]): Latency {
  if (values.length === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const sorted = Float64Array.from(values).sort();
  return {
    p50Ms: Math.round(quantile(sorted, P50)),
    p99Ms: Math.round(quantile(sorted, P99)),
    maxMs: Math.round(quantile(sorted, 1)),
  };
}
