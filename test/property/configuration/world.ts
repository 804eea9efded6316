// A handful of objects that get in each other's way, and everything that can happen to them: for the properties beside it.
import fc from "fast-check";
import type { DesiredEntry } from "../../../core/config/last-good.ts";
import type { ObjectMeta } from "../../../core/policy/spec.ts";

export const ROUTER = { namespace: "n1", name: "default" };
export const LEGACY_SUBJECTS = ["legacy.one", "legacy.two"];

const namespaces = fc.constantFrom("n1", "n2");
const names = fc.constantFrom("a", "b", "c");
const tenantIds = fc.constantFrom("n1", "n2", "t", "u");
const expressions = fc.constantFrom(
  "true",
  "'tier' in context",
  "nonsense(",
  "message.payload_size",
  "tenant.id == 't'",
);

const providerList = fc.uniqueArray(
  fc.record({ name: names, ref: fc.option(fc.record({ namespace: namespaces, name: names }), { nil: undefined }) }),
  { minLength: 0, maxLength: 3, selector: ({ name, ref }) => `${name} ${JSON.stringify(ref)}` },
);

const stepList = fc.uniqueArray(
  fc.record(
    {
      name: names,
      processor: fc.constantFrom("a", "b", "x", "z"),
      mode: fc.constantFrom("Required", "Optional"),
      onFail: fc.constantFrom("Block", "Ignore"),
    },
    { requiredKeys: ["name", "processor"] },
  ),
  { maxLength: 2, selector: ({ name }) => name },
);

const policySpec = fc.record(
  {
    policyId: names,
    tenantId: tenantIds,
    providers: providerList,
    rules: fc.array(fc.record({ name: names, when: expressions, prefer: names.map((name) => [name]) }), {
      maxLength: 2,
    }),
    pipeline: fc.record({ pre: stepList, validators: stepList, post: stepList }, { requiredKeys: [] }),
    rateLimit: fc.constant({ requestsPerSecond: 5, burst: 5 }),
    routerRef: fc.constantFrom({ name: "default", namespace: "n1" }, { name: "other", namespace: "n1" }),
  },
  { requiredKeys: ["providers"] },
);

const providerSpec = fc.record(
  {
    providerId: names,
    allowedNamespaces: fc.constantFrom(["*"], ["n1"], ["n2"]),
    registration: fc.constantFrom("Required", "Optional"),
    legacy: fc.constantFrom(...LEGACY_SUBJECTS).map((subject) => ({ subject })),
  },
  { requiredKeys: [] },
);

const tenantSpec = fc.record(
  {
    tenantId: tenantIds,
    namespaces: fc.constantFrom(["n1"], ["n2"], ["n1", "n2"]),
    quotas: fc.record({ policies: fc.integer({ min: 1, max: 3 }) }),
  },
  { requiredKeys: ["namespaces"] },
);

interface Edit {
  readonly kind: DesiredEntry["kind"];
  readonly namespace: string;
  readonly name: string;
  /** Undefined: the object is deleted. */
  readonly spec: unknown;
  readonly creationMs: number;
}

const absent = fc.constant(undefined);
const creationMs = fc.integer({ min: 0, max: 3 });

const pipelineSpec = fc.record(
  {
    tenantId: fc.constantFrom("n1", "t", "u"),
    source: fc.constant({ id: "s" }),
    processors: fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "x") }), { selector: ({ name }) => name }),
    consumers: fc.uniqueArray(fc.record({ name: fc.constantFrom("c", "not a name") }), {
      minLength: 1,
      selector: ({ name }) => name,
    }),
  },
  { requiredKeys: ["source", "consumers"] },
);

/** Policies are most of what is edited. */
export const edits: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("RoutingPolicy" as const),
      namespace: namespaces,
      name: names,
      spec: fc.oneof({ weight: 5, arbitrary: policySpec }, { weight: 1, arbitrary: absent }),
      creationMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("Provider" as const),
      namespace: namespaces,
      name: names,
      spec: fc.oneof({ weight: 3, arbitrary: providerSpec }, { weight: 1, arbitrary: absent }),
      creationMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("Tenant" as const),
      namespace: fc.constant(""),
      name: fc.constantFrom("t", "u", "x"),
      spec: fc.oneof({ weight: 3, arbitrary: tenantSpec }, { weight: 1, arbitrary: absent }),
      creationMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("Pipeline" as const),
      namespace: namespaces,
      name: names,
      spec: fc.oneof({ weight: 3, arbitrary: pipelineSpec }, { weight: 1, arbitrary: absent }),
      creationMs,
    }),
  },
);

/** The objects as an API server would keep them: an edit is a generation more, a deleted one comes back as another. */
export class ObjectStore {
  private readonly objects = new Map<string, DesiredEntry>();
  private made = 0;

  apply({ kind, namespace, name, spec, creationMs: ageMs }: Edit): void {
    const id = `${kind}/${namespace}/${name}`;
    const before = this.objects.get(id);
    if (spec === undefined) {
      this.objects.delete(id);
      return;
    }
    const meta: ObjectMeta =
      before === undefined
        ? { namespace, name, uid: `uid-${this.made++}`, generation: 1, creationMs: ageMs }
        : { ...before.meta, generation: before.meta.generation + 1 };
    this.objects.set(id, { kind, meta, spec });
  }

  list(): readonly DesiredEntry[] {
    return [...this.objects.values()];
  }
}

/** For comparing: maps and sets in order, functions left out. */
export function render(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) => {
      if (part instanceof Set) return [...part].sort();
      if (typeof part !== "object" || part === null || !(Symbol.iterator in part) || Array.isArray(part)) return part;
      return [...(part as Iterable<[string, unknown]>)].sort(([left], [right]) => (left < right ? -1 : 1));
    }) ?? "null",
  );
}
