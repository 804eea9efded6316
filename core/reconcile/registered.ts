// The condition Registered: whether processors that the registry knows take the work of a Provider, or of a policy's providers and steps.
import type { CompiledProvider } from "../policy/table.ts";
import { nameProcessors } from "../registry/processor-state.ts";
import type { ProviderProcessors } from "../registry/provider-liveness.ts";
import type { ObservedCondition } from "./conditions.ts";
import { describeAway, type RegisteredStep } from "./registered-steps.ts";

/** A provider, and what is known of its processors. */
export interface RegisteredProvider {
  /** As the object names it. */
  readonly name: string;
  readonly registration: CompiledProvider["registration"];
  /** Absent when it has none. */
  readonly processors: ProviderProcessors | undefined;
}

/** What a status tells of processors: bounded, whatever there are. */
export interface ProcessorsSummary {
  readonly live: number;
  readonly late: number;
  readonly lost: number;
  /** At most `MAX_NAMED_PROCESSORS`, the fittest first. */
  readonly names: readonly string[];
}

type Standing = "Registered" | "NoProcessor" | "ProcessorsLost" | "ProcessorsUnhealthy";

/** Providers that a message names; the others are a count. */
const MAX_NAMED_PROVIDERS = 8;
const MESSAGES: Readonly<Record<Standing, string>> = {
  Registered: "a registered processor takes work",
  NoProcessor: "spec.registration is Required, and no processor is registered for it",
  ProcessorsLost: "no processor of it is heard of any more",
  ProcessorsUnhealthy: "every processor of it that is heard of asks for no work",
};

/** Whether registration is anything to it: it must have a processor, or has one. */
export function isRegistrable({ registration, processors }: RegisteredProvider): boolean {
  return registration === "Required" || processors !== undefined;
}

export function summarizeProcessors(processors: ProviderProcessors | undefined): ProcessorsSummary {
  if (processors === undefined) return { live: 0, late: 0, lost: 0, names: [] };
  const { live, late, lost } = processors;
  return { live, late, lost, names: nameProcessors(processors.processors) };
}

/** As the filter of decisions judges it. */
function standingOf({ processors }: RegisteredProvider): Standing {
  if (processors === undefined) return "NoProcessor";
  const { liveness, reported } = processors;
  if (liveness === "lost") return "ProcessorsLost";
  return reported === "UNHEALTHY" || reported === "STOPPING" ? "ProcessorsUnhealthy" : "Registered";
}

/** Absent where registration is nothing to the Provider. `isRead`: whether the registry has been read. */
export function providerRegistered(
  generation: number,
  isRead: boolean,
  provider: RegisteredProvider,
): readonly ObservedCondition[] {
  if (!isRegistrable(provider)) return [];
  if (!isRead) return [notRead(generation)];
  const reason = standingOf(provider);
  const names = summarizeProcessors(provider.processors).names;
  const who = reason === "Registered" || names.length === 0 ? "" : `: ${names.join(", ")}`;
  const status = reason === "Registered" ? "True" : "False";
  return [condition(generation, { status, reason, message: `${MESSAGES[reason]}${who}` })];
}

/**
 * False when none of its providers takes work, or the processor of a step that it requires is away: then no message of it passes.
 * Absent where registration is nothing to any of them.
 *
 * @param providers those that are not drained
 */
export function policyRegistered(
  generation: number,
  isRead: boolean,
  providers: readonly RegisteredProvider[],
  steps: readonly RegisteredStep[] = [],
): readonly ObservedCondition[] {
  const subject = providers.filter(isRegistrable);
  if (!isRead) {
    const isNeeded = subject.length > 0 || steps.some(({ required }) => required);
    return isNeeded ? [notRead(generation)] : [];
  }
  if (subject.length === 0 && steps.length === 0) return [];
  const findings = [...findIdle(subject, providers.length), ...findAway(steps)];
  const worst = findings.find(({ status }) => status === "False") ?? findings[0];
  if (worst === undefined) {
    const ofProviders = subject.length === 0 ? [] : ["every provider with registered processors takes work"];
    const ofSteps = steps.length === 0 ? [] : ["every processor that a step names takes work"];
    const message = [...ofProviders, ...ofSteps].join("; ");
    return [condition(generation, { status: "True", reason: "Registered", message })];
  }
  const message = findings.map((finding) => finding.message).join("; ");
  return [condition(generation, { ...worst, message })];
}

type Finding = Pick<ObservedCondition, "status" | "reason" | "message">;

/** @param many providers that the policy has, with those that need not be registered */
function findIdle(subject: readonly RegisteredProvider[], many: number): readonly Finding[] {
  const idle = subject.flatMap((provider) => {
    const standing = standingOf(provider);
    return standing === "Registered" ? [] : [`${provider.name} (${standing})`];
  });
  if (idle.length === 0) return [];
  const list = describe(idle);
  if (idle.length === many) {
    return [{ status: "False", reason: "NoProcessors", message: `no provider takes work: ${list}` }];
  }
  const message = `work goes to the other providers, without ${list}`;
  return [{ status: "True", reason: "PartlyRegistered", message }];
}

function findAway(steps: readonly RegisteredStep[]): readonly Finding[] {
  const away = steps.filter((step) => step.away !== undefined);
  const required = away.filter((step) => step.required);
  const optional = away.filter((step) => !step.required);
  const findings: Finding[] = [];
  if (required.length > 0) {
    const message = `messages are stopped at required steps: ${describeAway(required)}`;
    findings.push({ status: "False", reason: "StepProcessorAway", message });
  }
  if (optional.length > 0) {
    const message = `messages go on without optional steps: ${describeAway(optional)}`;
    findings.push({ status: "True", reason: "PartlyRegistered", message });
  }
  return findings;
}

function describe(idle: readonly string[]): string {
  const more = idle.length - MAX_NAMED_PROVIDERS;
  const named = idle.slice(0, MAX_NAMED_PROVIDERS).join(", ");
  return more > 0 ? `${named} and ${more} more` : named;
}

function notRead(generation: number): ObservedCondition {
  const message = "the registry of components has not been read since this operator began";
  return condition(generation, { status: "Unknown", reason: "RegistryNotRead", message });
}

function condition(
  observedGeneration: number,
  { status, reason, message }: Pick<ObservedCondition, "status" | "reason" | "message">,
): ObservedCondition {
  return { type: "Registered", status, reason, message, observedGeneration };
}
