// The steps of a stage: their order, what stops a message, further tries, and the time for all of them.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Verdict } from "../../../core/registry/verdicts.ts";
import { findProcessor } from "../../../core/steps/find-processor.ts";
import { compilePipeline, type StepOutcome } from "../../../core/steps/step.ts";
import { driveStage, runOf, stepOf } from "./drive-stage.ts";

const YES: StepOutcome = { kind: "answered", parts: [] };
const NO: StepOutcome = { kind: "refused", reason: "no" };
const AWAY: StepOutcome = { kind: "unavailable", reason: "away" };
const BROKEN: StepOutcome = { kind: "broken", reason: "odd" };
const TIMEOUT: StepOutcome = { kind: "timeout" };
const ABSENT: StepOutcome = { kind: "notFound", reason: "who" };

const always = (outcome: StepOutcome) => () => ({ outcome, elapsedMs: 1 });

describe("a step", () => {
  const CONSEQUENCES: readonly (readonly [string, StepOutcome, Parameters<typeof stepOf>[0], string])[] = [
    ["a yes", YES, {}, "none"],
    ["a no that blocks", NO, {}, "stopped"],
    ["a no that warns", NO, { onFail: "Warn" }, "warned"],
    ["a no that is ignored", NO, { onFail: "Ignore" }, "ignored"],
    ["a no of an optional step", NO, { required: false }, "stopped"],
    ...[AWAY, BROKEN, TIMEOUT, ABSENT].flatMap((outcome) => [
      [`${outcome.kind} of a required step`, outcome, { onFail: "Ignore" }, "stopped"] as const,
      [`${outcome.kind} of an optional step`, outcome, { required: false }, "warned"] as const,
    ]),
  ];
  for (const [name, outcome, fields, consequence] of CONSEQUENCES) {
    it(`${name}: ${consequence}`, () => {
      const run = runOf();
      const { stop } = driveStage(run, "validator", [stepOf(fields)], always(outcome));
      assert.equal(run.reports[0]?.consequence, consequence);
      assert.equal(stop !== undefined, consequence === "stopped");
      if (stop?.kind === "away") assert.equal(stop.cause, outcome.kind);
    });
  }

  for (const [outcome, calls] of [
    [AWAY, 3],
    [TIMEOUT, 3],
    [NO, 1],
    [BROKEN, 1],
    [ABSENT, 1],
    [YES, 1],
  ] as const) {
    it(`with two further tries is called ${calls} times when it ends ${outcome.kind}`, () => {
      const run = runOf();
      const driven = driveStage(run, "pre", [stepOf({ tries: 3 })], always(outcome));
      assert.equal(driven.calls.length, calls);
      assert.equal(run.reports[0]?.tries, calls);
      assert.deepEqual(
        driven.calls.map(({ metadata }) => metadata["beamline.attempt"]),
        ["1", "2", "3"].slice(0, calls),
      );
      assert.deepEqual(driven.waitsMs, [25, 50].slice(0, calls - 1));
    });
  }

  it("gets what is left of the time for all, and no call after it", () => {
    const run = runOf(1_500);
    const steps = ["a", "b", "c"].map((name) => stepOf({ name, required: false }));
    const slow = driveStage(run, "pre", steps, ({ timeoutMs }) => ({ outcome: TIMEOUT, elapsedMs: timeoutMs }));
    assert.deepEqual(
      slow.calls.map(({ timeoutMs }) => timeoutMs),
      [1_000, 500],
    );
    assert.deepEqual(
      run.reports.map(({ outcome, tries }) => [outcome, tries]),
      [
        ["timeout", 1],
        ["timeout", 1],
        ["timeout", 0],
      ],
    );
  });
});

describe("steps of a stage", () => {
  it("are taken in their order, each with what the ones before changed", () => {
    const run = runOf();
    const steps = ["a", "b"].map((name) => stepOf({ name }));
    const { calls, stop } = driveStage(run, "pre", steps, (_call, index) => ({
      outcome: { kind: "answered", parts: [{ [`context.set-${index}`]: "x" }] },
      elapsedMs: 2,
    }));
    assert.equal(stop, undefined);
    assert.equal(calls[1]?.metadata["context.set-0"], "x");
    assert.equal(calls[1]?.metadata["context.session"], "1");
    assert.deepEqual(run.state.context, { session: "1", "set-0": "x", "set-1": "x" });
    assert.deepEqual(run.state.metadata, { lang: "en" });
    assert.deepEqual(
      run.reports.map(({ changed, elapsedMs }) => [changed, elapsedMs]),
      [
        [["set-0"], 2],
        [["set-1"], 2],
      ],
    );
  });

  it("end with the first that stops the message", () => {
    const steps = ["a", "b", "c"].map((name) => stepOf({ name }));
    const { calls, stop } = driveStage(runOf(), "post", steps, (_call, index) => ({
      outcome: index === 1 ? NO : YES,
      elapsedMs: 1,
    }));
    assert.equal(calls.length, 2);
    assert.deepEqual(stop, { stage: "post", step: "b", kind: "blocked", reason: "no" });
  });
});

describe("compilePipeline", () => {
  it("is nothing for a policy without steps", () => {
    assert.equal(compilePipeline({ pipeline: { pre: [], validators: [], post: [] } }), undefined);
  });

  it("fills in what is not written", () => {
    const written = {
      name: "b",
      subject: "beamline.ext.b",
      mode: "Optional",
      onFail: "Warn",
      timeoutMs: 5,
      retry: 2,
    } as const;
    const compiled = compilePipeline({
      pipeline: { pre: [{ name: "a", processor: "p" }], validators: [written], post: [] },
    });
    assert.deepEqual(compiled?.pre, [stepOf({ name: "a" })]);
    const target = { kind: "subject", subject: "beamline.ext.b" };
    assert.deepEqual(compiled?.validators, [
      { name: "b", target, required: false, onFail: "Warn", timeoutMs: 5, tries: 3 },
    ]);
  });
});

describe("findProcessor", () => {
  const verdict: Verdict = {
    kind: "processor",
    id: "p",
    instance: "i",
    endpoint: "127.0.0.1:1",
    inputEventTypes: [],
    outputEventTypes: [],
    maxConcurrent: 4,
    liveness: "live",
    reported: "HEALTHY",
    isCandidate: true,
    sinceMs: 1,
  };
  const find = (found: Verdict, id = "p") => findProcessor(new Map([[`${found.kind}/${found.id}`, found]]), id);

  it("finds a processor that may get work, by its id", () => {
    const found = { kind: "found", id: "p", endpoint: "127.0.0.1:1", maxConcurrent: 4, outputEventTypes: [] };
    assert.deepEqual(find(verdict), found);
    assert.deepEqual(find({ ...verdict, liveness: "late" }).kind, "found");
  });

  it("finds no source of that id, and nothing under another one", () => {
    assert.deepEqual(find({ ...verdict, kind: "source" }), { kind: "absent" });
    assert.deepEqual(find(verdict, "q"), { kind: "absent" });
  });

  it("leaves alone what is lost or wants no work", () => {
    const lost = find({ ...verdict, liveness: "lost", isCandidate: false });
    assert.deepEqual(lost, { kind: "away", reason: "processor p is lost" });
    const stopping = find({ ...verdict, reported: "STOPPING", isCandidate: false });
    assert.deepEqual(stopping, { kind: "away", reason: "processor p is STOPPING" });
    const notServing = find({ ...verdict, isCandidate: false });
    assert.deepEqual(notServing, { kind: "away", reason: "processor p is not serving at its endpoint" });
  });
});
