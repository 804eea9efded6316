// Conditions: what is said of an object, in words that kubectl and people can rely on.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ProgrammedVerdict } from "../../../core/config/programmed.ts";
import { backoffMs } from "../../../core/reconcile/backoff.ts";
import { mergeConditions, type ObservedCondition } from "../../../core/reconcile/conditions.ts";
import { objectConditions } from "../../../core/reconcile/object-conditions.ts";
import { routerConditions } from "../../../core/reconcile/router.ts";
import { type ObservedPolicy, policyConditions } from "../../../core/reconcile/routing-policy.ts";

const PROGRAMMED: ProgrammedVerdict = { status: "True", reason: "Programmed", message: "served" };
const PENDING: ProgrammedVerdict = { status: "Unknown", reason: "Pending", message: "waiting" };

const FINE: ObservedPolicy = {
  generation: 4,
  refusals: [],
  inForceGeneration: 4,
  programmed: PROGRAMMED,
  partiallySupported: [],
  unresolved: [],
  implicitProviders: [],
};

/** `Accepted=True/Accepted` and so on. */
function shown(conditions: readonly ObservedCondition[]): string[] {
  return conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
}

describe("conditions of a policy", () => {
  it("are all true when it is in force everywhere", () => {
    assert.deepEqual(shown(policyConditions(FINE)), [
      "Accepted=True/Accepted",
      "ResolvedRefs=True/ResolvedRefs",
      "Programmed=True/Programmed",
      "Ready=True/Ready",
    ]);
    for (const { observedGeneration } of policyConditions(FINE)) assert.equal(observedGeneration, 4);
  });

  it("wait with the routers", () => {
    assert.deepEqual(shown(policyConditions({ ...FINE, programmed: PENDING })).slice(2), [
      "Programmed=Unknown/Pending",
      "Ready=Unknown/Pending",
    ]);
  });

  it("say of a refused generation why, and what is in force instead", () => {
    const refusals = [{ reason: "Conflict", message: "RoutingPolicy demo/old is older", path: "spec.policyId" }];
    const conditions = policyConditions({ ...FINE, refusals, inForceGeneration: 3, programmed: PENDING });
    assert.deepEqual(shown(conditions), [
      "Accepted=False/Conflict",
      "ResolvedRefs=Unknown/NotAccepted",
      "Programmed=False/NotAccepted",
      "Ready=False/Conflict",
    ]);
    assert.equal(conditions[0]?.message, "spec.policyId: RoutingPolicy demo/old is older; generation 3 stays in force");
    const none = policyConditions({ ...FINE, refusals, inForceGeneration: undefined });
    assert.match(none[0]?.message ?? "", /nothing of it is in force$/);
  });

  it("name implicit providers, and references that lead nowhere", () => {
    const implicit = policyConditions({ ...FINE, implicitProviders: ["demo/opneai"] });
    assert.equal(shown(implicit)[1], "ResolvedRefs=True/ImplicitProviders");
    assert.match(implicit[1]?.message ?? "", /demo\/opneai/);
    const unresolved = [{ reason: "RefNotPermitted", message: "Provider shared/x does not allow demo" }];
    const conditions = policyConditions({ ...FINE, unresolved });
    assert.deepEqual(shown(conditions).slice(1), [
      "ResolvedRefs=False/RefNotPermitted",
      "Programmed=True/Programmed",
      "Ready=False/RefNotPermitted",
    ]);
  });

  it("name fields that do nothing yet", () => {
    const conditions = objectConditions({ ...FINE, partiallySupported: ["spec.rateLimit", "spec.retryPolicy"] });
    assert.equal(shown(conditions).at(-1), "PartiallySupported=True/FieldsWithoutEffect");
    assert.equal(conditions.at(-1)?.message, "accepted without effect: spec.rateLimit, spec.retryPolicy");
  });

  it("count refusals past the eighth", () => {
    const refusals = Array.from({ length: 11 }, (_, index) => ({ reason: "Invalid", message: `problem ${index}` }));
    const [accepted] = policyConditions({ ...FINE, refusals });
    assert.match(accepted?.message ?? "", /problem 7; and 3 more; /);
  });
});

