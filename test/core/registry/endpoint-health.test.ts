// What a component's endpoint answers, beside what the component reports and whether it lives.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type EndpointHealth, isCandidate } from "../../../core/registry/component.ts";
import { verdictChanges } from "../../../core/registry/verdicts.ts";
import { Driven, registration } from "./drive.ts";

function probe(registry: Driven, health: EndpointHealth, instance = "p-1"): void {
  registry.nowMs += 1_000;
  registry.do({ kind: "endpointProbed", name: { kind: "processor", id: "p" }, instance, health });
}

function judge(registry: Driven): readonly unknown[] {
  const component = registry.component("p");
  assert.ok(component !== undefined);
  return [component.endpointHealth, component.liveness, component.reported.status, isCandidate(component)];
}

describe("registry: health of endpoints", () => {
  it("takes a component whose endpoint does not serve from the candidates, and nothing else", () => {
    const registry = new Driven().register("p").beat("p");
    probe(registry, "notServing");
    assert.deepEqual(judge(registry), ["notServing", "live", "HEALTHY", false]);
    registry.beat("p");
    assert.deepEqual(judge(registry), ["notServing", "live", "HEALTHY", false]);
    probe(registry, "serving");
    assert.deepEqual(judge(registry), ["serving", "live", "HEALTHY", true]);
  });

  it("tells each change once, with the verdict that routers need", () => {
    const registry = new Driven().register("p");
    for (const health of ["serving", "serving", "notServing", "notServing", "unknown"] as const)
      probe(registry, health);
    const changes = registry.notices.filter(({ kind }) => kind === "endpointHealthChanged");
    assert.deepEqual(
      verdictChanges(changes.slice(0, 2)).map(({ verdict }) => verdict?.isCandidate),
      [false],
    );
    assert.deepEqual(
      changes.map(
        (notice) => notice.kind === "endpointHealthChanged" && [notice.previous, notice.component.endpointHealth],
      ),
      [
        ["unknown", "serving"],
        ["serving", "notServing"],
        ["notServing", "unknown"],
      ],
    );
  });

  it("is no sign of life", () => {
    const registry = new Driven().register("p");
    const { lastSeenMs } = registry.component("p") ?? {};
    probe(registry, "serving");
    assert.equal(registry.component("p")?.lastSeenMs, lastSeenMs);
  });

  it("is that of one instance at one endpoint", () => {
    const registry = new Driven().register("p");
    probe(registry, "notServing");
    registry.do({ kind: "registered", registration: registration("p") });
    assert.equal(registry.component("p")?.endpointHealth, "notServing");
    registry.do({ kind: "registered", registration: registration("p", { endpoint: "other.test:9000" }) });
    assert.equal(registry.component("p")?.endpointHealth, "unknown");
    probe(registry, "notServing");
    registry.do({ kind: "registered", registration: registration("p", { instance: "p-2" }) });
    assert.equal(registry.component("p")?.endpointHealth, "unknown");
    probe(registry, "notServing", "p-1");
    assert.equal(registry.component("p")?.endpointHealth, "unknown");
    assert.equal(registry.refusals.at(-1)?.reason, "fenced");
  });
});
