// What the operator writes: only what compiles together, and for a refused spec the one that stands.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ConfigEntry } from "../../../core/config/entry.ts";
import { policyKey } from "../../../core/config/keys.ts";
import type { DesiredEntry } from "../../../core/config/last-good.ts";
import { EMPTY_PLAN, type EntryPlan, type PlanInput, planEntries } from "../../../core/reconcile/plan-entries.ts";

const router = { namespace: "beamline-system", name: "default" };
const GOOD = { providers: [{ name: "openai" }] };
const BAD_RULE = { providers: [{ name: "openai" }], rules: [{ name: "r", when: "nonsense(", prefer: ["openai"] }] };

function policy(
  name: string,
  spec: unknown,
  generation = 1,
  more: { uid?: string; creationMs?: number } = {},
): DesiredEntry {
  const meta = { namespace: "demo", name, uid: `uid-${name}`, generation, creationMs: 1, ...more };
  return { kind: "RoutingPolicy", meta, spec };
}

function plan(objects: readonly DesiredEntry[], more: Partial<PlanInput> = {}): EntryPlan {
  return planEntries({
    router,
    allowedNamespaces: ["*"],
    objects,
    stored: new Map(),
    wasProgrammed: () => false,
    ...more,
  });
}

function verdictOf(made: EntryPlan, name: string) {
  const verdict = made.verdicts.get(policyKey(router, "demo", name));
  assert.ok(verdict !== undefined);
  return verdict;
}

function summary(made: EntryPlan): Record<string, number> {
  return Object.fromEntries(
    [...made.entries].map(([key, { generation }]) => [key.split(".").at(-1) ?? "", generation]),
  );
}

describe("plan of entries", () => {
  it("writes what is accepted", () => {
    const made = plan([policy("chat", GOOD)]);
    assert.deepEqual(summary(made), { chat: 1 });
    const { refusals, inForceGeneration, implicitProviders } = verdictOf(made, "chat");
    assert.deepEqual({ refusals, inForceGeneration }, { refusals: [], inForceGeneration: 1 });
    assert.deepEqual(implicitProviders.length, 1);
  });

  it("keeps the standing generation of an object whose newest is refused", () => {
    const before = plan([policy("chat", GOOD)]);
    const made = plan([policy("chat", BAD_RULE, 2)], { stored: before.entries });
    assert.deepEqual([...made.entries], [...before.entries], "not one byte is written");
    const { refusals, inForceGeneration } = verdictOf(made, "chat");
    assert.equal(inForceGeneration, 1);
    assert.deepEqual(
      refusals.map(({ reason }) => reason),
      ["InvalidExpression"],
    );
  });

  it("keeps nothing for another object of the same name", () => {
    const before = plan([policy("chat", GOOD)]);
    const made = plan([policy("chat", BAD_RULE, 2, { uid: "other" })], { stored: before.entries });
    assert.equal(made.entries.size, 0);
    assert.equal(verdictOf(made, "chat").inForceGeneration, undefined);
  });

  it("takes the standing generation out of force when the rest no longer allows it", () => {
    const older = policy("older", { ...GOOD, policyId: "same" }, 1, { creationMs: 1 });
    const younger = policy("younger", { ...GOOD, policyId: "same" }, 1, { creationMs: 2 });
    const before = plan([younger]);
    const made = plan([older, younger], { stored: before.entries });
    assert.deepEqual(summary(made), { older: 1 });
    assert.deepEqual(
      verdictOf(made, "younger").refusals.map(({ reason }) => reason),
      ["Conflict"],
    );
  });

  it("lets an edit that would take another's id leave both as they were", () => {
    const first = policy("a", { ...GOOD, policyId: "x" }, 1, { creationMs: 2 });
    const second = policy("b", { ...GOOD, policyId: "y" }, 1, { creationMs: 1 });
    const before = plan([first, second]);
    const made = plan([policy("a", { ...GOOD, policyId: "y" }, 2, { creationMs: 2 }), second], {
      stored: before.entries,
    });
    assert.deepEqual(summary(made), { a: 1, b: 1 });
  });

  it("names the schema's problems with their paths", () => {
    const { refusals, specProblems } = verdictOf(
      plan([policy("chat", { providers: [{ name: "x", weight: -1 }] })]),
      "chat",
    );
    assert.deepEqual(
      refusals.map(({ reason, path }) => [reason, path]),
      [["Invalid", "spec.providers[0].weight"]],
    );
    assert.equal(specProblems.length, 1);
  });

  it("refuses policies of another Router, and of namespaces that the Router does not take", () => {
    const other = policy("other", { ...GOOD, routerRef: { name: "elsewhere", namespace: "team" } });
    const made = plan([other, policy("chat", GOOD)], { allowedNamespaces: ["team"] });
    assert.equal(made.entries.size, 0);
    assert.equal(verdictOf(made, "other").refusals[0]?.reason, "RouterNotFound");
    assert.equal(verdictOf(made, "chat").refusals[0]?.reason, "NamespaceNotAllowed");
  });

  it("leaves a policy in force whose reference to another namespace leads nowhere, and says so", () => {
    const spec = { providers: [{ name: "openai" }, { name: "far", ref: { namespace: "shared", name: "far" } }] };
    const made = plan([policy("chat", spec)]);
    const { refusals, warnings } = verdictOf(made, "chat");
    assert.deepEqual(refusals, []);
    assert.deepEqual(
      warnings.map(({ reason }) => reason),
      ["RefNotFound"],
    );
  });

  it("carries the last good spec over, and lists fields without effect", () => {
    const before = plan([policy("chat", GOOD)]);
    const next = policy("chat", { ...GOOD, rateLimit: { requestsPerSecond: 5, burst: 5 } }, 2);
    const made = plan([next], { stored: before.entries, wasProgrammed: () => true });
    const entry: ConfigEntry | undefined = made.entries.get(policyKey(router, "demo", "chat"));
    assert.deepEqual(entry?.lastGood, { generation: 1, spec: GOOD });
    assert.deepEqual(verdictOf(made, "chat").partiallySupported, ["spec.rateLimit"]);
  });

  it("is the same whatever the order of the objects, and with what was parsed before", () => {
    const objects = ["a", "b", "c"].map((name, index) =>
      policy(name, { ...GOOD, policyId: "same" }, 1, { creationMs: index }),
    );
    const made = plan(objects);
    assert.deepEqual(summary(made), { a: 1 });
    assert.deepEqual(summary(plan(objects.toReversed())), { a: 1 });
    const input = { router, allowedNamespaces: ["*"], objects, stored: new Map(), wasProgrammed: () => false };
    assert.deepEqual(summary(planEntries(input, { ...EMPTY_PLAN, parsed: made.parsed })), { a: 1 });
  });
});
