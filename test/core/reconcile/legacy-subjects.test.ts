// Fixed subjects of legacy providers: what a stream can bind of a Router's list, and which providers it covers.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DesiredEntry } from "../../../core/config/last-good.ts";
import { planLegacySubjects } from "../../../core/reconcile/legacy-subjects.ts";
import { objectConditions } from "../../../core/reconcile/object-conditions.ts";
import { type EntryPlan, type PlanInput, planEntries, type Verdict } from "../../../core/reconcile/plan-entries.ts";

const router = { namespace: "beamline-system", name: "default" };
const POLICY: DesiredEntry = {
  kind: "RoutingPolicy",
  meta: { namespace: "demo", name: "chat", uid: "u-chat", generation: 1, creationMs: 1 },
  spec: { providers: [{ name: "old" }] },
};

function provider(generation: number, subject: string | undefined): DesiredEntry {
  const meta = { namespace: "demo", name: "old", uid: "u-old", generation, creationMs: 1 };
  return { kind: "Provider", meta, spec: subject === undefined ? {} : { legacy: { subject } } };
}

function plan(objects: readonly DesiredEntry[], more: Partial<PlanInput>): EntryPlan {
  return planEntries({
    router,
    allowedNamespaces: ["*"],
    objects,
    stored: new Map(),
    wasProgrammed: () => false,
    ...more,
  });
}

function verdict(made: EntryPlan, kind: string): Verdict {
  const found = [...made.verdicts.values()].find(({ desired }) => desired.kind === kind);
  assert.ok(found !== undefined);
  return found;
}

describe("subjects that the assignments stream binds", () => {
  const bound = (...subjects: readonly string[]): readonly string[] => planLegacySubjects(subjects).bound;
  const unbound = (...subjects: readonly string[]): readonly string[] =>
    planLegacySubjects(subjects).unbound.map(({ subject, reason }) => `${subject} ${reason}`);

  it("are those of the list, each once", () => {
    assert.deepEqual(bound("caf.exec.assign.v1", "work.*", "caf.exec.assign.v1"), ["caf.exec.assign.v1", "work.*"]);
  });

  it("leave to a wider one what it covers, in either order, for a stream takes no subject twice", () => {
    assert.deepEqual(bound("work.a", "work.>", "work.*.b"), ["work.>"]);
    assert.deepEqual(bound("work.*", "work.a"), ["work.*"]);
  });

  it("are not those that cross without covering", () => {
    assert.deepEqual(bound("work.*.a", "work.b.*"), ["work.*.a"]);
    assert.match(unbound("work.*.a", "work.b.*")[0] ?? "", /^work\.b\.\* crosses work\.\*\.a/);
  });

  it("are never Beamline's own: claims, requests, results, replies", () => {
    const own = [
      "caf.>",
      "caf.exec.assign.v1.to.x",
      "caf.exec.assign.v1.ack",
      "caf.exec.result.v1",
      "beamline.router.v1.decide",
      "beamline.*.v1.decide",
      "team.beamline.router.v1.decide",
      "*.>",
      "*.a",
    ];
    assert.deepEqual(bound(...own), []);
    assert.equal(unbound(...own).length, own.length);
  });
});

describe("subjects of steps", () => {
  it("are allowed and not bound: a stream would answer what is asked there", () => {
    const planned = planLegacySubjects(["beamline.ext.>", "work.a", "beamline.*.tier"]);
    assert.deepEqual([planned.steps, planned.bound], [["beamline.ext.>"], ["work.a"]]);
    assert.deepEqual(
      planned.unbound.map(({ subject }) => subject),
      ["beamline.*.tier"],
    );
  });

  it("that a Router does not allow are told on the policy", () => {
    const steps = [
      { name: "a", subject: "beamline.ext.a" },
      { name: "b", subject: "beamline.ext.b" },
      { name: "c", processor: "c" },
    ];
    const spec = { providers: [{ name: "old" }], pipeline: { validators: steps } };
    const made = plan([{ ...POLICY, spec }], { allowedSubjects: ["beamline.ext.a"] });
    assert.deepEqual(
      verdict(made, "RoutingPolicy").warnings.map(({ reason, path, message }) => [reason, path, message.slice(0, 7)]),
      [["StepSubjectNotAllowed", "spec.pipeline.validators", "step b:"]],
    );
  });
});

describe("a provider on a fixed subject", () => {
  const forbidden = { allowedSubjects: ["other.subject"] };

  it("that is not allowed is refused, and stays what it is: routers must not take it for an implicit one", () => {
    const made = plan([provider(1, "legacy.work"), POLICY], forbidden);
    const { refusals, inForceGeneration } = verdict(made, "Provider");
    assert.deepEqual(
      refusals.map(({ reason, path }) => [reason, path]),
      [["LegacySubjectNotAllowed", "spec.legacy.subject"]],
    );
    assert.equal(inForceGeneration, 1);
    const [policy] = [...made.compiled.table.policies.values()].flatMap((policies) => [...policies.values()]);
    assert.equal(policy?.providers[0]?.legacySubject, "legacy.work");
    assert.deepEqual(
      verdict(made, "RoutingPolicy").warnings.map(({ reason }) => reason),
      ["LegacySubjectNotAllowed"],
    );
  });

  it("that is allowed, by a pattern too, is taken", () => {
    const made = plan([provider(1, "legacy.work"), POLICY], { allowedSubjects: ["legacy.*"] });
    assert.deepEqual(verdict(made, "Provider").refusals, []);
    assert.deepEqual(verdict(made, "RoutingPolicy").warnings, []);
  });

  it("keeps the generation before, which had another way to its work", () => {
    const before = plan([provider(1, undefined)], forbidden);
    const made = plan([provider(2, "legacy.work")], { ...forbidden, stored: before.entries });
    const { refusals, inForceGeneration } = verdict(made, "Provider");
    assert.deepEqual([refusals.length, inForceGeneration], [1, 1]);
  });

  it("is not ready and not programmed while routers refuse its work", () => {
    const made = plan([provider(1, "legacy.work")], forbidden);
    const { refusals, inForceGeneration } = verdict(made, "Provider");
    const conditions = objectConditions({
      generation: 1,
      refusals,
      inForceGeneration,
      programmed: { status: "True", reason: "Programmed", message: "" },
      partiallySupported: [],
      legacy: { subject: "legacy.work", duplicateWindowMs: 60_000 },
    });
    assert.deepEqual(
      conditions.map(({ type, status }) => `${type}=${status}`),
      ["Accepted=False", "Programmed=False", "Ready=False", "Deduplicated=False"],
    );
    assert.match(conditions[1]?.message ?? "", /routers hold it and refuse its work/);
    assert.match(conditions[3]?.message ?? "", /window of 60 s/);
  });
});
