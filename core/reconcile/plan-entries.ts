// Desired objects and what stands in the bucket -> what shall stand there, and why an object's newest spec is not part of it.
import { parseSpec } from "../config/apply.ts";
import { type ConfigEntry, entryMeta, type RouterKey } from "../config/entry.ts";
import { type Candidate, type Chosen, compileWithFallback } from "../config/fallback.ts";
import { entryKey } from "../config/keys.ts";
import { type DesiredEntry, nextEntry } from "../config/last-good.ts";
import type { CompiledTable, CompileOptions } from "../policy/compile.ts";
import { type InstallationLimits, listPartiallySupported } from "../policy/partially-supported.ts";
import type { BeamlineObject, SpecProblem } from "../policy/spec.ts";
import type { CompiledPolicy } from "../policy/table.ts";
import type { Result } from "../result.ts";
import { legacyRefusals, refusedLegacyProviders } from "./legacy-subjects.ts";
import type { Refusal } from "./object-conditions.ts";

export interface PlanInput {
  readonly router: RouterKey;
  /** Namespaces whose policies the Router takes; `*` = all. */
  readonly allowedNamespaces: readonly string[];
  readonly objects: readonly DesiredEntry[];
  /** Subjects of legacy providers that routers publish to; absent: not known, and no provider is refused for its subject. */
  readonly allowedSubjects?: readonly string[];
  readonly limits?: InstallationLimits;
  /** Entries that stand in the bucket, by key. */
  readonly stored: ReadonlyMap<string, ConfigEntry>;
  /** Whether the standing entry of a key was served by every ready router. */
  wasProgrammed(key: string): boolean;
  readonly compile?: CompileOptions;
  /** What the plan before parsed. */
  readonly parsedBefore?: ParsedObjects;
}

/** Outcome for one desired object. */
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
  readonly implicitProviders: readonly string[];
  readonly partiallySupported: readonly string[];
}

interface ParsedObject {
  readonly uid: string;
  readonly generation: number;
  readonly result: Result<BeamlineObject, readonly SpecProblem[]>;
}

/** Parsed specs by `<key>@<generation>`: a uid and a generation name one spec. */
export type ParsedObjects = ReadonlyMap<string, ParsedObject>;

export interface EntryPlan {
  /** Exactly the entries that shall stand in the bucket, by key. */
  readonly entries: ReadonlyMap<string, ConfigEntry>;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** What routers will make of the entries. */
  readonly compiled: CompiledTable;
  readonly parsed: ParsedObjects;
}

/**
 * Only what compiles together is written. An object whose newest spec is refused keeps the spec that stands in the bucket,
 * as long as that one still compiles with the rest; otherwise nothing of it is in force.
 */
export function planEntries(input: PlanInput): EntryPlan {
  const parsed = new Map<string, ParsedObject>();
  const parse = (key: string, desired: DesiredEntry) => parseOnce(input, parsed, key, desired);
  const wishes = new Map<string, Wish>();
  for (const desired of input.objects) {
    const { kind, meta } = desired;
    const key = entryKey(input.router, { kind, namespace: meta.namespace, name: meta.name });
    wishes.set(key, makeWish(input, key, desired, parse));
  }
  const candidates: Candidate[] = [];
  for (const [key, { choices }] of wishes)
    if (choices.length > 0) candidates.push({ key, choices: choices.map(first) });
  const chosen = compileWithFallback(candidates, input.compile);
  const policies = policiesByName(chosen);
  const entries = new Map<string, ConfigEntry>();
  const verdicts = new Map<string, Verdict>();
  for (const [key, wish] of wishes) {
    const index = chosen.choice.get(key);
    const entry = index === undefined ? undefined : wish.choices[index]?.[1];
    if (entry !== undefined) entries.set(key, entry);
    verdicts.set(key, makeVerdict(input, wish, { key, entry, chosen, policies }));
  }
  return { entries, verdicts, compiled: chosen.compiled, parsed };
}

/** One desired object with the specs it may be served with and the entry that each would be. */
interface Wish {
  readonly desired: DesiredEntry;
  readonly object: BeamlineObject | undefined;
  readonly refusals: readonly Refusal[];
  readonly specProblems: readonly SpecProblem[];
  readonly choices: readonly (readonly [BeamlineObject, ConfigEntry])[];
}

type Parse = (key: string, desired: DesiredEntry) => Result<BeamlineObject, readonly SpecProblem[]>;

