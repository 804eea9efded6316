// What each outcome of a call means for its message.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MAX_CHANGED_CHARS, MAX_CHANGES, readStepOutcome, type StepVerdict } from "../../../core/steps/read-outcome.ts";
import type { Stage, StepOutcome } from "../../../core/steps/step.ts";

type Part = Readonly<Record<string, string>>;

const answered = (...parts: readonly Part[]): StepOutcome => ({ kind: "answered", parts });
const passed = (changes: Part = {}): StepVerdict => ({ kind: "passed", changes });
const rejected = (reason: string): StepVerdict => ({ kind: "rejected", reason });

const STANDING = { lang: "en", "beamline.push": "true" };
const many = (count: number): Part =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`context.k${index}`, "v"]));

const CASES: readonly (readonly [Stage, StepOutcome, StepVerdict | "broken"])[] = [
  ["pre", answered(), passed()],
  ["pre", answered({}), passed()],
  ["pre", answered({ "context.tier": "gold" }), passed({ tier: "gold" })],
  ["pre", answered({ "context.a.b": "" }), passed({ "a.b": "" })],
  [
    "pre",
    answered({ "context.tier": "gold" }, { "context.tier": "lead", "context.x": "1" }),
    passed({ tier: "lead", x: "1" }),
  ],
  ["pre", answered({ "metadata.mark": "m", "beamline.stage": "pre", other: "o" }), passed()],
  ["pre", answered({ "context.lang": "en", "context.beamline.push": "true" }), passed()],
  ["pre", answered({ "context.lang": "de" }), passed({ lang: "de" })],
  ["pre", answered({ "context.beamline.push": "false" }), "broken"],
  ["pre", answered({ "context.": "x" }), "broken"],
  ["pre", answered({ "context.__proto__": "x" }), "broken"],
  ["pre", answered({ [`context.${"n".repeat(129)}`]: "x" }), "broken"],
  [
    "pre",
    answered(many(MAX_CHANGES)),
    passed(Object.fromEntries(Object.keys(many(MAX_CHANGES)).map((key) => [key.slice(8), "v"]))),
  ],
  ["pre", answered(many(MAX_CHANGES + 1)), "broken"],
  [
    "pre",
    answered({ "context.a": "x".repeat(MAX_CHANGED_CHARS - 1) }),
    passed({ a: "x".repeat(MAX_CHANGED_CHARS - 1) }),
  ],
  ["pre", answered({ "context.a": "x".repeat(MAX_CHANGED_CHARS) }), "broken"],
  ["validator", answered({ "context.tier": "gold", "metadata.mark": "m" }), passed()],
  ["validator", answered({ "beamline.verdict": "accept" }), passed()],
  ["validator", answered({ "beamline.verdict": "reject" }), rejected("")],
  ["validator", answered({ "beamline.verdict": "reject", "beamline.reason": "long" }), rejected("long")],
  ["validator", answered({}, { "beamline.verdict": "reject", "beamline.reason": "2nd" }), rejected("2nd")],
  ["validator", answered({ "beamline.verdict": "no" }), "broken"],
  ["post", answered({ "metadata.mark": "m", "context.tier": "gold" }), passed({ mark: "m" })],
  ["post", answered({ "metadata.beamline.provider": "x" }), "broken"],
  ["pre", { kind: "refused", reason: "no" }, rejected("no")],
  ["pre", { kind: "unavailable", reason: "away" }, { kind: "away", cause: "unavailable", reason: "away" }],
  ["pre", { kind: "notFound", reason: "who" }, { kind: "away", cause: "notFound", reason: "who" }],
  ["pre", { kind: "timeout" }, { kind: "away", cause: "timeout", reason: "it did not answer in time" }],
  ["pre", { kind: "broken", reason: "odd" }, { kind: "away", cause: "broken", reason: "odd" }],
];

describe("the outcome of a step", () => {
  for (const [stage, outcome, expected] of CASES) {
    const said = JSON.stringify(outcome).slice(0, 100);
    it(`of ${stage} ${said} is ${JSON.stringify(expected).slice(0, 60)}`, () => {
      const verdict = readStepOutcome(stage, outcome, STANDING);
      if (expected !== "broken") assert.deepEqual(verdict, expected);
      else assert.equal(verdict.kind === "away" ? verdict.cause : verdict.kind, "broken");
    });
  }

  it("repeats no more than the beginning of a long reason", () => {
    const verdict = readStepOutcome("pre", { kind: "refused", reason: "r".repeat(1_000) }, {});
    assert.equal(verdict.kind === "rejected" ? verdict.reason.length : 0, 257);
  });
});
