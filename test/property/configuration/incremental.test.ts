// What follows from the result before and a change is what follows from everything: for tables, plans, heads and statuses.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { applyChanges, NOTHING_APPLIED, parseSpec, tableFromEntries } from "../../../core/config/apply.ts";
import type { Candidate } from "../../../core/config/candidates.ts";
import type { ConfigEntry, StagedEntry } from "../../../core/config/entry.ts";
import { encodeEntry } from "../../../core/config/entry-value.ts";
import { type Chosen, compileChanges, compileWithFallback, NOTHING_CHOSEN } from "../../../core/config/fallback.ts";
import { configHead, headOf } from "../../../core/config/head.ts";
import { entryKey } from "../../../core/config/keys.ts";
import type { DesiredEntry } from "../../../core/config/last-good.ts";
import { LayeredMap, MAX_LAYER_SIZE } from "../../../core/layered-map.ts";
import type { BeamlineObject } from "../../../core/policy/spec.ts";
import { EMPTY_PLAN, type EntryPlan, type PlanInput, planEntries } from "../../../core/reconcile/plan-entries.ts";
import { type DesiredSet, desiredSet, NOTHING_DESIRED } from "../../../operator/desired-set.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { choosePlainly } from "./plain-fallback.ts";
import { edits, LEGACY_SUBJECTS, ObjectStore, ROUTER, render } from "./world.ts";

const HOST = { codec: nodeCodec, router: ROUTER };
const RUNS = 300;
const MAX_STEPS = 20;
const MAX_EDITS = 4;

function keyOf({ kind, meta }: DesiredEntry): string {
  return entryKey(ROUTER, { kind, namespace: meta.namespace, name: meta.name });
}

function shownChoices({ table, outcomes }: Pick<Chosen, "table" | "outcomes">): unknown {
  const shown = [...outcomes].map(([key, { choice, refusals, warnings }]) => [key, { choice, refusals, warnings }]);
  return render({ table, outcomes: new Map(shown as [string, unknown][]) });
}

