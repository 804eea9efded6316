// The steps of one stage, in the order written: call, try again, apply what they change, stop where the policy says so.
import type { Effect, EffectResult } from "../handover/effects.ts";
import { type StepFacts, type StepState, stepCall } from "./message.ts";
import { type AwayCause, readStepOutcome, type StepVerdict } from "./read-outcome.ts";
import { type CompiledStep, describeTarget, type Stage } from "./step.ts";

/** What became of one step of a message. */
export interface StepReport {
  readonly stage: Stage;
  readonly step: string;
  readonly target: string;
  readonly outcome: "passed" | "rejected" | AwayCause;
  /** Why it did not pass. */
  readonly reason: string | undefined;
  /** Names of what it changed. */
  readonly changed: readonly string[];
  readonly tries: number;
  readonly elapsedMs: number;
  /** stopped: the message; warned: it goes on, and that is told; ignored: it goes on. */
  readonly consequence: "none" | "stopped" | "warned" | "ignored";
}

/** Why a message does not go on: a step said no and blocks, or is required and was away. */
export type StepStop = { readonly stage: Stage; readonly step: string; readonly reason: string } & (
  | { readonly kind: "blocked" }
  | { readonly kind: "away"; readonly cause: AwayCause }
);

/** The steps of one message under way. */
export interface StepRun {
  readonly facts: StepFacts;
  state: StepState;
  /** Time left for all steps of the message. */
  leftMs: number;
  readonly reports: StepReport[];
}

const FIRST_WAIT_MS = 25;
const MAX_WAIT_MS = 1_000;

export function* takeStage(
  run: StepRun,
  stage: Stage,
  steps: readonly CompiledStep[],
): Generator<Effect, StepStop | undefined, EffectResult> {
  for (const step of steps) {
    const { verdict, tries, elapsedMs } = yield* takeStep(run, stage, step);
    const consequence = consequenceOf(verdict, step);
    const changed = verdict.kind === "passed" ? Object.keys(verdict.changes) : [];
    run.reports.push({
      stage,
      step: step.name,
      target: describeTarget(step.target),
      outcome: verdict.kind === "away" ? verdict.cause : verdict.kind,
      reason: verdict.kind === "passed" ? undefined : verdict.reason,
      changed,
      tries,
      elapsedMs,
      consequence,
    });
    if (verdict.kind === "passed") run.state = applyChanges(run.state, stage, verdict.changes);
    else if (consequence === "stopped") return stopOf(stage, step, verdict);
  }
  return undefined;
}

interface Taken {
  readonly verdict: StepVerdict;
  readonly tries: number;
  readonly elapsedMs: number;
}

/** Further tries only where another one may end otherwise, and never beyond the time for all steps. */
function* takeStep(run: StepRun, stage: Stage, step: CompiledStep): Generator<Effect, Taken, EffectResult> {
  let elapsedMs = 0;
  let waitMs = FIRST_WAIT_MS;
  const spend = (ms: number): void => {
    elapsedMs += ms;
    run.leftMs -= ms;
  };
  for (let attempt = 1; ; attempt++) {
    if (run.leftMs <= 0) return { verdict: OUT_OF_TIME, tries: attempt - 1, elapsedMs };
    const timeoutMs = Math.min(step.timeoutMs, run.leftMs);
    const result = yield {
      kind: "callStep",
      call: stepCall(run.facts, run.state, { stage, step, attempt, timeoutMs }),
    };
    if (result.kind !== "called") throw new Error(`calling a step cannot end as ${result.kind}`);
    spend(result.elapsedMs);
    const verdict = readStepOutcome(stage, result.outcome, stage === "pre" ? run.state.context : run.state.metadata);
    if (attempt >= step.tries || !isPassing(verdict) || run.leftMs <= waitMs)
      return { verdict, tries: attempt, elapsedMs };
    yield { kind: "wait", ms: waitMs };
    spend(waitMs);
    waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
  }
}

const OUT_OF_TIME: StepVerdict = { kind: "away", cause: "timeout", reason: "the time for steps is used up" };

/** Whether it may be otherwise a moment later. */
function isPassing(verdict: StepVerdict): boolean {
  return verdict.kind === "away" && (verdict.cause === "unavailable" || verdict.cause === "timeout");
}

function consequenceOf(verdict: StepVerdict, { onFail, required }: CompiledStep): StepReport["consequence"] {
  if (verdict.kind === "passed") return "none";
  if (verdict.kind === "away") return required ? "stopped" : "warned";
  if (onFail === "Block") return "stopped";
  return onFail === "Warn" ? "warned" : "ignored";
}

function applyChanges(state: StepState, stage: Stage, changes: Readonly<Record<string, string>>): StepState {
  if (Object.keys(changes).length === 0) return state;
  if (stage === "pre") return { ...state, context: { ...state.context, ...changes } };
  return { ...state, metadata: { ...state.metadata, ...changes } };
}

function stopOf(stage: Stage, { name }: CompiledStep, verdict: Exclude<StepVerdict, { kind: "passed" }>): StepStop {
  const about = { stage, step: name, reason: verdict.reason };
  return verdict.kind === "rejected" ? { ...about, kind: "blocked" } : { ...about, kind: "away", cause: verdict.cause };
}
