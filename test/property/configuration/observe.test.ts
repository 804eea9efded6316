// A status that follows from the one before is the status of everything, and what says the same in it is the same object.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { RouterAck } from "../../../core/config/entry.ts";
import { namesFor } from "../../../core/handover/subjects.ts";
import { LayeredMap } from "../../../core/layered-map.ts";
import { EMPTY_PLAN, type EntryPlan, planEntries } from "../../../core/reconcile/plan-entries.ts";
import { applyVerdicts, NOTHING_REGISTERED, type ProcessorVerdict } from "../../../core/registry/provider-liveness.ts";
import type { Verdict } from "../../../core/registry/verdicts.ts";
import type { ObservedPod, SourceObject } from "../../../operator/interfaces.ts";
import { NOTHING_OBSERVED, type Observation, type ObservedStatus, observeStatus } from "../../../operator/observe.ts";
import { ProgrammedTargets } from "../../../operator/programmed-targets.ts";
import type { ObjectStatus, StatusDocument } from "../../../operator/status-document.ts";
import { edits, LEGACY_SUBJECTS, ObjectStore, ROUTER } from "./world.ts";

const names = namesFor();
const RUNS = 300;
const PODS = ["one", "two", "three"];
/** A pod that has applied a head which another operator wrote. */
const OF_ANOTHER = 100;
const ORIGIN = { file: "a.yaml", locate: () => ({ line: 1, column: 1 }) };
const OTHER_ORIGIN = { ...ORIGIN, file: "b.yaml" };

interface Step {
  readonly batch: readonly Parameters<ObjectStore["apply"]>[0][];
  /** Written: a head for all of it, of this epoch. */
  readonly written: string | undefined;
  readonly pods: readonly { readonly ready: boolean; readonly updated: boolean; readonly present: boolean }[];
  /** How many heads each pod is behind, or OF_ANOTHER; undefined: it has not acknowledged. */
  readonly lags: readonly (number | undefined)[];
  readonly rejects: readonly { readonly pod: number; readonly object: number; readonly others: number }[];
  readonly movesFile: boolean;
  readonly duplicateWindowMs: number;
  readonly verdicts: readonly (readonly [string, ProcessorVerdict | undefined])[];
  /** Whether what is known of processors reaches the steps of policies. */
  readonly isTurn: boolean;
  readonly registry: "none" | "unread" | "read";
}

function asComponent(key: string, verdict: ProcessorVerdict | undefined): Verdict | undefined {
  if (verdict === undefined) return undefined;
  return {
    ...verdict,
    id: key.slice("processor/".length),
    instance: "i",
    endpoint: "127.0.0.1:9000",
    inputEventTypes: verdict.liveness === "late" ? ["a.b"] : [],
    outputEventTypes: ["c.d"],
    sinceMs: 1,
  };
}

const processorKey = fc.constantFrom("processor/a", "processor/b", "processor/x", "processor/y");
const verdict: fc.Arbitrary<ProcessorVerdict | undefined> = fc.option(
  fc.record(
    {
      kind: fc.constant("processor" as const),
      liveness: fc.constantFrom("live", "late", "lost"),
      reported: fc.constantFrom("HEALTHY", "UNHEALTHY"),
      isCandidate: fc.boolean(),
      provider: fc.constantFrom("n1/a", "n1/b", "n2/a"),
      namespace: fc.constantFrom("n1", "n2"),
    },
    { requiredKeys: ["kind", "liveness", "reported", "isCandidate"] },
  ),
  { nil: undefined },
);

const verdicts = fc.array(fc.tuple(processorKey, verdict), { maxLength: 3 });

