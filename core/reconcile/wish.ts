// One desired object and what stands under its key -> the specs that it may be served with, the wanted one first.
import { parseSpec } from "../config/apply.ts";
import { type ConfigEntry, entryMeta, type RouterKey } from "../config/entry.ts";
import type { DesiredEntry } from "../config/last-good.ts";
import type { BeamlineObject, SpecProblem } from "../policy/spec.ts";
import type { Result } from "../result.ts";
import { sameSpec } from "./changed-objects.ts";
import { legacyRefusals } from "./legacy-subjects.ts";
import type { Refusal } from "./object-conditions.ts";

/** What a Router allows. */
export interface RouterRules {
  readonly router: RouterKey;
  /** Namespaces whose policies the Router takes; `*` = all. */
  readonly allowedNamespaces: readonly string[];
  /** Subjects of legacy providers that routers publish to; absent: not known, and no provider is refused for its subject. */
  readonly allowedSubjects?: readonly string[];
}

/** A spec that the object may be served with: the newest, or the one that stands. */
export interface Choice {
  readonly object: BeamlineObject;
  readonly isNewest: boolean;
}

export interface Wish {
  readonly desired: DesiredEntry;
  /** The newest spec with its defaults, when it passed the schema. */
  readonly object: BeamlineObject | undefined;
  readonly refusals: readonly Refusal[];
  readonly specProblems: readonly SpecProblem[];
  readonly choices: readonly Choice[];
  /** What was parsed for this, for the next time. */
  readonly parsed: readonly ParsedSpec[];
}

export interface ParsedSpec {
  readonly uid: string;
  readonly generation: number;
  readonly spec: unknown;
  readonly result: Result<BeamlineObject, readonly SpecProblem[]>;
}

export function makeWish(
  rules: RouterRules,
  desired: DesiredEntry,
  stored: ConfigEntry | undefined,
  parsedBefore: readonly ParsedSpec[],
): Wish {
  const parsed: ParsedSpec[] = [];
  const parse = (version: DesiredEntry) => parseOnce(rules.router, version, parsedBefore, parsed);
  const newest = parse(desired);
  const object = newest.ok ? newest.value : undefined;
  const specProblems = newest.ok ? [] : newest.error;
  const refusals = object === undefined ? specProblems.map(asRefusal) : attachmentRefusals(rules, object);
  const legacy = legacyRefusals(object, rules.allowedSubjects);
  const choices: Choice[] = [];
  if (object !== undefined && refusals.length === 0) choices.push({ object, isNewest: true });
  // Another uid is another object: what stood under its name is none of its business.
  if (stored !== undefined && stored.uid === desired.meta.uid && stored.generation !== desired.meta.generation) {
    const standing = parse({ kind: stored.kind, meta: entryMeta(stored), spec: stored.current });
    const usable = standing.ok && attachmentRefusals(rules, standing.value).length === 0;
    if (usable && legacyRefusals(standing.value, rules.allowedSubjects).length === 0) {
      const choice = { object: standing.value, isNewest: false };
      // Without its subject the newest is kept only for want of a better: routers then refuse its work, where leaving it out
      // would make it an implicit provider, whose work goes where none of its workers looks.
      if (legacy.length > 0) choices.unshift(choice);
      else choices.push(choice);
    }
  }
  return { desired, object, refusals: [...refusals, ...legacy], specProblems, choices, parsed };
}

/** Does the policy or pipeline belong to this Router, and does the Router take it? */
function attachmentRefusals(rules: RouterRules, object: BeamlineObject): readonly Refusal[] {
  if (object.kind !== "RoutingPolicy" && object.kind !== "Pipeline") return [];
  const { namespace = object.meta.namespace, name } = object.spec.routerRef;
  if (namespace !== rules.router.namespace || name !== rules.router.name) {
    const message = `there is no Router ${namespace}/${name}`;
    return [{ reason: "RouterNotFound", message, path: "spec.routerRef" }];
  }
  const allowed = rules.allowedNamespaces;
  if (allowed.includes("*") || allowed.includes(object.meta.namespace)) return [];
  const message = `Router ${namespace}/${name} takes no ${object.kind === "Pipeline" ? "pipelines" : "policies"} from namespace ${object.meta.namespace}`;
  return [{ reason: "NamespaceNotAllowed", message, path: "spec.routerRef" }];
}

function parseOnce(
  router: RouterKey,
  { kind, meta, spec }: DesiredEntry,
  before: readonly ParsedSpec[],
  parsed: ParsedSpec[],
): ParsedSpec["result"] {
  const { uid, generation } = meta;
  const isSame = (one: ParsedSpec): boolean =>
    one.uid === uid && one.generation === generation && sameSpec(one.spec, spec);
  const known = before.find(isSame) ?? { uid, generation, spec, result: parseSpec(kind, meta, spec, router) };
  parsed.push(known);
  return known.result;
}

function asRefusal({ path, message }: SpecProblem): Refusal {
  return { reason: "Invalid", message, path };
}
