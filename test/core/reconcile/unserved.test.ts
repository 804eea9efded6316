// What is said of a Router that nobody serves, and of an object of which several Routers speak.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import { mergeRouterConditions } from "../../../core/reconcile/merge-conditions.ts";
import { unservedPolicyConditions, unservedRouterConditions } from "../../../core/reconcile/unserved.ts";

function condition(type: string, status: Condition["status"], message: string): Condition {
  return { type, status, reason: "Why", message, observedGeneration: 1, lastTransitionTime: "2026-01-01T00:00:00Z" };
}

describe("a Router that is not served", () => {
  const trouble = { condition: "ResolvedRefs", status: "False", reason: "RefNotFound", message: "no Secret" } as const;

  it("says which condition fails, and of routers nothing", () => {
    const shown = unservedRouterConditions(3, trouble).map(({ type, status, reason }) => [type, status, reason]);
    assert.deepEqual(shown, [
      ["ResolvedRefs", "False", "RefNotFound"],
      ["Accepted", "Unknown", "NotObserved"],
      ["Available", "Unknown", "NotObserved"],
      ["Progressing", "Unknown", "NotObserved"],
      ["Ready", "False", "RefNotFound"],
    ]);
  });

  it("has each type once when it is the Router itself that is refused", () => {
    const refused = { ...trouble, condition: "Accepted", reason: "NatsUrlNotAllowed" } as const;
    const types = unservedRouterConditions(1, refused).map(({ type }) => type);
    assert.deepEqual(types, ["Accepted", "Available", "Progressing", "Ready"]);
  });

  it("leaves what becomes of a new policy open, with the reason", () => {
    const conditions = unservedPolicyConditions(2, "team-a/router", trouble);
    assert.ok(conditions.every(({ status, observedGeneration }) => status === "Unknown" && observedGeneration === 2));
    assert.match(conditions.at(-1)?.message ?? "", /Router team-a\/router is not served now: no Secret/);
  });
});

describe("an object that several Routers use", () => {
  it("is what the one Router says, where there is one", () => {
    const conditions = [condition("Ready", "False", "why")];
    assert.equal(mergeRouterConditions([{ router: "a/a", conditions }]), conditions);
    assert.deepEqual(mergeRouterConditions([]), []);
  });

  it("names the Router of what only some of them say", () => {
    const accepted = condition("Accepted", "True", "yes");
    const merged = mergeRouterConditions([
      { router: "a/a", conditions: [accepted] },
      { router: "b/b", conditions: [accepted, condition("PartiallySupported", "True", "spec.registration")] },
    ]);
    assert.deepEqual(
      merged.map(({ message }) => message),
      ["yes", "Router b/b: spec.registration"],
    );
  });

  it("is as bad as the worst of them says, with its name; of two as bad the first by name speaks", () => {
    const merged = mergeRouterConditions([
      { router: "c/c", conditions: [condition("Ready", "Unknown", "c waits"), condition("Accepted", "True", "yes")] },
      { router: "b/b", conditions: [condition("Ready", "Unknown", "b waits"), condition("Accepted", "True", "yes")] },
      { router: "a/a", conditions: [condition("Ready", "True", "done"), condition("Accepted", "True", "yes")] },
    ]);
    assert.deepEqual(
      merged.map(({ type, status, message }) => [type, status, message]),
      [
        ["Ready", "Unknown", "Router b/b: b waits"],
        ["Accepted", "True", "yes"],
      ],
    );
  });
});