function makeWish(input: PlanInput, key: string, desired: DesiredEntry, parse: Parse): Wish {
  const newest = parse(key, desired);
  const object = newest.ok ? newest.value : undefined;
  const specProblems = newest.ok ? [] : newest.error;
  const refusals = object === undefined ? specProblems.map(asRefusal) : attachmentRefusals(input, object);
  const legacy = legacyRefusals(object, input.allowedSubjects);
  const choices: (readonly [BeamlineObject, ConfigEntry])[] = [];
  const stored = input.stored.get(key);
  if (object !== undefined && refusals.length === 0) {
    choices.push([object, nextEntry(stored, stored !== undefined && input.wasProgrammed(key), desired)]);
  }
  // Another uid is another object: what stood under its name is none of its business.
  if (stored !== undefined && stored.uid === desired.meta.uid && stored.generation !== desired.meta.generation) {
    const standing = parse(key, { kind: stored.kind, meta: entryMeta(stored), spec: stored.current });
    const usable = standing.ok && attachmentRefusals(input, standing.value).length === 0;
    if (usable && legacyRefusals(standing.value, input.allowedSubjects).length === 0) {
      // Without its subject the newest is kept only for want of a better: routers then refuse its work, where leaving it out
      // would make it an implicit provider, whose work goes where none of its workers looks.
      if (legacy.length > 0) choices.unshift([standing.value, stored]);
      else choices.push([standing.value, stored]);
    }
  }
  return { desired, object, refusals: [...refusals, ...legacy], specProblems, choices };
}

/** Does the policy belong to this Router, and does the Router take it? */
function attachmentRefusals(input: PlanInput, object: BeamlineObject): readonly Refusal[] {
  if (object.kind !== "RoutingPolicy") return [];
  const { namespace = object.meta.namespace, name } = object.spec.routerRef;
  if (namespace !== input.router.namespace || name !== input.router.name) {
    const message = `there is no Router ${namespace}/${name}`;
    return [{ reason: "RouterNotFound", message, path: "spec.routerRef" }];
  }
  const allowed = input.allowedNamespaces;
  if (allowed.includes("*") || allowed.includes(object.meta.namespace)) return [];
  const message = `Router ${namespace}/${name} takes no policies from namespace ${object.meta.namespace}`;
  return [{ reason: "NamespaceNotAllowed", message, path: "spec.routerRef" }];
}

interface Outcome {
  readonly key: string;
  readonly entry: ConfigEntry | undefined;
  readonly chosen: Chosen;
  readonly policies: ReadonlyMap<string, CompiledPolicy>;
}

function makeVerdict(input: PlanInput, wish: Wish, { key, entry, chosen, policies }: Outcome): Verdict {
  const { desired, object, specProblems } = wish;
  const { uid, generation, namespace, name } = desired.meta;
  const inForce = entry?.uid === uid && entry.generation === generation;
  const policyName = desired.kind === "RoutingPolicy" ? `${namespace}/${name}` : undefined;
  const implicitProviders = policyName === undefined ? undefined : chosen.compiled.implicitProviders.get(policyName);
  const policy = policyName === undefined ? undefined : policies.get(policyName);
  const compileRefusals = inForce ? [] : (chosen.refusals.get(key) ?? []);
  const refusedProviders = refusedLegacyProviders(policy, input.allowedSubjects);
  return {
    key,
    desired,
    object,
    specProblems,
    refusals: [...wish.refusals, ...compileRefusals],
    warnings: inForce ? [...(chosen.warnings.get(key) ?? []), ...refusedProviders] : [],
    inForceGeneration: entry?.generation,
    implicitProviders: inForce ? (implicitProviders ?? []) : [],
    partiallySupported: object === undefined ? [] : listPartiallySupported(object, input.limits),
  };
}

function policiesByName({ compiled }: Chosen): ReadonlyMap<string, CompiledPolicy> {
  const byName = new Map<string, CompiledPolicy>();
  for (const policies of compiled.table.policies.values()) {
    for (const policy of policies.values()) byName.set(`${policy.meta.namespace}/${policy.meta.name}`, policy);
  }
  return byName;
}

function parseOnce(
  input: PlanInput,
  parsed: Map<string, ParsedObject>,
  key: string,
  desired: DesiredEntry,
): Result<BeamlineObject, readonly SpecProblem[]> {
  const { uid, generation } = desired.meta;
  const id = `${key}@${generation}`;
  const before = input.parsedBefore?.get(id);
  const result =
    before?.uid === uid ? before.result : parseSpec(desired.kind, desired.meta, desired.spec, input.router);
  parsed.set(id, { uid, generation, result });
  return result;
}

function asRefusal({ path, message }: SpecProblem): Refusal {
  return { reason: "Invalid", message, path };
}

function first<T>([value]: readonly [T, unknown]): T {
  return value;
}
