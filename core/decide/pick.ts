// Weighted rendezvous hashing: each provider scores on the key by itself, the highest score wins. Shares follow the
// weights; when a provider leaves only its keys move; nothing is shared between replicas.
import type { CompiledProvider, PickHash } from "../policy/table.ts";
import { drawUniform, hashPickText } from "./pick-hash.ts";

/**
 * Score of a provider for a key: `-weight / ln(u)`, u uniform in (0, 1) from the hash of both. The chance to have the
 * highest score is the provider's share of the weights (Schindelhauer and Schomaker, "Weighted distributed hash tables",
 * 2005), and scaling all weights scales all scores.
 */
export function scoreProvider(key: PickHash, provider: CompiledProvider): number {
  return -provider.weight / Math.log(drawUniform(key, provider.pickSeed));
}

/** The candidate with the highest score; of equal ones that with the lower key, so that the order written does not matter. */
export function pickProvider(candidates: readonly CompiledProvider[], key: string): CompiledProvider | undefined {
  if (candidates.length <= 1) return candidates[0];
  const hash = hashPickText(key);
  let best: CompiledProvider | undefined;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const score = scoreProvider(hash, candidate);
    if (score > bestScore || (score === bestScore && best !== undefined && candidate.key < best.key)) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}
