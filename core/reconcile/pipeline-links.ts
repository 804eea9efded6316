// The links of a Pipeline, held against what is registered: who is missing, who is lost, and whose event types do not meet.
import type { PipelineSpec } from "../policy/spec.ts";
import { type ComponentKind, componentKey } from "../registry/component.ts";
import type { Verdict } from "../registry/verdicts.ts";

/** What is known of components, by `componentKey`. */
export type Components = ReadonlyMap<
  string,
  Pick<Verdict, "liveness" | "isCandidate" | "reported" | "inputEventTypes" | "outputEventTypes">
>;

export type LinkReason = "ComponentNotRegistered" | "ComponentLost" | "ComponentUnavailable" | "EventTypesDiffer";

/** Why one link is not met. */
export interface UnmetLink {
  readonly reason: LinkReason;
  readonly message: string;
  /** Where in the object. */
  readonly path: string;
}

interface Member {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly path: string;
  /** As the object says; else what the component registered counts. */
  readonly eventTypes?: readonly string[];
}

/** Event types that a message repeats; the rest is a count. */
const MAX_NAMED_TYPES = 8;

/** In the order of the pipeline: first the members, then what does not fit between them. Empty: every link is met. */
export function findUnmetLinks(spec: PipelineSpec, components: Components): readonly UnmetLink[] {
  const { first, processors, consumers } = membersOf(spec);
  const all = [first, ...processors, ...consumers];
  const unmet = all.flatMap((member) => unmetMember(member, components) ?? []);
  const steps = [first, ...processors];
  for (const [at, from] of steps.entries()) {
    const next = steps[at + 1];
    for (const to of next === undefined ? consumers : [next]) unmet.push(...differingTypes(from, to, components));
  }
  return unmet;
}

function membersOf({ source, processors, consumers }: PipelineSpec) {
  const first: Member = { kind: "source", path: "spec.source", ...source };
  const toMembers = (kind: ComponentKind, list: readonly { readonly id: string }[], field: string): readonly Member[] =>
    list.map(({ id }, at) => ({ kind, id, path: `spec.${field}[${at}]` }));
  return {
    first,
    processors: toMembers("processor", processors, "processors"),
    consumers: toMembers("consumer", consumers, "consumers"),
  };
}

function unmetMember({ kind, id, path }: Member, components: Components): UnmetLink | undefined {
  const found = components.get(componentKey({ kind, id }));
  const at = `${path}.id`;
  if (found === undefined) {
    const message = `${kind} ${id} is not registered with the control plane`;
    return { reason: "ComponentNotRegistered", message, path: at };
  }
  if (found.liveness === "lost") return { reason: "ComponentLost", message: `${kind} ${id} is lost`, path: at };
  if (found.isCandidate) return undefined;
  return { reason: "ComponentUnavailable", message: `${kind} ${id} reports ${found.reported}`, path: at };
}

/** One that names no event types takes and gives any. */
function differingTypes(from: Member, to: Member, components: Components): readonly UnmetLink[] {
  const given = from.eventTypes ?? components.get(componentKey(from))?.outputEventTypes ?? [];
  const taken = components.get(componentKey(to))?.inputEventTypes ?? [];
  if (given.length === 0 || taken.length === 0 || given.some((type) => taken.includes(type))) return [];
  const message = `${from.kind} ${from.id} gives ${listTypes(given)}, of which ${to.kind} ${to.id} takes none: it takes ${listTypes(taken)}`;
  return [{ reason: "EventTypesDiffer", message, path: to.path }];
}

function listTypes(types: readonly string[]): string {
  const more = types.length - MAX_NAMED_TYPES;
  const named = types.slice(0, MAX_NAMED_TYPES).join(", ");
  return more > 0 ? `${named} and ${more} more` : named;
}
