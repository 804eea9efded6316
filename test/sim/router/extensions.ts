// The steps of a simulation: extensions that agree, refuse, are away or late, each time anew by chance.
import type { EffectResult } from "../../../core/handover/effects.ts";
import type { StepCall, StepOutcome } from "../../../core/steps/step.ts";
import type { Network } from "./network.ts";
import type { Random } from "./random.ts";
import type { Handling } from "./records.ts";
import type { Scheduler } from "./scheduler.ts";

export interface ExtensionsOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
}

/** What post steps set on every assignment. */
export const POST_MARK = "seen";
const MARK_NAME = "post";
const REFUSES = 0.15;
const AWAY = 0.15;
const SILENT = 0.1;
const ANSWERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  pre: { "context.tier": "gold" },
  validator: {},
  post: { [`metadata.${MARK_NAME}`]: POST_MARK },
};

export class Extensions {
  readonly #options: ExtensionsOptions;

  constructor(options: ExtensionsOptions) {
    this.#options = options;
  }

  call(handling: Handling | undefined, call: StepCall, resume: (result: EffectResult) => void): void {
    const { scheduler, random, network } = this.#options;
    const stage = call.metadata["beamline.stage"] ?? "";
    const isSilent = network.happens(SILENT);
    const elapsedMs = isSilent ? call.timeoutMs : Math.min(call.timeoutMs, random.between(1, 300));
    const outcome = isSilent ? ({ kind: "timeout" } as const) : this.#outcome(stage);
    if (handling !== undefined) {
      handling.calls += 1;
      if (stage === "validator" && outcome.kind === "answered") handling.isValidated = true;
    }
    scheduler.after(elapsedMs, () => resume({ kind: "called", outcome, elapsedMs }));
  }

  #outcome(stage: string): StepOutcome {
    const { network } = this.#options;
    if (network.happens(AWAY)) return { kind: "unavailable", reason: "away" };
    if (network.happens(REFUSES)) return { kind: "refused", reason: "no" };
    return { kind: "answered", parts: [ANSWERS[stage] ?? {}] };
  }
}
