// Which changes of conditions become events, and that nothing else does.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Condition, ConditionStatus } from "../../../core/reconcile/conditions.ts";
import { findTransitions, rememberConditions } from "../../../core/reconcile/transitions.ts";

/** `Accepted=False/Invalid@2`, with the status' first letter. */
function condition(text: string): Condition {
  const match = /^(\w+)=([TFU])\/(\w+)@(\d+)$/.exec(text);
  assert.ok(match !== null, text);
  const [, type = "", letter = "", reason = "", generation = ""] = match;
  const status: ConditionStatus = letter === "T" ? "True" : letter === "F" ? "False" : "Unknown";
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  return {
    type,
    status,
    reason,
    message: `${reason} of ${generation}`,
    observedGeneration: Number(generation),
    lastTransitionTime,
  };
}

function conditions(text: string): Condition[] {
  return text === "" ? [] : text.split(" ").map(condition);
}

/** What is recorded while the conditions go through these, each compared with all before it. */
function recorded(...steps: readonly string[]): string[][] {
  let known: readonly Condition[] = conditions(steps[0] ?? "");
  return steps.slice(1).map((step) => {
    const current = conditions(step);
    const transitions = findTransitions(known, current);
    known = rememberConditions(known, current);
    return transitions.map(({ type, reason, action }) => `${type} ${reason} ${action}`);
  });
}

const PROGRAMMED = "Normal Programmed PublishConfiguration";
const REFUSED = "Warning Invalid Validate";
const REJECTED = "Warning Rejected PublishConfiguration";

const CASES: readonly {
  readonly name: string;
  readonly steps: readonly string[];
  readonly events: readonly string[][];
}[] = [
  {
    name: "a new policy: one event when it is in force",
    steps: ["", "Accepted=T/Accepted@1 Programmed=U/Pending@1", "Accepted=T/Accepted@1 Programmed=T/Programmed@1"],
    events: [[], [PROGRAMMED]],
  },
  {
    name: "processors: one event when the last is lost, one when work is taken again, none for a part of them",
    steps: [
      "Registered=T/Registered@1",
      "Registered=T/PartlyRegistered@1",
      "Registered=F/NoProcessors@1",
      "Registered=U/RegistryNotRead@1",
      "Registered=F/NoProcessors@1",
      "Registered=T/Registered@1",
    ],
    events: [[], ["Warning NoProcessors FollowRegistry"], [], [], ["Normal Registered FollowRegistry"]],
  },
  {
    name: "a new policy that is refused, with the condition's reason",
    steps: ["", "Accepted=F/Invalid@1 Programmed=F/NotAccepted@1"],
    events: [[REFUSED]],
  },
  {
    name: "a change that is refused, another that is refused, and one that is not",
    steps: [
      "Accepted=T/Accepted@1 Programmed=T/Programmed@1",
      "Accepted=F/Invalid@2 Programmed=F/NotAccepted@2",
      "Accepted=F/Invalid@2 Programmed=F/NotAccepted@2",
      "Accepted=F/Invalid@3 Programmed=F/NotAccepted@3",
      "Accepted=F/Conflict@3 Programmed=F/NotAccepted@3",
      "Accepted=T/Accepted@4 Programmed=T/Programmed@4",
    ],
    events: [[REFUSED], [], [REFUSED], ["Warning Conflict Validate"], ["Normal Accepted Validate", PROGRAMMED]],
  },
  {
    name: "each generation that comes into force, told of while it waited or not",
    steps: [
      "Programmed=T/Programmed@1",
      "Programmed=T/Programmed@2",
      "Programmed=U/Pending@3",
      "Programmed=T/Programmed@3",
    ],
    events: [[PROGRAMMED], [], [PROGRAMMED]],
  },
  {
    name: "nothing when routers are lost and come back",
    steps: [
      "Programmed=T/Programmed@1",
      "Programmed=U/NoReadyPods@1",
      "Programmed=U/Pending@1",
      "Programmed=T/Programmed@1",
    ],
    events: [[], [], []],
  },
  {
    name: "a generation that a router rejects, and that it takes after all",
    steps: [
      "Programmed=T/Programmed@1",
      "Programmed=U/Pending@2",
      "Programmed=F/Rejected@2",
      "Programmed=F/Rejected@2",
      "Programmed=U/NoReadyPods@2",
      "Programmed=T/Programmed@2",
    ],
    events: [[], [REJECTED], [], [], [PROGRAMMED]],
  },
  {
    name: "references that break and are mended; a change of something else in between tells nothing new",
    steps: [
      "ResolvedRefs=T/ResolvedRefs@1",
      "ResolvedRefs=F/RefNotFound@1",
      "ResolvedRefs=F/RefNotFound@2",
      "ResolvedRefs=F/RefNotPermitted@2",
      "ResolvedRefs=T/ImplicitProviders@2",
      "ResolvedRefs=T/ResolvedRefs@2",
    ],
    events: [
      ["Warning RefNotFound ResolveReferences"],
      [],
      ["Warning RefNotPermitted ResolveReferences"],
      ["Normal ResolvedRefs ResolveReferences"],
      [],
    ],
  },
  {
    name: "a Router that starts, is lost, is not observed and comes back",
    steps: [
      "",
      "Available=F/NoReadyPods@1 Progressing=T/RoutersStarting@1",
      "Available=T/RouterReady@1 Progressing=T/RoutersStarting@1",
      "Available=T/RouterReady@1 Progressing=F/Complete@1",
      "Available=U/NotObserved@1 Progressing=U/NotObserved@1",
      "Available=T/RouterReady@1 Progressing=F/Complete@1",
      "Available=F/NoReadyPods@1 Progressing=T/RoutersStarting@1",
      "Available=T/RouterReady@1 Progressing=F/Complete@1",
    ],
    events: [
      [],
      ["Normal RouterReady ObserveRouters"],
      ["Normal RolloutComplete RollOut"],
      [],
      [],
      ["Warning NoReadyPods ObserveRouters"],
      ["Normal RouterReady ObserveRouters", "Normal RolloutComplete RollOut"],
    ],
  },
  {
    name: "a roll-out that is held, once, and its end",
    steps: [
      "Progressing=F/Complete@1",
      "Progressing=T/RoutersStarting@2",
      "Progressing=U/RolloutHeld@2",
      "Progressing=U/RolloutHeld@2",
      "Progressing=F/Complete@3",
    ],
    events: [[], ["Warning RolloutHeld RollOut"], [], ["Normal RolloutComplete RollOut"]],
  },
  {
    name: "nothing of a Router without a bus, for it starts nothing",
    steps: [
      "Accepted=F/SubjectConflict@1 Progressing=T/RoutersStarting@1",
      "Accepted=F/SubjectConflict@1 Progressing=F/NotAccepted@1",
    ],
    events: [[]],
  },
  {
    name: "nothing of what is only Unknown, Ready or PartiallySupported",
    steps: [
      "",
      "Accepted=U/RouterNotServed@1 Programmed=U/RouterNotServed@1 Ready=U/RouterNotServed@1",
      "Ready=F/Invalid@1 PartiallySupported=T/FieldsWithoutEffect@1 Deduplicated=F/WindowOnly@1",
    ],
    events: [[], []],
  },
];