const anything: fc.Arbitrary<Step> = fc.record({
  batch: fc.array(edits, { maxLength: 3 }),
  written: fc.constantFrom("e1", "e1", "e1", "e2", undefined, undefined),
  pods: fc.tuple(...PODS.map(() => pod())),
  lags: fc.tuple(...PODS.map(() => fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, 1, 2, OF_ANOTHER, undefined))),
  rejects: fc.array(
    fc.record({ pod: fc.nat({ max: 2 }), object: fc.nat({ max: 9 }), others: fc.constantFrom(0, 0, 1) }),
    { maxLength: 2 },
  ),
  movesFile: fc.integer({ min: 0, max: 7 }).map((one) => one === 0),
  duplicateWindowMs: fc.constantFrom(1_000, 1_000, 1_000, 2_000),
  verdicts,
  isTurn: fc.boolean(),
  registry: fc.constantFrom("none", "unread", "read", "read", "read", "read", "read"),
});

/** All that was written is in force on every pod, and nothing changes but what is known of processors. */
const quiet: fc.Arbitrary<Step> = fc.record({
  batch: fc.constant([]),
  written: fc.constantFrom("e1", undefined),
  pods: fc.constant(PODS.map(() => ({ ready: true, updated: true, present: true }))),
  lags: fc.constant(PODS.map(() => 0)),
  rejects: fc.constant([]),
  movesFile: fc.constant(false),
  duplicateWindowMs: fc.constant(1_000),
  verdicts,
  isTurn: fc.boolean(),
  registry: fc.constant("read"),
});

const steps = fc.array(fc.oneof(anything, { weight: 2, arbitrary: quiet }), { maxLength: 20, size: "max" });

function pod(): fc.Arbitrary<Step["pods"][number]> {
  const mostly = fc.integer({ min: 0, max: 9 }).map((one) => one > 0);
  return fc.record({ ready: mostly, updated: mostly, present: mostly });
}

class World {
  private readonly store = new ObjectStore();
  private readonly targets = new ProgrammedTargets();
  private plan: EntryPlan = EMPTY_PLAN;
  /** Heads that were written, the first one standing for none. */
  private readonly heads = [{ revision: 0, epoch: "e1" }];
  private now = 0;
  private origin = ORIGIN;
  private liveness = NOTHING_REGISTERED;
  private components: LayeredMap<Verdict> = LayeredMap.empty();
  /** Behind the components where their turn has not come. */
  private processors: LayeredMap<Verdict> = LayeredMap.empty();

  observe(step: Step): Observation {
    for (const edit of step.batch) this.store.apply(edit);
    if (step.movesFile) this.origin = this.origin === ORIGIN ? OTHER_ORIGIN : ORIGIN;
    const { origin } = this;
    const objects: readonly SourceObject[] = this.store.list().map((one) => ({ ...one, conditions: [], origin }));
    this.plan = planEntries(
      {
        router: ROUTER,
        allowedNamespaces: ["*"],
        allowedSubjects: LEGACY_SUBJECTS,
        objects,
        stored: this.plan.entries,
        wasProgrammed: () => true,
      },
      this.plan,
    );
    if (step.written !== undefined) {
      const head = { revision: this.heads.length, epoch: step.written };
      this.heads.push(head);
      this.targets.headWritten(this.plan.entries, head);
    }
    const pods = PODS.flatMap((uid, index) => this.pod(uid, step.pods[index]));
    return {
      ...this.rest(step),
      router: ROUTER,
      names,
      plan: this.plan,
      pods,
      acks: this.acks(step),
      snapshot: { objects, records: new Map(), files: [] },
    };
  }

  private rest({ duplicateWindowMs, verdicts, registry, isTurn }: Step) {
    this.liveness = applyVerdicts(this.liveness, verdicts);
    const { owners } = this.liveness;
    this.components = this.components.with(verdicts.map(([key, verdict]) => [key, asComponent(key, verdict)] as const));
    const { components } = this;
    if (isTurn) this.processors = this.processors.with([...components, ...this.goneSince(components)]);
    const { processors } = this;
    return {
      processors: registry === "none" ? undefined : { isRead: registry === "read", owners, processors, components },
      targets: this.targets.all,
      head: this.heads.at(-1),
      infrastructure: {},
      settings: {
        deployment: { router: ROUTER, replicas: 2, environment: {} },
        allowedNamespaces: ["*"],
        legacySubjects: LEGACY_SUBJECTS,
        allowedSubjects: LEGACY_SUBJECTS,
        limits: { maxPayloadBytes: 1_000, hasRegistry: true },
        generation: 1,
        partiallySupported: [],
        problems: [],
      },
      duplicateWindowMs,
      busOwner: undefined,
      leaseHolder: undefined,
      unfenced: true,
      now: `2026-01-01T00:00:${String(this.now++).padStart(2, "0")}Z`,
    };
  }