describe("a map in layers", () => {
  const changes = fc.array(
    fc.array(fc.tuple(fc.nat({ max: 700 }).map(String), fc.option(fc.nat(), { nil: undefined })), { maxLength: 300 }),
    { maxLength: 12 },
  );

  it("is the map that it stands for, and knows what changed", () => {
    fc.assert(
      fc.property(changes, fc.nat(), (batches, pick) => {
        const plain = new Map<string, number>();
        const history: [LayeredMap<number>, ReadonlyMap<string, number>][] = [[LayeredMap.empty<number>(), new Map()]];
        for (const batch of batches) {
          for (const [key, value] of batch) {
            if (value === undefined) plain.delete(key);
            else plain.set(key, value);
          }
          const next = (history.at(-1)?.[0] ?? LayeredMap.empty()).with(batch);
          history.push([next, new Map(plain)]);
        }
        for (const [layered, expected] of history) {
          assert.equal(layered.size, expected.size);
          assert.deepEqual(new Map(layered), expected);
          for (const key of ["0", "1", "77"]) assert.equal(layered.get(key), expected.get(key));
        }
        const [before, old] = history[pick % history.length] ?? assert.fail();
        const [after, now] = history.at(-1) ?? assert.fail();
        const differing = [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
        assert.deepEqual([...after.changedSince(before)].sort(), differing.sort());
      }),
      { numRuns: RUNS },
    );
  });

  it("keeps nothing of what was removed", () => {
    const all = Array.from({ length: MAX_LAYER_SIZE * 4 }, (_, index) => String(index));
    let map = LayeredMap.empty<object>().with(all.map((key) => [key, {}]));
    for (const key of all) map = map.with([[key, undefined]]);
    assert.equal(map.size, 0);
    assert.deepEqual(map.changedSince(LayeredMap.empty()), []);
  });
});

describe("compiling what changed", () => {
  /** Choices of a candidate: one or two of the specs that its object had. */
  it("gives the table, refusals and warnings of compiling everything in one go", () => {
    const steps = fc.array(fc.array(fc.tuple(edits, fc.boolean()), { minLength: 1, maxLength: MAX_EDITS }), {
      maxLength: MAX_STEPS,
    });
    fc.assert(
      fc.property(steps, (batches) => {
        const store = new ObjectStore();
        const parsed = new Map<string, BeamlineObject>();
        const standing = new Map<string, Candidate>();
        let chosen = NOTHING_CHOSEN;
        for (const batch of batches) {
          for (const [edit] of batch) store.apply(edit);
          const changes = new Map<string, Candidate | undefined>();
          const present = new Set(store.list().map(keyOf));
          for (const key of standing.keys()) if (!present.has(key)) changes.set(key, undefined);
          for (const object of store.list()) {
            const key = keyOf(object);
            const { meta, kind, spec } = object;
            const id = `${meta.uid}@${meta.generation}`;
            if (parsed.has(id)) continue;
            const result = parseSpec(kind, meta, spec, ROUTER);
            const keepsOlder = batch.some(([edit, keep]) => keep && edit.name === meta.name);
            const older = keepsOlder
              ? (standing.get(key)?.choices ?? []).filter((one) => one.meta.uid === meta.uid)
              : [];
            if (result.ok) parsed.set(id, result.value);
            const choices = [...(result.ok ? [result.value] : []), ...older.slice(0, 2)];
            changes.set(key, choices.length === 0 ? undefined : { key, choices });
          }
          for (const [key, candidate] of changes) {
            if (candidate === undefined) standing.delete(key);
            else standing.set(key, candidate);
          }
          const before = chosen;
          chosen = compileChanges(chosen, changes);
          const plain = choosePlainly([...standing.values()]);
          assert.deepEqual(shownChoices(chosen), render(plain), "as compiling all at once");
          assert.deepEqual(
            shownChoices(chosen),
            shownChoices(compileWithFallback(standing.values())),
            "as from scratch",
          );
          for (const [key, outcome] of chosen.outcomes) {
            const last = before.outcomes.get(key);
            if (last !== undefined && !changes.has(key) && JSON.stringify(last) === JSON.stringify(outcome)) {
              assert.equal(
                outcome.policy === last.policy || !sameProviders(before, chosen, key),
                true,
                "compiled again",
              );
            }
          }
        }
      }),
      { numRuns: RUNS },
    );
  });
});

/** Whether the Providers that a policy names are the objects that they were. */
function sameProviders(before: Chosen, after: Chosen, key: string): boolean {
  const changed = new Set(after.index.providers.changedSince(before.index.providers));
  const names = [...after.index.byProvider].filter(([, keys]) => keys.includes(key)).map(([name]) => name);
  return !names.some((name) => changed.has(name));
}

describe("planning what changed", () => {
  const rules = fc.record({
    allowedNamespaces: fc.constantFrom(["*"], ["n1"]),
    allowedSubjects: fc.constantFrom(LEGACY_SUBJECTS, LEGACY_SUBJECTS.slice(0, 1), undefined),
  });
  const steps = fc.array(
    fc.record({
      batch: fc.array(edits, { maxLength: MAX_EDITS }),
      rules: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: rules }),
      isProgrammed: fc.boolean(),
      isWritten: fc.boolean(),
    }),
    { maxLength: MAX_STEPS },
  );

  it("gives entries and verdicts of planning everything, whether or not the plan before was written", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const store = new ObjectStore();
        let current: { allowedNamespaces: readonly string[]; allowedSubjects?: readonly string[] | undefined } = {
          allowedNamespaces: ["*"],
          allowedSubjects: LEGACY_SUBJECTS,
        };
        let last: EntryPlan = EMPTY_PLAN;
        let desired: DesiredSet = NOTHING_DESIRED;
        for (const { batch, rules: next, isProgrammed, isWritten } of all) {
          for (const edit of batch) store.apply(edit);
          current = next ?? current;
          const { allowedNamespaces, allowedSubjects } = current;
          const input: PlanInput = {
            router: ROUTER,
            allowedNamespaces,
            ...(allowedSubjects === undefined ? {} : { allowedSubjects }),
            objects: store.list(),
            stored: last.entries,
            wasProgrammed: () => isProgrammed,
          };
          const plan = planEntries(input, last);
          const fresh = planEntries(input);
          assert.deepEqual(render(plan.entries), render(fresh.entries));
          assert.deepEqual(render(plan.verdicts), render(fresh.verdicts));
          assert.deepEqual(render(plan.compiled.table), render(fresh.compiled.table));
          if (!isWritten) continue;
          for (const [key, verdict] of plan.verdicts) checkKept(last, key, verdict);
          last = plan;
          desired = desiredSet(desired, plan.entries);
          const values = [...plan.entries].map(([key, entry]) => ({ key, value: encodeEntry(nodeCodec, entry) }));
          assert.deepEqual(headOf("e", desired.set), configHead(nodeCodec, "e", values));
        }
      }),
      { numRuns: RUNS },
    );
  });

  function checkKept(
    last: EntryPlan,
    key: string,
    verdict: EntryPlan["verdicts"] extends LayeredMap<infer V> ? V : never,
  ) {
    const before = last.verdicts.get(key);
    if (before?.object !== verdict.object || before?.policy !== verdict.policy) return;
    if (JSON.stringify(render(before)) === JSON.stringify(render(verdict))) {
      assert.equal(verdict, before, "one that says the same is the same");
    }
  }
});

describe("applying what changed", () => {
  const entries = fc.array(
    fc.record({
      edit: edits,
      lastGood: fc.option(edits, { nil: undefined }),
      isWhole: fc.boolean(),
      isUnreadable: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    }),
    { maxLength: 40 },
  );

  it("gives table and rejections of the whole set", () => {
    fc.assert(
      fc.property(entries, (steps) => {
        const store = new ObjectStore();
        const standing = new Map<string, StagedEntry>();
        let applied = NOTHING_APPLIED;
        for (const [sequence, { edit, lastGood, isWhole, isUnreadable }] of steps.entries()) {
          store.apply(edit);
          const { kind, namespace, name } = edit;
          const key = entryKey(ROUTER, { kind, namespace, name });
          const object = store.list().find((one) => keyOf(one) === key);
          if (object === undefined) standing.delete(key);
          else {
            const older = lastGood?.kind === kind ? { lastGood: { generation: 0, spec: lastGood.spec ?? {} } } : {};
            const entry: ConfigEntry = { kind, ...object.meta, current: object.spec, ...older };
            const value = isUnreadable ? Uint8Array.of(1) : encodeEntry(nodeCodec, entry);
            standing.set(key, { key, value, sequence });
          }
          const changes = isWhole ? new Map(standing) : new Map([[key, standing.get(key)]]);
          applied = applyChanges(applied, { changes, isWhole }, HOST);
          const fresh = tableFromEntries(standing.values(), HOST);
          assert.deepEqual(render(applied.table), render(fresh.table));
          const byKey = (list: typeof fresh.rejected) => [...list].sort((a, b) => (a.key < b.key ? -1 : 1));
          assert.deepEqual(byKey(applied.rejected), byKey(fresh.rejected));
        }
      }),
      { numRuns: RUNS },
    );
  });
});
