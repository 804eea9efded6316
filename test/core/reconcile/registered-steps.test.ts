// Steps of a policy against what is registered: which can be called, and why the others can not.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { registeredSteps } from "../../../core/reconcile/registered-steps.ts";
import type { Verdict } from "../../../core/registry/verdicts.ts";
import type { CompiledStep } from "../../../core/steps/step.ts";

function step(name: string, processor: string, change: Partial<CompiledStep> = {}): CompiledStep {
  const target = { kind: "processor", id: processor } as const;
  return { name, target, required: true, onFail: "Block", timeoutMs: 1000, tries: 1, ...change };
}

function verdict(id: string, change: Partial<Verdict> = {}): readonly [string, Verdict] {
  const types = { inputEventTypes: [], outputEventTypes: [] };
  const about = { kind: "processor", id, instance: `${id}-1`, endpoint: "127.0.0.1:9000", ...types } as const;
  return [
    `processor/${id}`,
    { ...about, liveness: "live", reported: "HEALTHY", isCandidate: true, sinceMs: 1, ...change },
  ];
}

const registry = new Map([
  verdict("well"),
  verdict("slow", { liveness: "late" }),
  verdict("dead", { liveness: "lost", isCandidate: false }),
  verdict("ill", { reported: "UNHEALTHY", isCandidate: false }),
  verdict("deaf", { isCandidate: false }),
]);

describe("steps and the registry", () => {
  const table: readonly [string, string, string | undefined][] = [
    ["one that is live", "well", undefined],
    ["one that is late", "slow", undefined],
    ["one that nobody registered", "nobody", "processor nobody is not registered"],
    ["one that is lost", "dead", "processor dead is lost"],
    ["one that asks for no work", "ill", "processor ill is UNHEALTHY"],
    ["one whose endpoint does not serve", "deaf", "processor deaf is not serving at its endpoint"],
  ];
  for (const [title, id, away] of table) {
    it(`finds ${title}`, () => {
      const pipeline = { pre: [], validators: [step("v", id)], post: [] };
      assert.deepEqual(registeredSteps(pipeline, registry), [{ name: "v", required: true, away }]);
    });
  }

  it("looks at all stages in their order, whatever onFail, and at no subject", () => {
    const subject = { kind: "subject", subject: "beamline.ext.a" } as const;
    const pipeline = {
      pre: [step("one", "dead", { onFail: "Ignore" }), step("two", "", { target: subject })],
      validators: [step("three", "well", { required: false })],
      post: [step("four", "nobody", { required: false })],
    };
    assert.deepEqual(registeredSteps(pipeline, registry), [
      { name: "one", required: true, away: "processor dead is lost" },
      { name: "three", required: false, away: undefined },
      { name: "four", required: false, away: "processor nobody is not registered" },
    ]);
    assert.deepEqual(registeredSteps(undefined, registry), []);
  });
});
