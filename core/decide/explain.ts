// The explanation of the stages that have more to tell than what they chose.
import type { CompiledProvider } from "../policy/table.ts";
import { nameProcessors } from "../registry/processor-state.ts";
import type { DroppedProvider, DropReason, ExplainStep, HealthSnapshot } from "./decision.ts";
import { healthOf } from "./filter.ts";
import { scoreProvider } from "./pick.ts";
import { hashPickText } from "./pick-hash.ts";

/** Reasons that lie in what is known of a provider's processors. */
const SAID_OF_PROCESSORS: ReadonlySet<DropReason> = new Set(["lost", "unhealthy"]);

export function explainFilter(
  providers: readonly CompiledProvider[],
  drops: readonly (DropReason | undefined)[],
  snapshot: HealthSnapshot,
): ExplainStep {
  const kept = providers.filter((_, index) => drops[index] === undefined).map(({ name }) => name);
  const dropped = providers.flatMap((provider, index) => {
    const reason = drops[index];
    return reason === undefined ? [] : [describeDrop(provider, reason, snapshot)];
  });
  return { stage: "filter", kept, dropped };
}

function describeDrop(provider: CompiledProvider, reason: DropReason, snapshot: HealthSnapshot): DroppedProvider {
  const { name } = provider;
  const processors = SAID_OF_PROCESSORS.has(reason) ? healthOf(provider, snapshot)?.processors : undefined;
  return processors === undefined ? { name, reason } : { name, reason, processors: nameProcessors(processors) };
}

export function explainPick(tier: readonly CompiledProvider[], key: string, chosen: CompiledProvider): ExplainStep {
  const hash = hashPickText(key);
  const scores = tier.map((provider) => ({
    name: provider.name,
    weight: provider.weight,
    score: scoreProvider(hash, provider),
  }));
  return { stage: "pick", key, scores, chosen: chosen.name };
}
