// A stage driven by hand: each call is answered by the test.
import type { Effect } from "../../../core/handover/effects.ts";
import type { DecideRequest } from "../../../core/intake/message.ts";
import type { CompiledStep, Stage, StepCall, StepOutcome } from "../../../core/steps/step.ts";
import { type StepRun, type StepStop, takeStage } from "../../../core/steps/take-stage.ts";

export function stepOf(fields: Partial<CompiledStep> = {}): CompiledStep {
  const target = { kind: "processor", id: "p" } as const;
  return { name: "s", target, required: true, onFail: "Block", timeoutMs: 1_000, tries: 1, ...fields };
}

export function runOf(leftMs = 20_000): StepRun {
  // Steps look at these fields alone; only validation makes whole requests.
  const request = {
    tenantId: "demo",
    policyId: "chat",
    messageType: "chat",
    payload: new Uint8Array([1]),
    metadata: { lang: "en" },
    context: { session: "1" },
    correlation: {},
  } as unknown as DecideRequest;
  const state = { context: request.context, metadata: request.metadata, providerId: undefined };
  return { facts: { request, effectId: "e", delivery: 1 }, state, leftMs, reports: [] };
}

export interface DrivenStage {
  readonly stop: StepStop | undefined;
  readonly calls: readonly StepCall[];
  readonly waitsMs: readonly number[];
}

export type Answer = { readonly outcome: StepOutcome; readonly elapsedMs: number };

/** More effects than any stage has. */
const MAX_EFFECTS = 1_000;

export function driveStage(
  run: StepRun,
  stage: Stage,
  steps: readonly CompiledStep[],
  answer: (call: StepCall, index: number) => Answer,
): DrivenStage {
  const calls: StepCall[] = [];
  const waitsMs: number[] = [];
  const taking = takeStage(run, stage, steps);
  let next = taking.next({ kind: "done" });
  while (!next.done) {
    if (calls.length + waitsMs.length > MAX_EFFECTS) throw new Error(`more than ${MAX_EFFECTS} effects`);
    const effect: Effect = next.value;
    if (effect.kind === "wait") {
      waitsMs.push(effect.ms);
      next = taking.next({ kind: "done" });
    } else if (effect.kind === "callStep") {
      calls.push(effect.call);
      next = taking.next({ kind: "called", ...answer(effect.call, calls.length - 1) });
    } else throw new Error(`a stage yielded ${effect.kind}`);
  }
  return { stop: next.value, calls, waitsMs };
}
