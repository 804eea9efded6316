// What is known of a provider by its processors: who belongs to it, which of them counts, and whom a status names.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Liveness } from "../../../core/registry/component.ts";
import type { HealthStatus } from "../../../core/registry/health-status.ts";
import { MAX_NAMED_PROCESSORS, nameProcessors } from "../../../core/registry/processor-state.ts";
import {
  applyVerdicts,
  livenessVersion,
  NOTHING_REGISTERED,
  type ProcessorVerdict,
  processorsOf,
} from "../../../core/registry/provider-liveness.ts";

const RESIZE = { key: "demo/resize", providerId: "resize_v1" };

/** One that names no Provider, registered by a service account of this namespace. */
function from(namespace: string): ProcessorVerdict {
  return { ...says("live"), namespace };
}

function says(liveness: Liveness, reported: HealthStatus = "HEALTHY", provider?: string): ProcessorVerdict {
  const isCandidate = liveness !== "lost" && reported !== "UNHEALTHY" && reported !== "STOPPING";
  return { kind: "processor", liveness, reported, isCandidate, ...(provider === undefined ? {} : { provider }) };
}

const named = (liveness: Liveness, reported?: HealthStatus) => says(liveness, reported, RESIZE.key);

describe("liveness of providers", () => {
  const cases: readonly [string, Readonly<Record<string, ProcessorVerdict>>, string][] = [
    ["one that names it", { "processor/a": named("live") }, "live HEALTHY 1/0/0 a"],
    ["one with its id", { "processor/resize_v1": says("late") }, "late HEALTHY 0/1/0 resize_v1"],
    [
      "its best",
      { "processor/a": named("lost"), "processor/b": named("late"), "processor/c": named("live", "UNHEALTHY") },
      "late HEALTHY 1/1/1 b,c,a",
    ],
    [
      "one that may have work before one that is live",
      { "processor/a": named("live", "STOPPING"), "processor/b": named("late", "STARTING") },
      "late STARTING 1/1/0 b,a",
    ],
    [
      "one that is unwell before one that is lost",
      { "processor/a": named("lost"), "processor/b": named("live", "UNHEALTHY") },
      "live UNHEALTHY 1/0/1 b,a",
    ],
    [
      "both that name it and the one with its id",
      { "processor/resize_v1": says("live"), "processor/a": named("lost") },
      "live HEALTHY 1/0/1 resize_v1,a",
    ],
    ["nobody of another provider", { "processor/a": says("live", "HEALTHY", "demo/other") }, "nothing"],
    [
      "nobody with its id who names another",
      { "processor/resize_v1": says("live", "HEALTHY", "demo/other") },
      "nothing",
    ],
    ["one with its id of its own namespace", { "processor/resize_v1": from("demo") }, "live HEALTHY 1/0/0 resize_v1"],
    ["nobody with its id of another namespace", { "processor/resize_v1": from("other") }, "nothing"],
    ["nobody with its id of a namespace that begins alike", { "processor/resize_v1": from("demo2") }, "nothing"],
    [
      "one that names it from another namespace",
      { "processor/a": { ...from("other"), provider: RESIZE.key } },
      "live HEALTHY 1/0/0 a",
    ],
    [
      "those of its namespace and those that name it together",
      { "processor/resize_v1": from("demo"), "processor/a": named("lost") },
      "live HEALTHY 1/0/1 resize_v1,a",
    ],
    [
      "one whose endpoint does not serve as one that is unwell",
      { "processor/a": { ...named("live"), isCandidate: false }, "processor/b": named("late") },
      "late HEALTHY 1/1/0 b,a",
    ],
    ["no source with its id", { "source/resize_v1": { ...says("live"), kind: "source" } }, "nothing"],
    ["nobody whose id is that of the object", { "processor/resize": says("live") }, "nothing"],
  ];
  for (const [title, verdicts, expected] of cases) {
    it(`counts ${title}`, () =>
      assert.equal(show(applyVerdicts(NOTHING_REGISTERED, Object.entries(verdicts))), expected));
  }

  it("keeps a lost one, and forgets one that is gone or works for another", () => {
    let known = applyVerdicts(NOTHING_REGISTERED, [["processor/a", named("live")]]);
    known = applyVerdicts(known, [["processor/a", named("lost")]]);
    assert.equal(show(known), "lost HEALTHY 0/0/1 a");
    assert.equal(show(applyVerdicts(known, [["processor/a", undefined]])), "nothing");
    assert.equal(show(applyVerdicts(known, [["processor/a", says("live")]])), "nothing");
  });

  it("stays the same value while nothing of it changes", () => {
    const known = applyVerdicts(NOTHING_REGISTERED, [["processor/a", named("live")]]);
    const again = applyVerdicts(known, [
      ["processor/a", named("live")],
      ["processor/unknown", undefined],
    ]);
    assert.equal(again.owners, known.owners);
    assert.equal(again.ownerOf, known.ownerOf);
  });

  it("has a version that tells what is known, and neither how it came to be known nor what does not count", () => {
    const version = (...batches: readonly (readonly [string, ProcessorVerdict | undefined])[][]): string =>
      livenessVersion(batches.reduce(applyVerdicts, NOTHING_REGISTERED));
    const here = version([["processor/a", named("live")]], [["processor/b", named("late")]]);
    const there = version(
      [["processor/b", named("late")]],
      [["processor/a", named("lost")]],
      [["processor/a", named("live")]],
    );
    assert.equal(here, there);
    const others = [
      version(),
      version([["processor/a", named("live")]]),
      version([
        ["processor/a", named("live")],
        ["processor/b", named("live")],
      ]),
      version([
        ["processor/a", named("late")],
        ["processor/b", named("live")],
      ]),
      version([
        ["processor/a", says("live")],
        ["processor/b", named("late")],
      ]),
    ];
    assert.equal(new Set([here, ...others]).size, others.length + 1);
    assert.equal(version([["processor/a", named("live")]], [["processor/a", undefined]]), version());
  });

  it("names the fittest, no more than the bound, by name among equals", () => {
    const many = Array.from({ length: 30 }, (_, index) => {
      const state = named(index % 3 === 0 ? "live" : "lost");
      return [`processor/p${String(index).padStart(2, "0")}`, state] as const;
    });
    const processors = processorsOf(applyVerdicts(NOTHING_REGISTERED, many), RESIZE)?.processors ?? new Map();
    const live = many.filter(([, { liveness }]) => liveness === "live").map(([key]) => key.slice("processor/".length));
    assert.equal(live.length, MAX_NAMED_PROCESSORS);
    assert.deepEqual(nameProcessors(processors), live);
  });
});

function show(known: ReturnType<typeof applyVerdicts>): string {
  const found = processorsOf(known, RESIZE);
  if (found === undefined) return "nothing";
  const { liveness, reported, live, late, lost, processors } = found;
  return `${liveness} ${reported} ${live}/${late}/${lost} ${nameProcessors(processors).join()}`;
}