  private goneSince(components: LayeredMap<Verdict>): readonly (readonly [string, undefined])[] {
    return [...this.processors.keys()].filter((key) => !components.has(key)).map((key) => [key, undefined]);
  }

  private pod(uid: string, state: Step["pods"][number] | undefined): readonly ObservedPod[] {
    if (state?.present !== true) return [];
    const { ready, updated } = state;
    return [{ name: uid, uid, ready, updated, pid: undefined, healthUrl: "", starts: 1, failure: undefined }];
  }

  private acks({ lags, rejects }: Step): ReadonlyMap<string, RouterAck> {
    const keys = [...this.plan.entries.keys()];
    const acks = new Map<string, RouterAck>();
    for (const [index, podUid] of PODS.entries()) {
      const lag = lags[index];
      if (lag === undefined) continue;
      const own = rejects.filter(({ pod: rejecting }) => rejecting === index);
      const rejected = own.flatMap(({ object }) => {
        const key = keys[object] ?? "";
        const entry = this.plan.entries.get(key);
        return entry === undefined ? [] : [{ key, uid: entry.uid, generation: entry.generation, reason: "no" }];
      });
      const rejectedCount = rejected.length + own.reduce((sum, { others }) => sum + others, 0);
      const { revision: appliedRevision, epoch } = this.heads.at(-1 - lag) ?? { revision: 1_000, epoch: "another" };
      acks.set(podUid, { podUid, version: "1", epoch, appliedRevision, rejected, rejectedCount });
    }
    return acks;
  }
}

/** Knows what was observed before, and not that it need not be looked at again. */
function forgetful({ basis, ...rest }: ObservedStatus): ObservedStatus {
  return { ...rest, basis: { ...basis, observation: undefined } };
}

function statusesOf({ policies, providers, tenants }: StatusDocument): ReadonlyMap<string, ObjectStatus> {
  return new Map([...policies, ...providers, ...tenants].map((status) => [status.uid, status]));
}

describe("observing what changed", () => {
  it("gives the document of observing everything", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World();
        let observed = NOTHING_OBSERVED;
        let plain = NOTHING_OBSERVED;
        for (const step of all) {
          const observation = world.observe(step);
          observed = observeStatus(observation, observed);
          plain = observeStatus(observation, forgetful(plain));
          assert.deepEqual(observed.document, plain.document);
          assert.deepEqual([...observed.pending].sort(), [...plain.pending].sort());
          assert.deepEqual(observed.accepted, plain.accepted);
          assert.equal(observed.accepted.policies, countAccepted(observed.document.policies));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("keeps the status of each object that says the same, and the document when all of it does", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = new World();
        let observed = NOTHING_OBSERVED;
        for (const step of all) {
          const before = observed;
          observed = observeStatus(world.observe(step), before);
          const standing = statusesOf(before.document);
          for (const [uid, status] of statusesOf(observed.document)) {
            const last = standing.get(uid);
            if (JSON.stringify(last) === JSON.stringify(status)) assert.equal(status, last, "the same object");
          }
          if (JSON.stringify(before.document) === JSON.stringify(observed.document)) {
            assert.equal(observed.document, before.document, "the same document");
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});

function countAccepted(objects: readonly ObjectStatus[]): number {
  const isAccepted = ({ type, status }: ObjectStatus["conditions"][number]) => type === "Accepted" && status === "True";
  return objects.filter(({ conditions }) => conditions.some(isAccepted)).length;
}
