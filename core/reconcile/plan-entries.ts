// Desired objects and what stands in the bucket -> what shall stand there, and why an object's newest spec is not part of it.
import type { Candidate } from "../config/candidates.ts";
import type { ConfigEntry } from "../config/entry.ts";
import { type Chosen, compileChanges, NOTHING_CHOSEN, type Outcome } from "../config/fallback.ts";
import { entryKey } from "../config/keys.ts";
import { type DesiredEntry, nextEntry } from "../config/last-good.ts";
import { LayeredMap } from "../layered-map.ts";
import type { CompileOptions } from "../policy/compile.ts";
import { type InstallationLimits, listPartiallySupported } from "../policy/partially-supported.ts";
import type { BeamlineObject, SpecProblem } from "../policy/spec.ts";
import type { CompiledPolicy } from "../policy/table.ts";
import { changedObjects, type ListedObject } from "./changed-objects.ts";
import { refusedLegacyProviders } from "./legacy-subjects.ts";
import type { Refusal } from "./object-conditions.ts";
import { refusedStepSubjects } from "./step-subjects.ts";
import { makeWish, type ParsedSpec, type RouterRules, type Wish } from "./wish.ts";

export interface PlanInput extends RouterRules {
  /** Routers among them are left aside. */
  readonly objects: readonly ListedObject[];
  readonly limits?: InstallationLimits;
  /** Entries that stand in the bucket, by key. */
  readonly stored: { get(key: string): ConfigEntry | undefined };
  /** Whether the standing entry of a key was served by every ready router. */
  wasProgrammed(key: string): boolean;
  readonly compile?: CompileOptions;
}

/** Outcome for one desired object; the same one from plan to plan as long as nothing of it changes. */
export interface Verdict {
  readonly key: string;
  readonly desired: DesiredEntry;
  /** The newest spec with its defaults, when it passed the schema. */
  readonly object: BeamlineObject | undefined;
  /** Empty when the newest spec is in the table. */
  readonly refusals: readonly Refusal[];
  /** What is wrong with it though it is in the table: references that lead nowhere. */
  readonly warnings: readonly Refusal[];
  /** The schema's problems with the newest spec, before they became refusals. */
  readonly specProblems: readonly SpecProblem[];
  readonly inForceGeneration: number | undefined;
  /** What is in force of a RoutingPolicy. */
  readonly policy: CompiledPolicy | undefined;
  readonly implicitProviders: readonly string[];
  readonly partiallySupported: readonly string[];
}

export interface EntryPlan {
  /** Exactly the entries that shall stand in the bucket, by key. */
  readonly entries: LayeredMap<ConfigEntry>;
  readonly verdicts: LayeredMap<Verdict>;
  /** What routers will make of the entries. */
  readonly compiled: Chosen;
  /** By key: specs that need not be parsed again. */
  readonly parsed: LayeredMap<readonly ParsedSpec[]>;
  /** What the next plan follows from. */
  readonly basis: PlanBasis;
}

interface PlanBasis {
  readonly objects: readonly ListedObject[];
  /** What concerns every object: with others every object is looked at again. */
  readonly rules: string;
  readonly wishes: LayeredMap<Wish>;
  /** Keys whose entry is not what stood when it was planned: the next plan looks again. */
  readonly unsettled: ReadonlySet<string>;
}

export const EMPTY_PLAN: EntryPlan = {
  entries: LayeredMap.empty(),
  verdicts: LayeredMap.empty(),
  compiled: NOTHING_CHOSEN,
  parsed: LayeredMap.empty(),
  basis: { objects: [], rules: "", wishes: LayeredMap.empty(), unsettled: new Set() },
};

/**
 * Only what compiles together is written. An object whose newest spec is refused keeps the spec that stands in the bucket,
 * as long as that one still compiles with the rest; otherwise nothing of it is in force.
 *
 * Given the plan before, only what changed since, and what depends on it, is worked out again; the result is the same. `stored`
 * then must hold the entries of that plan, and `compile` be the same.
 */
export function planEntries(input: PlanInput, before: EntryPlan = EMPTY_PLAN): EntryPlan {
  const wishes = changedWishes(input, before);
  const compiled = compileChanges(before.compiled, candidatesOf(wishes, before), input.compile);
  const touched = new Set([...wishes.keys(), ...compiled.outcomes.changedSince(before.compiled.outcomes)]);
  const now: Draft = { input, before, compiled, wishes: before.basis.wishes.with(wishes) };
  const entries = new Map<string, ConfigEntry | undefined>();
  const verdicts = new Map<string, Verdict | undefined>();
  const unsettled = new Set<string>();
  for (const key of touched) {
    const wish = now.wishes.get(key);
    const stored = input.stored.get(key);
    const entry = wish === undefined ? undefined : planEntry(now, key, wish, stored);
    entries.set(key, entry);
    verdicts.set(key, wish === undefined ? undefined : planVerdict(now, key, wish, entry));
    if (wish !== undefined && entry !== stored) unsettled.add(key);
  }
  return {
    entries: before.entries.with(entries),
    verdicts: before.verdicts.with(verdicts),
    compiled,
    parsed: before.parsed.with(parsedOf(wishes)),
    basis: { objects: input.objects, rules: rulesText(input), wishes: now.wishes, unsettled },
  };
}

/** A plan under way. */
interface Draft {
  readonly input: PlanInput;
  readonly before: EntryPlan;
  readonly compiled: Chosen;
  readonly wishes: LayeredMap<Wish>;
}

