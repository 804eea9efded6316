// What becomes of messages whose steps stop them, and of those whose effect stands already: driven by hand.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Effect, EffectResult, StoredMessage } from "../../../core/handover/effects.ts";
import type { StepOutcome } from "../../../core/steps/step.ts";
import { MAX_ERRORS } from "../../../router/reject.ts";
import { MAX_STEPS_MS } from "../../../router/steps.ts";
import { contextOf, type Driven, drive, durable, healthyServer, NOW_MS } from "../drive.ts";
import { encodeRequest, SUBMIT } from "../messages.ts";
import { policyWith } from "./world.ts";

const context = contextOf(
  [
    policyWith("guarded", "{validators: [{name: guard, processor: p, timeout: 30s}]}"),
    policyWith("marked", "{post: [{name: mark, processor: p}]}"),
    policyWith("short", "{pre: [{name: tier, processor: p, timeout: 30s}]}", "assignment: {deadline: 7s}"),
    policyWith("bare", "{}"),
  ].join("---"),
);
const NO: StepOutcome = { kind: "refused", reason: "no" };
const body = (policy: string) => encodeRequest("json", { policy });

const answering =
  (outcome: StepOutcome, standing?: StoredMessage) =>
  (effect: Effect): EffectResult => {
    if (effect.kind === "callStep") return { kind: "called", outcome, elapsedMs: 3 };
    if (effect.kind === "readLast" && standing !== undefined) return { kind: "found", message: standing };
    return healthyServer(effect);
  };

function kinds({ effects }: Driven): string[] {
  return effects.map((effect) => (effect.kind === "publish" ? effect.message.purpose : effect.kind));
}

function storedBy({ effects }: Driven): StoredMessage {
  const effect = effects.find((one) => one.kind === "publish");
  assert.ok(effect?.kind === "publish");
  const { subject, headers, body: stored } = effect.message;
  return { subject, sequence: 1, timestampMs: NOW_MS, headers: new Map(headers), body: stored };
}

function timeoutOf({ effects }: Driven): number | undefined {
  const effect = effects.find(({ kind }) => kind === "callStep");
  return effect?.kind === "callStep" ? effect.call.timeoutMs : undefined;
}

describe("a durable message and its steps", () => {
  it("is refused for good by a no, after its dead letter", () => {
    const driven = drive(durable({ body: body("guarded") }), context, answering(NO));
    assert.deepEqual(kinds(driven), ["callStep", "readLast", "dead-letter"]);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "validator_blocked" });
  });

  for (const outcome of [
    { kind: "unavailable", reason: "away" },
    { kind: "notFound", reason: "who" },
  ] as const) {
    it(`is waited for with growing waits, without an error, when the step is ${outcome.kind}`, () => {
      for (const [deliveryCount, waitMs] of [
        [1, 1_000],
        [3, 4_000],
        [20, 60_000],
      ] as const) {
        const delivery = durable({ body: body("guarded"), position: { deliveryCount }, errorCount: MAX_ERRORS });
        const { handled } = drive(delivery, context, answering(outcome));
        assert.ok(handled.disposition.kind === "nak" && handled.outcome.kind === "postponed");
        const { delayMs } = handled.disposition;
        assert.ok(delayMs >= waitMs * 0.9 && delayMs <= waitMs * 1.1, String(delayMs));
        assert.equal(handled.countsAsError, false);
        assert.equal(handled.outcome.code, "step");
      }
    });
  }

  for (const outcome of [{ kind: "timeout" }, { kind: "broken", reason: "odd" }] as const) {
    it(`has an error when the step ends ${outcome.kind}, and is given up at the last one`, () => {
      const first = drive(durable({ body: body("guarded") }), context, answering(outcome)).handled;
      assert.deepEqual([first.disposition.kind, first.countsAsError], ["nak", true]);
      const last = durable({ body: body("guarded"), errorCount: MAX_ERRORS - 1 });
      const given = drive(last, context, answering(outcome));
      assert.deepEqual(given.handled.disposition, { kind: "term", reason: "step_failed" });
      assert.deepEqual(kinds(given), ["callStep", "readLast", "dead-letter"]);
    });
  }

  it("that was dispatched before is settled by what stands, without any step", () => {
    const first = drive(durable({ body: body("guarded") }), context);
    const again = durable({ body: body("guarded"), position: { deliveryCount: 2 } });
    const driven = drive(again, context, answering(NO, storedBy(first)));
    assert.deepEqual(kinds(driven), ["readLast"]);
    assert.deepEqual(driven.handled.disposition, { kind: "ack" });
  });

  it("that another replica dispatches while its steps are taken is settled by that", () => {
    const first = storedBy(drive(durable({ body: body("guarded") }), context));
    const driven = drive(durable({ body: body("guarded") }), context, answering(NO, first));
    assert.deepEqual(kinds(driven), ["callStep", "readLast"]);
    assert.deepEqual(driven.handled.disposition, { kind: "ack" });
  });

  it("waits when it cannot be known whether it was dispatched before", () => {
    const again = durable({ body: body("guarded"), position: { deliveryCount: 2 } });
    const driven = drive(again, context, (effect) =>
      effect.kind === "readLast" ? { kind: "unavailable", reason: "timeout" } : answering(NO)(effect),
    );
    assert.deepEqual(kinds(driven), ["readLast"]);
    assert.equal(driven.handled.disposition.kind, "nak");
  });

  it("has its steps done within what is the shortest: 20 s, its deadline, two thirds of the ack wait", () => {
    const run = (policy: string, ackWaitMs: number) =>
      timeoutOf(drive(durable({ body: body(policy), position: { ackWaitMs } }), context));
    assert.equal(run("guarded", 60_000), MAX_STEPS_MS);
    assert.equal(run("guarded", 15_000), 10_000);
    assert.equal(run("short", 60_000), 7_000);
  });

  it("keeps its fingerprint and its provider, whatever its steps add", () => {
    const plain = storedBy(drive(durable({ body: body("marked") }), context));
    const outcome: StepOutcome = { kind: "answered", parts: [{ "metadata.mark": "1" }] };
    const marked = storedBy(drive(durable({ body: body("marked") }), context, answering(outcome)));
    assert.notDeepEqual(marked.body, plain.body);
    assert.equal(marked.subject, plain.subject);
    for (const name of ["Beamline-Fingerprint", "Beamline-Effect-Id", "Beamline-Decision"])
      assert.equal(marked.headers.get(name), plain.headers.get(name), name);
  });

  it("under a policy without steps has the effects that it always had", () => {
    const again = durable({ body: body("bare"), position: { deliveryCount: 2 } });
    const { handled, effects } = drive(again, context);
    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ["publish"],
    );
    assert.equal(handled.steps, undefined);
  });
});

describe("a request and its steps", () => {
  const request = (policy: string, key?: string) => ({
    ...durable({ body: encodeRequest("json", { policy, ...(key === undefined ? {} : { key }) }) }),
    subject: SUBMIT,
    position: undefined,
    replyTo: "_INBOX.a",
  });

  it("takes no post step when nothing is dispatched", () => {
    const driven = drive(request("marked"), context);
    assert.deepEqual(kinds(driven), ["reply"]);
  });

  it("leaves no key behind when it is stopped, so that the same key may be tried again", () => {
    const driven = drive(request("guarded", "k-1"), context, answering({ kind: "timeout" }));
    assert.deepEqual(kinds(driven), ["readLast", "callStep", "readLast", "reply"]);
    assert.equal(driven.handled.outcome.kind === "failed" ? driven.handled.outcome.code : "", "step_failed");
  });
});