describe("events of conditions", () => {
  for (const { name, steps, events } of CASES) {
    it(name, () => assert.deepEqual(recorded(...steps), events));
  }

  it("carry the condition's message", () => {
    const [transition] = findTransitions([], conditions("Accepted=F/Invalid@7"));
    assert.deepEqual(transition, { type: "Warning", reason: "Invalid", action: "Validate", note: "Invalid of 7" });
  });

  const reasons = ["Complete", "RolloutHeld", "NotAccepted", "NotObserved", "Invalid", "Rejected"];
  const anyCondition = (type: string): fc.Arbitrary<Condition> =>
    fc
      .tuple(fc.constantFrom("T", "F", "U"), fc.constantFrom(...reasons), fc.nat({ max: 3 }))
      .map(([status, reason, generation]) => condition(`${type}=${status}/${reason}@${generation}`));
  const types = ["Accepted", "ResolvedRefs", "Programmed", "Available", "Progressing", "Ready"];
  const anyConditions = fc
    .subarray(types)
    .chain((chosen) => fc.tuple(...chosen.map(anyCondition)) as fc.Arbitrary<Condition[]>);

  it("are none when nothing has changed, at most one a condition, and none the second time", () => {
    fc.assert(
      fc.property(anyConditions, anyConditions, (previous, current) => {
        assert.deepEqual(findTransitions(current, current), []);
        assert.ok(findTransitions(previous, current).length <= current.length);
        assert.deepEqual(findTransitions(rememberConditions(previous, current), current), []);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are none of a detour through Unknown, whatever was said on the way", () => {
    fc.assert(
      fc.property(anyConditions, fc.constantFrom("Pending", "NoReadyPods", "NotObserved"), (known, reason) => {
        const definite = known.filter(({ status }) => status !== "Unknown");
        const unknown = definite.map((each): Condition => ({ ...each, status: "Unknown", reason }));
        assert.deepEqual(findTransitions(definite, unknown), []);
        assert.deepEqual(findTransitions(rememberConditions(definite, unknown), definite), []);
      }),
    );
  });
});