function rulesText({ router, allowedNamespaces, allowedSubjects, limits }: PlanInput): string {
  return JSON.stringify([router, allowedNamespaces, allowedSubjects, limits]);
}

/** The wishes that may be others than before, by key; undefined for objects that are gone. */
function changedWishes(input: PlanInput, before: EntryPlan): ReadonlyMap<string, Wish | undefined> {
  const wishes = new Map<string, Wish | undefined>();
  const wishFor = (key: string, desired: DesiredEntry): void => {
    wishes.set(key, makeWish(input, desired, input.stored.get(key), before.parsed.get(key) ?? []));
  };
  const { changed, removed } = changedObjects(before.basis.objects, input.objects);
  for (const object of removed.filter(isDesired)) wishes.set(keyOf(input, object), undefined);
  const isUnderOthers = before.basis.rules !== rulesText(input);
  for (const object of (isUnderOthers ? input.objects : changed).filter(isDesired)) {
    const { kind, meta, spec } = object;
    wishFor(keyOf(input, object), { kind, meta, spec });
  }
  for (const key of before.basis.unsettled) {
    const desired = before.basis.wishes.get(key)?.desired;
    if (desired !== undefined && !wishes.has(key)) wishFor(key, desired);
  }
  return wishes;
}

function isDesired<T extends ListedObject>(object: T): object is T & { readonly kind: DesiredEntry["kind"] } {
  return object.kind !== "Router";
}

function keyOf({ router }: PlanInput, { kind, meta }: Pick<DesiredEntry, "kind" | "meta">): string {
  return entryKey(router, { kind, namespace: meta.namespace, name: meta.name });
}

/** The candidates that are others than before. */
function candidatesOf(
  wishes: ReadonlyMap<string, Wish | undefined>,
  { compiled }: EntryPlan,
): ReadonlyMap<string, Candidate | undefined> {
  const candidates = new Map<string, Candidate | undefined>();
  for (const [key, wish] of wishes) {
    const choices = (wish?.choices ?? []).map(({ object }) => object);
    const standing = compiled.index.candidates.get(key)?.choices ?? [];
    const isSame = choices.length === standing.length && choices.every((object, at) => object === standing[at]);
    if (!isSame) candidates.set(key, choices.length === 0 ? undefined : { key, choices });
  }
  return candidates;
}

function planEntry(
  { input, compiled }: Draft,
  key: string,
  { desired, choices }: Wish,
  stored: ConfigEntry | undefined,
): ConfigEntry | undefined {
  const position = compiled.outcomes.get(key)?.choice;
  const choice = position === undefined ? undefined : choices[position];
  if (choice === undefined) return undefined;
  if (!choice.isNewest) return stored;
  const entry = nextEntry(stored, stored !== undefined && input.wasProgrammed(key), desired);
  return stored !== undefined && isSameEntry(stored, entry) ? stored : entry;
}

/** By identity where it is the user's: another spelling of the same spec counts as another. */
function isSameEntry(left: ConfigEntry, right: ConfigEntry): boolean {
  return (
    left.uid === right.uid &&
    left.generation === right.generation &&
    left.creationMs === right.creationMs &&
    left.current === right.current &&
    left.lastGood === right.lastGood
  );
}

function planVerdict({ input, before, compiled }: Draft, key: string, wish: Wish, entry: ConfigEntry | undefined) {
  const { desired, object, specProblems } = wish;
  const { uid, generation } = desired.meta;
  const inForce = entry?.uid === uid && entry.generation === generation;
  const { refusals, warnings, policy, implicitProviders }: Partial<Outcome> = compiled.outcomes.get(key) ?? {};
  const verdict: Verdict = {
    key,
    desired,
    object,
    specProblems,
    refusals: [...wish.refusals, ...(inForce ? [] : (refusals ?? []))],
    warnings: inForce ? [...(warnings ?? []), ...refusedSubjects(policy, input)] : [],
    inForceGeneration: entry?.generation,
    policy,
    implicitProviders: inForce ? (implicitProviders ?? []) : [],
    partiallySupported: object === undefined ? [] : listPartiallySupported(object, input.limits),
  };
  const standing = before.verdicts.get(key);
  return standing !== undefined && isSameVerdict(standing, verdict) ? standing : verdict;
}

function refusedSubjects(policy: Outcome["policy"], { allowedSubjects }: PlanInput): readonly Refusal[] {
  return [...refusedLegacyProviders(policy, allowedSubjects), ...refusedStepSubjects(policy, allowedSubjects)];
}

function isSameVerdict(left: Verdict, right: Verdict): boolean {
  return (
    left.object === right.object &&
    left.policy === right.policy &&
    left.inForceGeneration === right.inForceGeneration &&
    left.desired.meta.uid === right.desired.meta.uid &&
    left.desired.meta.generation === right.desired.meta.generation &&
    JSON.stringify(findings(left)) === JSON.stringify(findings(right))
  );
}

function findings({ refusals, warnings, specProblems, implicitProviders }: Verdict): readonly unknown[] {
  return [refusals, warnings, specProblems, implicitProviders];
}

function* parsedOf(
  wishes: ReadonlyMap<string, Wish | undefined>,
): Generator<readonly [string, readonly ParsedSpec[] | undefined]> {
  for (const [key, wish] of wishes) yield [key, wish?.parsed];
}
