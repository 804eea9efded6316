// One router process: it runs handlings, stands still, and forgets everything when it crashes.
import type { EffectResult } from "../../../core/handover/effects.ts";
import { ErrorCounts } from "../../../router/error-counts.ts";
import type { SimEffect } from "./protocol.ts";
import type { Scheduler } from "./scheduler.ts";

export class Replica {
  table = 0;
  errors = new ErrorCounts();
  #incarnation = 1;
  #upFromMs = 0;
  #movesFromMs = 0;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Whether it can be handed anything: a paused process is, and finds it when it goes on. */
  get isUp(): boolean {
    return this.#scheduler.nowMs >= this.#upFromMs;
  }

  crash(downMs: number): void {
    this.#incarnation += 1;
    this.#upFromMs = this.#scheduler.nowMs + downMs;
    this.#movesFromMs = 0;
    this.errors = new ErrorCounts();
  }

  pause(forMs: number): void {
    this.#movesFromMs = this.#scheduler.nowMs + forMs;
  }

  /** Runs a generator to its end, one effect at a time, unless the process crashes before. */
  run<T>(
    make: () => Generator<SimEffect, T, EffectResult>,
    perform: (effect: SimEffect, resume: (result: EffectResult) => void) => void,
    finish: (value: T) => void,
  ): void {
    const incarnation = this.#incarnation;
    let generator: Generator<SimEffect, T, EffectResult> | undefined;
    const step = (result: EffectResult): void => {
      if (incarnation !== this.#incarnation) return;
      if (this.#scheduler.nowMs < this.#movesFromMs) {
        this.#scheduler.at(this.#movesFromMs, () => step(result));
        return;
      }
      generator ??= make();
      const next = generator.next(result);
      if (next.done) finish(next.value);
      else perform(next.value, step);
    };
    step({ kind: "done" });
  }
}
