// What happens to one component: registered, heard, late, lost, back, taken over, unregistered, forgotten.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isCandidate } from "../../../core/registry/component.ts";
import { beat, Driven, registration, START_MS, TTL_MS } from "./drive.ts";

const name = (id: string) => ({ kind: "processor", id }) as const;
const report = (text: "UNHEALTHY" | "STOPPING" | "HEALTHY") => ({ status: text, text, metrics: new Map() });

describe("registry: one component", () => {
  it("begins STARTING and live, and says what it reports from the first heartbeat on", () => {
    const registry = new Driven().register("p");
    assert.deepEqual([registry.liveness("p"), registry.component("p")?.reported.text], ["live", "STARTING"]);
    registry.beat("p");
    assert.equal(registry.component("p")?.reported.status, "HEALTHY");
    assert.deepEqual(registry.kinds(), ["registered", "statusChanged"]);
    for (const text of ["STOPPING", "HEALTHY"] as const)
      registry.do({ kind: "beat", beats: [beat("p", { report: report(text) })] });
    assert.equal(
      registry.component("p")?.reported.status,
      "HEALTHY",
      "the last one counts, within one millisecond as well",
    );
  });

  it("is late after half of its time to live, lost after all of it, and live again by one heartbeat", () => {
    const registry = new Driven().register("p");
    const seen: string[] = [];
    registry.pass(TTL_MS + 1_000, (sinceMs) => seen.push(`${sinceMs} ${registry.liveness("p")}`));
    assert.ok(seen.includes("15000 live") && seen.includes("15500 late") && seen.includes("30000 late"));
    assert.ok(seen.includes("30500 lost"), seen.slice(-4).join());
    registry.beat("p");
    assert.equal(registry.liveness("p"), "live");
    const turns = registry.notices.filter((notice) => notice.kind === "livenessChanged");
    assert.deepEqual(
      turns.map((notice) => notice.component.liveness),
      ["late", "lost", "live"],
    );
  });

  it("keeps liveness and reported status apart: an UNHEALTHY component is live, and no candidate", () => {
    const registry = new Driven().register("p");
    for (const [text, candidate] of [
      ["UNHEALTHY", false],
      ["STOPPING", false],
      ["HEALTHY", true],
    ] as const) {
      registry.nowMs += 1_000;
      registry.do({ kind: "beat", beats: [beat("p", { report: report(text) })] });
      const component = registry.component("p");
      assert.ok(component !== undefined);
      assert.deepEqual(
        [component.liveness, component.reported.status, isCandidate(component)],
        ["live", text, candidate],
      );
    }
  });

  it("replaces metrics: one that is not reported any more is gone", () => {
    const registry = new Driven().register("p");
    const withMetrics = (metrics: ReadonlyMap<string, number>) =>
      beat("p", { report: { ...report("HEALTHY"), metrics } });
    registry.do({
      kind: "beat",
      beats: [
        withMetrics(
          new Map([
            ["a", 1],
            ["b", 2],
          ]),
        ),
      ],
    });
    registry.nowMs += 1;
    registry.do({ kind: "beat", beats: [withMetrics(new Map([["b", 3]]))] });
    assert.deepEqual([...(registry.component("p")?.reported.metrics ?? [])], [["b", 3]]);
  });

  it("refuses a heartbeat of an unknown id, so that the client registers again", () => {
    const registry = new Driven().beat("p");
    assert.deepEqual(registry.refusals, [{ name: name("p"), reason: "unknown" }]);
  });

  it("has an id apart for each kind", () => {
    const registry = new Driven().register("p");
    registry.do({ kind: "beat", beats: [{ ...beat("p"), kind: "source" }] });
    assert.deepEqual(registry.refusals, [{ name: { kind: "source", id: "p" }, reason: "unknown" }]);
  });

  it("gives the id to the last instance, tells whom it fenced, and refuses that one's heartbeats", () => {
    const registry = new Driven().register("p");
    registry.nowMs += 10;
    registry.do({ kind: "registered", registration: registration("p", { instance: "p-2" }) });
    const last = registry.notices.at(-1);
    assert.ok(last?.kind === "takenOver");
    assert.deepEqual([last.fencedInstance, last.component.registration.instance], ["p-1", "p-2"]);
    registry.do({ kind: "beat", beats: [beat("p", { instance: "p-1" })] });
    registry.do({ kind: "unregistered", name: name("p"), instance: "p-1" });
    assert.deepEqual(
      registry.refusals.map(({ reason }) => reason),
      ["fenced", "fenced"],
    );
    assert.equal(registry.component("p")?.registration.instance, "p-2");
  });

  it("orders take-overs within one millisecond, and by a clock that goes back", () => {
    const registry = new Driven().register("p");
    const first = registry.component("p")?.registration.seq ?? 0;
    registry.do({ kind: "registered", registration: registration("p", { instance: "p-2" }) });
    registry.nowMs -= 5_000;
    registry.do({ kind: "registered", registration: registration("p", { instance: "p-0" }) });
    const after = registry.component("p")?.registration;
    assert.equal(after?.instance, "p-0");
    assert.ok((after?.seq ?? 0) > first + 1);
  });

  it("takes the same instance again as a sign of life, and what it changed as an update", () => {
    const registry = new Driven().register("p");
    registry.nowMs += 1_000;
    registry.register("p");
    assert.deepEqual(registry.kinds(), ["registered"]);
    assert.equal(registry.component("p")?.lastSeenMs, START_MS + 1_000);
    registry.do({ kind: "registered", registration: registration("p", { endpoint: "other.test:1" }) });
    assert.deepEqual(registry.kinds(), ["registered", "updated"]);
    assert.equal(registry.component("p")?.registration.registeredAtMs, START_MS);
  });

  it("keeps what a component answered about itself when it registers again", () => {
    const registry = new Driven().register("p");
    const capabilities = { inputEventTypes: ["x"], outputEventTypes: [], source: "capabilities" } as const;
    registry.do({ kind: "capabilitiesRead", name: name("p"), instance: "p-1", capabilities });
    registry.register("p");
    assert.deepEqual(registry.component("p")?.registration.capabilities, capabilities);
    assert.deepEqual(registry.kinds(), ["registered", "updated"]);
  });

  it("remembers what was unregistered: late word of it does not bring it back", () => {
    const registry = new Driven().register("p");
    const component = registry.component("p");
    assert.ok(component !== undefined);
    registry.do({ kind: "unregistered", name: name("p") });
    const { registration: former, lastSeenMs } = component;
    registry.do({ kind: "registrationSeen", shared: { registration: former, seenAtMs: lastSeenMs } });
    assert.deepEqual([registry.liveness("p"), registry.kinds().at(-1)], ["absent", "removed"]);
    registry.register("p");
    assert.equal(registry.liveness("p"), "live");
    registry.do({ kind: "removalSeen", name: name("p"), seq: former.seq });
    assert.equal(registry.liveness("p"), "live");
  });

  it("forgets a lost component after ten times to live, and not the id of who comes after", () => {
    const registry = new Driven().register("p").pass(TTL_MS + 1_000);
    assert.equal(registry.liveness("p"), "lost");
    registry.pass(10 * TTL_MS);
    assert.equal(registry.liveness("p"), "absent");
    assert.deepEqual(registry.state.counts, { live: 0, late: 0, lost: 0, held: 0 });
    registry.register("p", "q");
    assert.deepEqual([registry.component("p")?.slot, registry.component("q")?.slot], [0, 1]);
  });

  it("refuses one component too many, and takes it when there is space", () => {
    const registry = new Driven({ maxComponents: 2 }).register("a", "b", "c");
    assert.deepEqual(registry.refusals, [{ name: name("c"), reason: "full" }]);
    registry.do({ kind: "unregistered", name: name("a") });
    assert.equal(registry.register("c").liveness("c"), "live");
  });

  it("has a time to live for each component", () => {
    const registry = new Driven();
    registry.do({ kind: "registered", registration: registration("short", { ttlMs: 2_000 }) });
    registry.do({ kind: "registered", registration: registration("long", { metadata: { heartbeat_ttl: "5m" } }) });
    registry.pass(3_000);
    assert.deepEqual([registry.liveness("short"), registry.liveness("long")], ["lost", "live"]);
    registry.pass(140_000);
    assert.equal(registry.liveness("long"), "live");
    registry.pass(10_000);
    assert.equal(registry.liveness("long"), "late");
  });

  it("acknowledges configuration only forward", () => {
    const registry = new Driven().register("p");
    for (const revision of [3, 2, 3])
      registry.do({ kind: "beat", beats: [beat("p", { configurationRevision: revision })] });
    assert.equal(registry.component("p")?.configurationRevision, 3);
    assert.equal(registry.kinds().filter((kind) => kind === "configurationAcknowledged").length, 1);
  });

  it("gives everybody a whole time to live after it did not run itself", () => {
    const registry = new Driven().register("a", "b").pass(5_000);
    registry.nowMs += 40_000;
    registry.do({ kind: "tick" });
    assert.deepEqual([registry.liveness("a"), registry.kinds().at(-1)], ["late", "livenessChanged"]);
    assert.ok(registry.kinds().includes("hearing"));
    registry.pass(TTL_MS - 1_000);
    assert.equal(registry.liveness("a"), "late");
  });
});
