// Weights that are any number become those of a RoutingPolicy, which are integers, and are found again.
import { isRecord } from "../policy/problems.ts";
import type { AdminProvider } from "./admin-policy.ts";

/** Largest weight of a RoutingPolicy. */
const MAX_WEIGHT = 1_000_000;
/** Decimal places that are kept exactly, as far as the weights stay within the largest one. */
const MAX_DECIMALS = 6;

/**
 * Integers in the same proportions. Exactly the same when there are at most six decimal places and room for them: 0.7 and 0.3
 * become 7 and 3. Otherwise the largest becomes 1,000,000 and every other one is off by at most a millionth of the largest; none
 * but 0 becomes 0. The order does not matter. Weights are finite and not negative.
 */
export function scaleWeights(weights: readonly number[]): readonly number[] {
  for (let decimals = 0; decimals <= MAX_DECIMALS; decimals++) {
    const factor = 10 ** decimals;
    const scaled = weights.map((weight) => Math.round(weight * factor));
    if (scaled.some((weight) => weight > MAX_WEIGHT)) break;
    if (scaled.every((weight, index) => weight / factor === weights[index])) return scaled;
  }
  const largest = Math.max(...weights);
  return weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.round((weight / largest) * MAX_WEIGHT))));
}

/** The annotation that keeps the numbers as they were written; undefined when the integers say it all. */
export function encodeWeights(providers: readonly AdminProvider[]): string | undefined {
  const scaled = scaleWeights(providers.map(({ weight }) => weight));
  if (providers.every(({ weight }, index) => weight === scaled[index])) return undefined;
  return JSON.stringify({ weights: Object.fromEntries(providers.map(({ id, weight }) => [id, weight])) });
}

/**
 * The numbers as they were written, while the policy has the weights that were made of them; as the policy has them when
 * somebody changed it since, or the annotation is none of ours.
 */
export function restoreWeights(
  providers: readonly AdminProvider[],
  annotation: string | undefined,
): readonly AdminProvider[] {
  const written = annotation === undefined ? undefined : readWeights(annotation);
  if (written === undefined || written.size !== providers.length) return providers;
  const original = providers.map(({ id }) => ({ id, weight: written.get(id) ?? Number.NaN }));
  if (original.some(({ weight }) => Number.isNaN(weight))) return providers;
  const scaled = scaleWeights(original.map(({ weight }) => weight));
  return providers.every(({ weight }, index) => weight === scaled[index]) ? original : providers;
}

function readWeights(annotation: string): ReadonlyMap<string, number> | undefined {
  const parsed = parseJson(annotation);
  if (!isRecord(parsed) || !isRecord(parsed.weights)) return undefined;
  const weights = new Map<string, number>();
  for (const [id, weight] of Object.entries(parsed.weights)) {
    if (typeof weight !== "number" || !Number.isFinite(weight) || weight < 0) return undefined;
    weights.set(id, weight);
  }
  return weights;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
