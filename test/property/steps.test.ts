// Steps, whatever they answer: bounded calls and time, nothing changed but what their stage may change.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { readStepOutcome } from "../../core/steps/read-outcome.ts";
import { type CompiledStep, STAGES, type StepOutcome } from "../../core/steps/step.ts";
import { driveStage, runOf, stepOf } from "../core/steps/drive-stage.ts";

const names = fc.oneof(
  fc.constantFrom(
    "beamline.verdict",
    "beamline.reason",
    "context.session",
    "context.beamline.push",
    "metadata.lang",
    "context.__proto__",
  ),
  fc.tuple(fc.constantFrom("context.", "metadata.", ""), fc.string()).map(([prefix, name]) => prefix + name),
);
const parts = fc.array(fc.dictionary(names, fc.oneof(fc.constantFrom("reject", "accept", "1", "en"), fc.string())), {
  maxLength: 3,
});
const outcomes: fc.Arbitrary<StepOutcome> = fc.oneof(
  parts.map((given) => ({ kind: "answered" as const, parts: given })),
  fc.constantFrom<StepOutcome>(
    { kind: "timeout" },
    { kind: "unavailable", reason: "a" },
    { kind: "notFound", reason: "b" },
    { kind: "broken", reason: "c" },
    { kind: "refused", reason: "d" },
  ),
);
const steps: fc.Arbitrary<CompiledStep> = fc
  .record({
    required: fc.boolean(),
    onFail: fc.constantFrom("Block" as const, "Warn" as const, "Ignore" as const),
    timeoutMs: fc.integer({ min: 1, max: 60_000 }),
    tries: fc.integer({ min: 1, max: 11 }),
  })
  .map(stepOf);

describe("a stage, for any steps and any answers", () => {
  it("keeps its bounds and changes nothing that is not its own", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STAGES),
        fc.array(steps, { maxLength: 16 }),
        fc.infiniteStream(outcomes),
        fc.integer({ min: 0, max: 30_000 }),
        (stage, list, answers, leftMs) => {
          const run = runOf(leftMs);
          const before = run.state;
          let spentMs = 0;
          const driven = driveStage(run, stage, list, ({ timeoutMs }) => {
            assert.ok(timeoutMs > 0 && timeoutMs <= leftMs - spentMs, "a call gets no more than what is left");
            const outcome = answers.next().value as StepOutcome;
            const elapsedMs = outcome.kind === "timeout" ? timeoutMs : Math.min(timeoutMs, 5);
            spentMs = leftMs - run.leftMs + elapsedMs;
            return { outcome, elapsedMs };
          });
          assert.ok(run.leftMs >= 0);
          assert.ok(driven.calls.length <= list.reduce((sum, { tries }) => sum + tries, 0));
          const last = run.reports.findIndex(({ consequence }) => consequence === "stopped");
          assert.equal(last >= 0, driven.stop !== undefined);
          assert.equal(run.reports.length, last < 0 ? list.length : last + 1);
          if (stage !== "pre") assert.equal(run.state.context, before.context);
          if (stage !== "post") assert.equal(run.state.metadata, before.metadata);
          for (const map of [run.state.context, run.state.metadata])
            assert.ok(Object.keys(map).every((key) => !key.startsWith("beamline.")));
          assert.equal(run.state.providerId, before.providerId);
        },
      ),
    );
  });

  it("takes back what it sent as no change", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (context) => {
        const sent = Object.fromEntries(Object.entries(context).map(([key, value]) => [`context.${key}`, value]));
        const verdict = readStepOutcome("pre", { kind: "answered", parts: [sent] }, context);
        assert.deepEqual(verdict, { kind: "passed", changes: {} });
      }),
    );
  });
});
