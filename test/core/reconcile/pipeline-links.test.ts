// Which links of a pipeline are not met, and what its conditions make of that.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { PipelineSpec } from "../../../core/policy/spec.ts";
import { pipelineConditions } from "../../../core/reconcile/pipeline.ts";
import { type Components, findUnmetLinks } from "../../../core/reconcile/pipeline-links.ts";

const spec: PipelineSpec = {
  tenantId: "demo",
  routerRef: { name: "default" },
  source: { id: "shop" },
  processors: [
    { name: "lines", id: "order-lines", timeoutMs: 1000, retry: 0 },
    { name: "prices", id: "prices", timeoutMs: 1000, retry: 0 },
  ],
  consumers: [
    { name: "warehouse", id: "warehouse" },
    { name: "audit", id: "audit-1" },
  ],
  onFailure: "DeadLetter",
};

function component(inputs: string, outputs: string, change: object = {}) {
  const list = (text: string): readonly string[] => text.split(" ").filter((one) => one !== "");
  const types = { inputEventTypes: list(inputs), outputEventTypes: list(outputs) };
  return { liveness: "live", isCandidate: true, reported: "HEALTHY", ...types, ...change } as const;
}

const all = {
  "source/shop": component("", "created cancelled"),
  "processor/order-lines": component("created", "line"),
  "processor/prices": component("line", "priced"),
  "consumer/warehouse": component("priced other", ""),
  "consumer/audit-1": component("", ""),
};

const registered = (change: object): Components => new Map(Object.entries({ ...all, ...change }));
const unmet = (change: object, of: PipelineSpec = spec) =>
  findUnmetLinks(of, registered(change)).map(({ reason, path }) => `${reason} ${path}`);

describe("links of a pipeline", () => {
  it("are met when everybody is there and neighbours have a type in common", () => {
    assert.deepEqual(unmet({}), []);
  });

  it("name every component that is missing, of its kind", () => {
    const others = new Map(Object.entries({ "processor/shop": component("", "") }));
    assert.deepEqual(
      findUnmetLinks(spec, others).map(({ path }) => path),
      [
        "spec.source.id",
        "spec.processors[0].id",
        "spec.processors[1].id",
        "spec.consumers[0].id",
        "spec.consumers[1].id",
      ],
    );
  });

  it("tell lost from unwilling", () => {
    const lost = { "processor/prices": component("line", "priced", { liveness: "lost", isCandidate: false }) };
    assert.deepEqual(unmet(lost), ["ComponentLost spec.processors[1].id"]);
    const unwell = { "source/shop": component("", "created", { reported: "UNHEALTHY", isCandidate: false }) };
    assert.deepEqual(unmet(unwell), ["ComponentUnavailable spec.source.id"]);
  });

  it("compare each with the next, the last with every consumer", () => {
    assert.deepEqual(unmet({ "processor/prices": component("order", "invoice") }), [
      "EventTypesDiffer spec.processors[1]",
      "EventTypesDiffer spec.consumers[0]",
    ]);
    const [problem] = findUnmetLinks(spec, registered({ "processor/prices": component("order", "priced") }));
    assert.equal(
      problem?.message,
      "processor order-lines gives line, of which processor prices takes none: it takes order",
    );
  });

  it("hold the source to what the object says, where it says so", () => {
    const source = { id: "shop", eventTypes: ["refunded"] };
    assert.deepEqual(unmet({}, { ...spec, source }), ["EventTypesDiffer spec.processors[0]"]);
    const direct = { ...spec, processors: [] };
    assert.deepEqual(unmet({}, direct), ["EventTypesDiffer spec.consumers[0]"]);
  });

  it("take one that names no types for one that takes any", () => {
    assert.deepEqual(unmet({ "processor/order-lines": component("", "") }), []);
  });

  it("repeat a bounded number of types", () => {
    const many = Array.from({ length: 20 }, (_, at) => `t${at}`).join(" ");
    const [problem] = findUnmetLinks(spec, registered({ "source/shop": component("", many) }));
    assert.match(problem?.message ?? "", /gives t0, t1, t2, t3, t4, t5, t6, t7 and 12 more, of which/);
  });
});

describe("conditions of a pipeline", () => {
  const programmed = { status: "True", reason: "Programmed", message: "" } as const;
  const observed = { generation: 3, refusals: [], inForceGeneration: 3, programmed, partiallySupported: [] };
  const summary = (unmetLinks: ReturnType<typeof findUnmetLinks> | undefined, change: object = {}) =>
    pipelineConditions({ ...observed, unmetLinks, ...change }).map(
      ({ type, status, reason }) => `${type} ${status} ${reason}`,
    );

  it("are ready when linked, not when a link is unmet, and unknown before the registry was read", () => {
    assert.deepEqual(summary([]), [
      "Accepted True Accepted",
      "Programmed True Programmed",
      "Linked True Linked",
      "Ready True Ready",
    ]);
    const [, , linked, ready] = summary(findUnmetLinks(spec, new Map()));
    assert.equal(linked, "Linked False ComponentNotRegistered");
    assert.equal(ready, "Ready False ComponentNotRegistered");
    assert.deepEqual(summary(undefined).slice(2), ["Linked Unknown RegistryNotRead", "Ready Unknown RegistryNotRead"]);
  });

  it("say nothing of links before the object is accepted", () => {
    const refusals = [{ reason: "Invalid", message: "wrong" }];
    assert.equal(summary([], { refusals })[2], "Linked Unknown NotAccepted");
  });
});
