// The explanation of the stages that have more to tell than what they chose.
import type { CompiledProvider } from "../policy/table.ts";
import type { DropReason, ExplainStep } from "./decision.ts";
import { scoreProvider } from "./pick.ts";
import { hashPickText } from "./pick-hash.ts";

export function explainFilter(
  providers: readonly CompiledProvider[],
  drops: readonly (DropReason | undefined)[],
): ExplainStep {
  const kept = providers.filter((_, index) => drops[index] === undefined).map(({ name }) => name);
  const dropped = providers.flatMap(({ name }, index) => {
    const reason = drops[index];
    return reason === undefined ? [] : [{ name, reason }];
  });
  return { stage: "filter", kept, dropped };
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
