// Events of objects: told of the right object, and not told again after a detour that says nothing.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import type { ObjectKind } from "../../core/policy/spec.ts";
import type { Condition, ConditionStatus } from "../../core/reconcile/conditions.ts";
import type { EventOccurrence } from "../../kubernetes/events.ts";
import { MAX_REMEMBERED_OBJECTS, TransitionRecorder } from "../../operator/record-transitions.ts";

function programmed(status: ConditionStatus, reason: string, observedGeneration = 1): readonly Condition[] {
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  return [{ type: "Programmed", status, reason, message: "", observedGeneration, lastTransitionTime }];
}

const IN_FORCE = programmed("True", "Programmed");
const AWAY = programmed("Unknown", "NoReadyPods");

describe("the recorder of transitions", () => {
  let told: EventOccurrence[];
  let recorder: TransitionRecorder;

  beforeEach(() => {
    told = [];
    recorder = new TransitionRecorder((occurrence) => told.push(occurrence));
  });

  function change(uid: string, previous: readonly Condition[], current: readonly Condition[], kind?: ObjectKind): void {
    const namespace = kind === "Tenant" ? "" : "demo";
    recorder.record({ kind: kind ?? "RoutingPolicy", ref: { namespace, name: "chat" }, uid, previous, current });
  }

  it("names the object, with a namespace where it has one", () => {
    change("u-1", [], IN_FORCE);
    change("u-2", [], IN_FORCE, "Tenant");
    assert.deepEqual(
      told.map(({ regarding, reason }) => [regarding.type.kind, regarding.ref, regarding.uid, reason]),
      [
        ["RoutingPolicy", { namespace: "demo", name: "chat" }, "u-1", "Programmed"],
        ["Tenant", { name: "chat" }, "u-2", "Programmed"],
      ],
    );
  });

  it("begins with the conditions that the object had, and remembers what was known across what is not", () => {
    change("u-1", IN_FORCE, IN_FORCE);
    change("u-1", IN_FORCE, AWAY);
    change("u-1", AWAY, IN_FORCE);
    assert.deepEqual(told, []);
    change("u-1", IN_FORCE, programmed("True", "Programmed", 2));
    assert.equal(told.length, 1);
  });

  it("takes another uid for another object", () => {
    change("u-1", [], IN_FORCE);
    change("u-2", [], IN_FORCE);
    assert.equal(told.length, 2);
  });

  it("remembers so many objects, those that changed last", () => {
    change("first", IN_FORCE, AWAY);
    change("second", IN_FORCE, AWAY);
    change("first", AWAY, AWAY);
    for (let index = 0; index < MAX_REMEMBERED_OBJECTS - 1; index++) change(`u-${index}`, IN_FORCE, AWAY);
    change("first", AWAY, IN_FORCE);
    assert.deepEqual(told, []);
    change("second", AWAY, IN_FORCE);
    assert.equal(told.length, 1);
  });
});