describe("merging conditions", () => {
  const observed: ObservedCondition = {
    type: "Ready",
    status: "True",
    reason: "Ready",
    message: "m",
    observedGeneration: 1,
  };

  it("keeps the time of the last transition while the status is the same", () => {
    const first = mergeConditions([], [observed], "2026-01-01T00:00:00Z");
    const later = mergeConditions(
      first,
      [{ ...observed, reason: "Other", observedGeneration: 2 }],
      "2026-02-02T00:00:00Z",
    );
    assert.equal(later[0]?.lastTransitionTime, "2026-01-01T00:00:00Z");
    assert.deepEqual([later[0]?.reason, later[0]?.observedGeneration], ["Other", 2]);
    const turned = mergeConditions(later, [{ ...observed, status: "False" }], "2026-03-03T00:00:00Z");
    assert.equal(turned[0]?.lastTransitionTime, "2026-03-03T00:00:00Z");
  });

  it("drops what is no longer observed, and cuts messages at the bound of Kubernetes", () => {
    const first = mergeConditions([], [observed, { ...observed, type: "PartiallySupported" }], "t");
    const next = mergeConditions(first, [{ ...observed, message: "x".repeat(40_000) }], "t");
    assert.deepEqual(
      next.map(({ type, message }) => [type, message.length]),
      [["Ready", 32_768]],
    );
  });
});

describe("conditions of a router", () => {
  const running = {
    generation: 1,
    busOwner: undefined,
    desiredPods: 2,
    updatedPods: 2,
    readyPods: 2,
    failure: undefined,
  };

  it("follow its pods", () => {
    assert.deepEqual(shown(routerConditions(running)), [
      "Accepted=True/Accepted",
      "Available=True/RouterReady",
      "Progressing=False/Complete",
      "Ready=True/Ready",
    ]);
    const starting = routerConditions({ ...running, readyPods: 0, updatedPods: 0, failure: "ended with exit code 71" });
    assert.deepEqual(shown(starting), [
      "Accepted=True/Accepted",
      "Available=False/NoReadyPods",
      "Progressing=True/RoutersStarting",
      "Ready=False/NoReadyPods",
    ]);
    assert.match(starting[1]?.message ?? "", /exit code 71/);
    assert.equal(shown(routerConditions({ ...running, readyPods: 1, updatedPods: 1 }))[3], "Ready=True/Ready");
  });

  it("are complete only when every router that serves has the current settings", () => {
    const replacing = (readyPods: number, updatedPods: number): string | undefined =>
      shown(routerConditions({ ...running, readyPods, updatedPods }))[2];
    // The second new one is made, and not ready; one of before still serves.
    assert.equal(replacing(2, 1), "Progressing=True/RoutersStarting");
    assert.equal(replacing(3, 2), "Progressing=True/RoutersStarting");
    assert.equal(replacing(2, 2), "Progressing=False/Complete");
    assert.equal(replacing(3, 3), "Progressing=False/Complete");
  });

  it("are not ready when what the Router refers to is not there, though routers run", () => {
    const unresolved = { reason: "RefNotFound", message: "Secret team-a/nats does not exist" };
    const conditions = routerConditions({ ...running, unresolved });
    assert.deepEqual(shown(conditions), [
      "Accepted=True/Accepted",
      "ResolvedRefs=False/RefNotFound",
      "Available=True/RouterReady",
      "Progressing=False/Complete",
      "Ready=False/RefNotFound",
    ]);
    assert.equal(conditions.at(-1)?.message, "ResolvedRefs: Secret team-a/nats does not exist");
  });

  it("say whose the bus is", () => {
    const conditions = routerConditions({ ...running, busOwner: "team/own", readyPods: 0 });
    assert.equal(shown(conditions)[0], "Accepted=False/SubjectConflict");
    assert.match(conditions[0]?.message ?? "", /Router team\/own/);
    assert.equal(shown(conditions)[3], "Ready=False/SubjectConflict");
  });

  it("say which other operator writes the bus, and the way out", () => {
    const leaseHolder = { instance: "i-1", host: "box", pid: 7 };
    const conditions = routerConditions({ ...running, leaseHolder, desiredPods: 2, readyPods: 0, updatedPods: 0 });
    assert.deepEqual(shown(conditions), [
      "Accepted=False/SubjectConflict",
      "Available=False/NoReadyPods",
      "Progressing=False/NotAccepted",
      "Ready=False/SubjectConflict",
    ]);
    assert.match(conditions[0]?.message ?? "", /instance i-1 \(process 7 on box\); stop that one/);
  });

  it("name fields that have no effect here", () => {
    const conditions = routerConditions({ ...running, generation: 3, partiallySupported: ["spec.image"] });
    const { type, status, message, observedGeneration } = conditions[4] ?? {};
    assert.deepEqual([type, status, observedGeneration], ["PartiallySupported", "True", 3]);
    assert.match(message ?? "", /spec\.image/);
  });
});

describe("back-off", () => {
  it("doubles up to its bound, and spreads the upper half", () => {
    const spec = { baseMs: 100, maxMs: 1_000 };
    const full = [1, 2, 3, 4, 5, 60].map((failures) => backoffMs(spec, failures, 1));
    assert.deepEqual(full, [100, 200, 400, 800, 1_000, 1_000]);
    assert.deepEqual(
      [1, 5].map((failures) => backoffMs(spec, failures, 0)),
      [50, 500],
    );
  });
});
