// Which priority serves a message: the lowest number that has a candidate.
import type { CompiledProvider } from "../policy/table.ts";
import type { DropReason } from "./decision.ts";

/** Candidates of the lowest priority number that has any, in the order of the policy; empty when every provider was dropped. */
export function selectTier(
  providers: readonly CompiledProvider[],
  drops: readonly (DropReason | undefined)[],
): readonly CompiledProvider[] {
  let tier: CompiledProvider[] = [];
  let priority = Number.POSITIVE_INFINITY;
  for (let index = 0; index < providers.length; index += 1) {
    const provider = providers[index];
    if (provider === undefined || drops[index] !== undefined || provider.priority > priority) continue;
    if (provider.priority < priority) {
      tier = [];
      priority = provider.priority;
    }
    tier.push(provider);
  }
  return tier;
}
