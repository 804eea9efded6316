// The condition Registered: what it says of a Provider and of a policy, and what of it makes them not ready.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ObservedCondition } from "../../../core/reconcile/conditions.ts";
import { objectConditions } from "../../../core/reconcile/object-conditions.ts";
import {
  policyRegistered,
  providerRegistered,
  type RegisteredProvider,
  summarizeProcessors,
} from "../../../core/reconcile/registered.ts";
import type { RegisteredStep } from "../../../core/reconcile/registered-steps.ts";
import { policyConditions } from "../../../core/reconcile/routing-policy.ts";
import type { ProcessorState } from "../../../core/registry/processor-state.ts";
import { applyVerdicts, NOTHING_REGISTERED, processorsOf } from "../../../core/registry/provider-liveness.ts";

/** A provider with processors in these states, by id. */
function provider(
  name: string,
  registration: RegisteredProvider["registration"],
  states: Readonly<Record<string, ProcessorState>> = {},
): RegisteredProvider {
  const key = `demo/${name}`;
  const verdicts = Object.entries(states).map(([id, state]) => {
    return [
      `processor/${id}`,
      { kind: "processor" as const, ...state, isCandidate: state.liveness !== "lost", provider: key },
    ] as const;
  });
  const processors = processorsOf(applyVerdicts(NOTHING_REGISTERED, verdicts), { key, providerId: name });
  return { name, registration, processors };
}

const live: ProcessorState = { liveness: "live", reported: "HEALTHY" };
const late: ProcessorState = { liveness: "late", reported: "UNKNOWN" };
const lost: ProcessorState = { liveness: "lost", reported: "HEALTHY" };
const stopping: ProcessorState = { liveness: "live", reported: "STOPPING" };

const show = (conditions: readonly ObservedCondition[]): string =>
  conditions.map(({ status, reason, message }) => `${status} ${reason}: ${message}`).join();

const free = provider("free", "Optional");
const good = provider("good", "Required", { g: late });
const gone = provider("gone", "Optional", { g1: lost });
const nobody = provider("nobody", "Required");

describe("condition Registered", () => {
  const ofProviders: readonly [string, RegisteredProvider, string][] = [
    ["nothing of one that need not be registered and has none", free, ""],
    ["that one does", good, "True Registered: a registered processor takes work"],
    [
      "that nobody is",
      nobody,
      "False NoProcessor: spec.registration is Required, and no processor is registered for it",
    ],
    ["who is lost", gone, "False ProcessorsLost: no processor of it is heard of any more: g1"],
    [
      "who asks for no work",
      provider("ill", "Required", { b: lost, a: stopping }),
      "False ProcessorsUnhealthy: every processor of it that is heard of asks for no work: a, b",
    ],
  ];
  for (const [title, one, expected] of ofProviders) {
    it(`says of a Provider ${title}`, () => assert.equal(show(providerRegistered(2, true, one)), expected));
  }

  const ofPolicies: readonly [string, readonly RegisteredProvider[], string][] = [
    ["nothing when registration is nothing to its providers", [free], ""],
    ["that all do", [free, good], "True Registered: every provider with registered processors takes work"],
    [
      "which do not while others do",
      [free, gone, nobody],
      "True PartlyRegistered: work goes to the other providers, without gone (ProcessorsLost), nobody (NoProcessor)",
    ],
    [
      "that none does",
      [gone, nobody],
      "False NoProcessors: no provider takes work: gone (ProcessorsLost), nobody (NoProcessor)",
    ],
  ];
  for (const [title, providers, expected] of ofPolicies) {
    it(`says of a policy ${title}`, () => assert.equal(show(policyRegistered(2, true, providers)), expected));
  }

  it("names eight providers at most", () => {
    const many = Array.from({ length: 12 }, (_, index) => provider(`p${index}`, "Required"));
    assert.match(show(policyRegistered(2, true, many)), /p7 \(NoProcessor\) and 4 more$/);
  });

  const there = { name: "tier", required: true, away: undefined };
  const away = { name: "pii", required: true, away: "processor p is lost" };
  const optional = { name: "mark", required: false, away: "processor m is not registered" };
  const ofSteps: readonly [string, readonly RegisteredProvider[], readonly RegisteredStep[], string][] = [
    ["that all steps can be called", [free], [there], "True Registered: every processor that a step names takes work"],
    [
      "that providers and steps have theirs",
      [good],
      [there],
      "True Registered: every provider with registered processors takes work; every processor that a step names takes work",
    ],
    [
      "which required step stops its messages",
      [free],
      [there, away],
      "False StepProcessorAway: messages are stopped at required steps: pii (processor p is lost)",
    ],
    [
      "which optional step its messages go on without",
      [good],
      [there, optional],
      "True PartlyRegistered: messages go on without optional steps: mark (processor m is not registered)",
    ],
    [
      "all that is amiss, with the reason of what stops messages",
      [free, gone],
      [optional, away],
      "False StepProcessorAway: work goes to the other providers, without gone (ProcessorsLost); messages are stopped at required steps: pii (processor p is lost); messages go on without optional steps: mark (processor m is not registered)",
    ],
    [
      "that no provider takes work, before its steps",
      [gone],
      [away],
      "False NoProcessors: no provider takes work: gone (ProcessorsLost); messages are stopped at required steps: pii (processor p is lost)",
    ],
  ];
  for (const [title, providers, steps, expected] of ofSteps) {
    it(`says of a policy with steps ${title}`, () => {
      assert.equal(show(policyRegistered(2, true, providers, steps)), expected);
    });
  }

  it("names ten steps of a kind at most", () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ ...away, name: `s${index}` }));
    assert.match(show(policyRegistered(2, true, [free], many)), /, s9 \(processor p is lost\) and 2 more$/);
  });

  it("is unknown of steps before the registry was read only where one is required", () => {
    assert.match(show(policyRegistered(2, false, [free], [there])), /^Unknown RegistryNotRead: /);
    assert.equal(show(policyRegistered(2, false, [free], [optional])), "");
  });

  it("is unknown before the registry was read, and stays away where it would", () => {
    assert.match(show(providerRegistered(2, false, good)), /^Unknown RegistryNotRead: /);
    assert.match(show(policyRegistered(2, false, [good])), /^Unknown RegistryNotRead: /);
    assert.equal(show(policyRegistered(2, false, [free])), "");
  });

  it("makes an object not ready when it is False", () => {
    const programmed = { status: "True", reason: "Programmed", message: "" } as const;
    const observed = { generation: 2, refusals: [], inForceGeneration: 2, programmed, partiallySupported: [] };
    const registered = policyRegistered(2, true, [nobody]);
    const readiness = [
      policyConditions({ ...observed, registered, unresolved: [], implicitProviders: [] }),
      policyConditions({
        ...observed,
        registered: policyRegistered(2, true, [free], [away]),
        unresolved: [],
        implicitProviders: [],
      }),
      objectConditions({ ...observed, registered: providerRegistered(2, true, nobody) }),
      objectConditions({ ...observed, registered: providerRegistered(2, true, good) }),
    ].map((conditions) => conditions.find(({ type }) => type === "Ready"));
    assert.deepEqual(
      readiness.map((ready) => `${ready?.status} ${ready?.reason}`),
      ["False NoProcessors", "False StepProcessorAway", "False NoProcessor", "True Ready"],
    );
  });

  it("counts all processors and names the first", () => {
    const { processors } = provider("many", "Optional", { b: live, a: live, c: late, d: lost });
    assert.deepEqual(summarizeProcessors(processors), { live: 2, late: 1, lost: 1, names: ["a", "b", "c", "d"] });
  });
});
