// Verdicts on processors -> what is known of each provider. A verdict costs what it changes, however many there are.
import { hashPickText } from "../decide/pick-hash.ts";
import { LayeredMap } from "../layered-map.ts";
import type { PickHash } from "../policy/table.ts";
import { PROCESSOR_STATES, type ProcessorState, rankOf } from "./processor-state.ts";
import { type Belonging, ownerOfProcessor, ownersOfProvider, type ProviderName } from "./provider-owners.ts";
import type { Verdict } from "./verdicts.ts";

/** What of a verdict counts here. */
export type ProcessorVerdict = Pick<Verdict, "kind" | "liveness" | "reported" | "isCandidate"> & Belonging;

/** The processors of one owner, as good as the best of them. */
export interface ProviderProcessors extends ProcessorState {
  /** How many are observed so, whatever they report. */
  readonly live: number;
  readonly late: number;
  readonly lost: number;
  /** By id. */
  readonly processors: ReadonlyMap<string, ProcessorState>;
}

/** By owner, as provider-owners.ts names it. */
export interface ProviderLiveness {
  readonly owners: LayeredMap<Owned>;
  /** Owner by processor id. */
  readonly ownerOf: LayeredMap<string>;
  /** Sum of the hashes of all that is known: equal knowledge has equal sums, in whatever order it came. */
  readonly sum: PickHash;
}

interface Owned extends ProviderProcessors {
  readonly processors: LayeredMap<ProcessorState>;
  /** Processors by rank. */
  readonly tally: readonly number[];
}

const PROCESSOR_PREFIX = "processor/";
const NO_TALLY: readonly number[] = PROCESSOR_STATES.map(() => 0);

export const NOTHING_REGISTERED: ProviderLiveness = {
  owners: LayeredMap.empty(),
  ownerOf: LayeredMap.empty(),
  sum: { high: 0, low: 0 },
};

/** The same text on every replica that knows the same, and after a restart. */
export function livenessVersion({ sum }: ProviderLiveness): string {
  return [sum.high, sum.low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

/** By component key; undefined = there is no such verdict any more. Of one component the last counts. */
export function applyVerdicts(
  before: ProviderLiveness,
  changes: Iterable<readonly [string, ProcessorVerdict | undefined]>,
): ProviderLiveness {
  const ownerChanges = new Map<string, string | undefined>();
  const byOwner = new Map<string, Map<string, ProcessorState | undefined>>();
  const place = (owner: string, id: string, state: ProcessorState | undefined): void => {
    const ofOwner = byOwner.get(owner) ?? new Map<string, ProcessorState | undefined>();
    byOwner.set(owner, ofOwner.set(id, state));
  };
  for (const [key, verdict] of changes) {
    if (!key.startsWith(PROCESSOR_PREFIX)) continue;
    const id = key.slice(PROCESSOR_PREFIX.length);
    const standing = ownerChanges.has(id) ? ownerChanges.get(id) : before.ownerOf.get(id);
    const owner = verdict === undefined ? undefined : ownerOfProcessor(id, verdict);
    if (standing !== undefined && standing !== owner) place(standing, id, undefined);
    if (verdict !== undefined && owner !== undefined) place(owner, id, PROCESSOR_STATES[rankOf(stateOf(verdict))]);
    ownerChanges.set(id, owner);
  }
  const owners = [...byOwner].map(([owner, states]) => [owner, change(before.owners.get(owner), states)] as const);
  let { sum } = before;
  for (const [owner, states] of byOwner) sum = changeSum(sum, owner, before.owners.get(owner), states);
  return { owners: before.owners.with(owners), ownerOf: before.ownerOf.with(ownerChanges), sum };
}

/** One whose endpoint says that it does not serve is as one that says so itself. */
function stateOf({ liveness, reported, isCandidate }: ProcessorVerdict): ProcessorState {
  const isWorking = reported !== "UNHEALTHY" && reported !== "STOPPING";
  return { liveness, reported: !isCandidate && liveness !== "lost" && isWorking ? "UNHEALTHY" : reported };
}

function change(before: Owned | undefined, states: ReadonlyMap<string, ProcessorState | undefined>): Owned | undefined {
  const standing = before?.processors ?? LayeredMap.empty<ProcessorState>();
  const processors = standing.with(states);
  if (processors === standing) return before;
  if (processors.size === 0) return undefined;
  const tally = [...(before?.tally ?? NO_TALLY)];
  for (const [id, state] of states) {
    count(tally, standing.get(id), -1);
    count(tally, state, 1);
  }
  return { ...summarize(tally), processors, tally };
}

function changeSum(
  sum: PickHash,
  owner: string,
  before: Owned | undefined,
  states: ReadonlyMap<string, ProcessorState | undefined>,
): PickHash {
  let { high, low } = sum;
  for (const [id, state] of states) {
    const was = hashOf(owner, id, before?.processors.get(id));
    const is = hashOf(owner, id, state);
    high = (high - was.high + is.high) | 0;
    low = (low - was.low + is.low) | 0;
  }
  return { high, low };
}

function hashOf(owner: string, id: string, state: ProcessorState | undefined): PickHash {
  return state === undefined ? { high: 0, low: 0 } : hashPickText(`${owner} ${id} ${rankOf(state)}`);
}

function count(tally: number[], state: ProcessorState | undefined, by: number): void {
  if (state === undefined) return;
  const rank = rankOf(state);
  tally[rank] = (tally[rank] ?? 0) + by;
}

function summarize(tally: readonly number[]): Omit<ProviderProcessors, "processors"> {
  const counts = { live: 0, late: 0, lost: 0 };
  let best: ProcessorState | undefined;
  for (const [rank, state] of PROCESSOR_STATES.entries()) {
    const many = tally[rank] ?? 0;
    counts[state.liveness] += many;
    if (many > 0) best ??= state;
  }
  const { liveness, reported } = best ?? { liveness: "lost", reported: "UNKNOWN" };
  return { liveness, reported, ...counts };
}

/** All processors of a Provider: those that name it, and the one that names none and has its `providerId`. */
export function processorsOf(
  { owners }: Pick<ProviderLiveness, "owners">,
  provider: ProviderName,
): ProviderProcessors | undefined {
  const known = ownersOfProvider(provider)
    .map((owner) => owners.get(owner))
    .filter((owned) => owned !== undefined);
  if (known.length <= 1) return known[0];
  const tally = NO_TALLY.map((_, rank) => known.reduce((sum, owned) => sum + (owned.tally[rank] ?? 0), 0));
  return { ...summarize(tally), processors: new Map(known.flatMap((owned) => [...owned.processors])) };
}
