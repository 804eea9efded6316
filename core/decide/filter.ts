// Which providers of a policy are candidates for a message, and why the others are not.
import type { CompiledPolicy, CompiledProvider } from "../policy/table.ts";
import type { DecideInput, DropReason, HealthSnapshot, ProviderHealth } from "./decision.ts";

/** What the filter holds providers to, besides their health: the tighter of policy and request. */
export interface Demands {
  readonly maxLatencyMs: number;
  readonly maxCost: number;
  readonly messageType: string;
  readonly exclude: ReadonlySet<string> | undefined;
}

export function readDemands(policy: CompiledPolicy, input: DecideInput): Demands {
  const { constraints, messageType, exclude } = input;
  return {
    maxLatencyMs: tighter(policy.constraints.maxLatencyMs, constraints.maxLatencyMs),
    maxCost: tighter(policy.constraints.maxCost, constraints.maxCost),
    messageType,
    exclude,
  };
}

function tighter(left: number | undefined, right: number | undefined): number {
  return Math.min(left ?? Number.POSITIVE_INFINITY, right ?? Number.POSITIVE_INFINITY);
}

/** Why each provider of the policy is no candidate, in the order of the policy; undefined for those that are. */
export function filterProviders(
  providers: readonly CompiledProvider[],
  demands: Demands,
  snapshot: HealthSnapshot,
): readonly (DropReason | undefined)[] {
  const drops: (DropReason | undefined)[] = [];
  for (const provider of providers) drops.push(findDrop(provider, demands, snapshot));
  return drops;
}

function findDrop(provider: CompiledProvider, demands: Demands, snapshot: HealthSnapshot): DropReason | undefined {
  if (provider.weight === 0 || provider.drain !== undefined) return "drained";
  return findDropOfPinned(provider, demands, snapshot);
}

/** As for any provider, but a pin outlives a drain that lets work end: `drain: Graceful` and weight 0. */
export function findDropOfPinned(
  provider: CompiledProvider,
  demands: Demands,
  snapshot: HealthSnapshot,
): DropReason | undefined {
  if (provider.drain === "Now") return "drained";
  const health = snapshot.providers.size === 0 ? undefined : healthOf(provider, snapshot);
  const drop =
    health === undefined
      ? findRegistrationDrop(provider.registration, snapshot)
      : findHealthDrop(health, provider.registration);
  if (drop !== undefined) return drop;
  if (provider.expectedLatencyMs > demands.maxLatencyMs) return "latency_constraint";
  if (provider.expectedCost > demands.maxCost) return "cost_constraint";
  if (provider.capabilities !== undefined && !provider.capabilities.has(demands.messageType)) return "capability";
  if (health?.overloaded === true) return "overloaded";
  if (demands.exclude?.has(provider.name) === true) return "excluded";
  return undefined;
}

/** Of processors that name the Provider, or of the one that has its id: whichever may have the work. */
export function healthOf(provider: CompiledProvider, { providers }: HealthSnapshot): ProviderHealth | undefined {
  let last: ProviderHealth | undefined;
  for (const owner of provider.processorOwners) {
    const health = providers.get(owner);
    if (health === undefined) continue;
    if (findHealthDrop(health, provider.registration) === undefined) return health;
    last = health;
  }
  return last;
}

function findRegistrationDrop(
  registration: "Required" | "Optional",
  { followsRegistry }: HealthSnapshot,
): DropReason | undefined {
  return registration === "Required" && followsRegistry ? "unregistered" : undefined;
}

/** Lost = registered before and not live now; a late one is still used. Never registered counts only where it is required. */
function findHealthDrop(health: ProviderHealth, registration: "Required" | "Optional"): DropReason | undefined {
  if (health.liveness === "lost") return "lost";
  if (health.liveness === "unknown" && registration === "Required") return "unregistered";
  if (health.reported === "UNHEALTHY" || health.reported === "STOPPING") return "unhealthy";
  if (health.breaker === "open") return "breaker_open";
  if (health.domainOpen) return "failure_domain_open";
  return undefined;
}
