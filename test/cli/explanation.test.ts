// The words for each stage of a decision.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { explanationTable } from "../../cli/explanation.ts";
import type { ExplainStep } from "../../core/decide/decision.ts";

const STEPS: readonly (readonly [ExplainStep, string])[] = [
  [
    { stage: "policy", policyId: "chat", tenantId: "demo", object: "demo/chat", generation: 3 },
    "demo/chat, generation 3, is policy chat of tenant demo",
  ],
  [{ stage: "rule", rule: "gold", when: "true", outcome: "matched" }, "gold: matched: true"],
  [
    { stage: "rule", rule: "gold", when: "context.x == ''", outcome: "error skipped", error: "no such key: x" },
    "gold: error skipped: context.x == '' (no such key: x)",
  ],
  [
    { stage: "filter", kept: ["a", "b"], dropped: [{ name: "c", reason: "drained" }] },
    "kept a, b; dropped c (drained)",
  ],
  [
    { stage: "filter", kept: [], dropped: [{ name: "c", reason: "lost", processors: ["c-1", "c-2"] }] },
    "kept none; dropped c (lost: c-1, c-2)",
  ],
  [{ stage: "filter", kept: [], dropped: [] }, "kept none"],
  [{ stage: "tier", priority: 1, candidates: ["a"] }, "priority 1: a"],
  [{ stage: "prefer", order: ["a", "b"], chosen: "b" }, "a, b: chose b"],
  [{ stage: "prefer", order: ["a"], chosen: undefined }, "a: none of them is a candidate"],
  [
    {
      stage: "pick",
      key: "s1",
      scores: [
        { name: "a", weight: 70, score: 1234.56 },
        { name: "b", weight: 30, score: 9.8765 },
      ],
      chosen: "a",
    },
    "key s1: a weight 70 scores 1235, b weight 30 scores 9.88: chose a",
  ],
  [{ stage: "fallback", provider: "a", used: true }, "chose a"],
  [
    {
      stage: "step",
      of: "pre",
      step: "tier",
      target: "processor p",
      outcome: "passed",
      changed: ["tier"],
      tries: 1,
      elapsedMs: 1.5,
      consequence: "none",
    },
    "pre tier, processor p: passed, set tier in 1.5 ms",
  ],
  [
    {
      stage: "step",
      of: "validator",
      step: "size",
      target: "subject beamline.ext.size",
      outcome: "rejected",
      reason: "too long",
      changed: [],
      tries: 2,
      elapsedMs: 3,
      consequence: "stopped",
    },
    "validator size, subject beamline.ext.size: rejected (too long), stopped in 3 ms, 2 tries",
  ],
  [{ stage: "fallback", provider: "a", used: false, reason: "breaker_open" }, "a is not usable: breaker_open"],
];

describe("cli explanation", () => {
  for (const [step, words] of STEPS) {
    it(`says of ${step.stage}: ${words}`, () => {
      assert.deepEqual(explanationTable([step]).rows, [[step.stage, words]]);
    });
  }
});
