// The steps of a policy as routers take them, and what calling one is and comes to.
import type { PipelineStep, RoutingPolicySpec } from "../policy/spec.ts";

/** In the order in which a message passes them; the decision is made before the last. */
export const STAGES = ["pre", "validator", "post"] as const;

export type Stage = (typeof STAGES)[number];

export type StepTarget =
  /** The id under which a processor registered. */
  { readonly kind: "processor"; readonly id: string } | { readonly kind: "subject"; readonly subject: string };

export interface CompiledStep {
  readonly name: string;
  readonly target: StepTarget;
  /** Whether the message can not go on while the step is away. */
  readonly required: boolean;
  /** What a negative answer means. */
  readonly onFail: "Block" | "Warn" | "Ignore";
  readonly timeoutMs: number;
  /** The first and the further ones. */
  readonly tries: number;
}

export interface CompiledPipeline {
  readonly pre: readonly CompiledStep[];
  readonly validators: readonly CompiledStep[];
  readonly post: readonly CompiledStep[];
}

/** One call of a step: what a performer sends, and how long it waits. */
export interface StepCall {
  readonly target: StepTarget;
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export type StepOutcome =
  /** The metadata of each message that was answered, in order. */
  | { readonly kind: "answered"; readonly parts: readonly Readonly<Record<string, string>>[] }
  /** A no to the message. */
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string }
  /** Nobody registered under the id. */
  | { readonly kind: "notFound"; readonly reason: string }
  | { readonly kind: "timeout" }
  /** It answered what cannot be used, or may not be called: another try gives the same. */
  | { readonly kind: "broken"; readonly reason: string };

/** What performing a call gives. */
export interface StepResult {
  readonly kind: "called";
  readonly outcome: StepOutcome;
  readonly elapsedMs: number;
}

const DEFAULT_TIMEOUT_MS = 1_000;

/** Undefined for a policy without steps. */
export function compilePipeline({ pipeline }: Pick<RoutingPolicySpec, "pipeline">): CompiledPipeline | undefined {
  const { pre, validators, post } = pipeline;
  if (pre.length + validators.length + post.length === 0) return undefined;
  return { pre: pre.map(compileStep), validators: validators.map(compileStep), post: post.map(compileStep) };
}

function compileStep({ name, processor, subject, mode, onFail, timeoutMs, retry }: PipelineStep): CompiledStep {
  return {
    name,
    target:
      processor === undefined ? { kind: "subject", subject: subject ?? "" } : { kind: "processor", id: processor },
    required: mode !== "Optional",
    onFail: onFail ?? "Block",
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    tries: 1 + (retry ?? 0),
  };
}

/** As people and explanations name it. */
export function describeTarget(target: StepTarget): string {
  return target.kind === "processor" ? `processor ${target.id}` : `subject ${target.subject}`;
}
