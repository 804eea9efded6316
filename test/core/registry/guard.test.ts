// The expiry guard and what counts as evidence.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { PeerReport } from "../../../core/registry/event.ts";
import { guardCounts } from "../../../core/registry/guard.ts";
import { buildPeerReport } from "../../../core/registry/peer-report.ts";
import { Driven, START_MS, TTL_MS } from "./drive.ts";

const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `p${index}`);

function countLost(registry: Driven): number {
  return registry.state.counts.lost;
}

/** Beats every 10 s from these. */
function beating(registry: Driven, alive: readonly string[]): (sinceMs: number) => void {
  return (sinceMs) => {
    if (sinceMs % 10_000 === 0) registry.beat(...alive);
  };
}

/** The bus: own reports come back, and those of peers that hear nothing of anybody. */
function onBus(registry: Driven, peers: readonly string[]): void {
  const own = buildPeerReport(registry.state, [], registry.nowMs);
  for (const report of [own, ...peers.map((replica): PeerReport => ({ ...own, replica, silent: [] }))])
    registry.do({ kind: "peerBeats", report });
}

describe("registry: expiry guard", () => {
  it("trips when half of the components fall silent at once, says so, and keeps them late", () => {
    const all = ids(100);
    const registry = new Driven().register(...all);
    registry.pass(TTL_MS + 5_000, beating(registry, all.slice(50)));
    assert.deepEqual([countLost(registry), registry.state.counts.held], [15, 35]);
    const tripped = registry.notices.filter((notice) => notice.kind === "guardTripped");
    assert.equal(tripped.length, 1);
    assert.deepEqual(tripped[0]?.counts, { held: 35, lostInWindow: 15, allowed: 0, alive: 85 });
  });

  it("lets them go share by share, and says when nobody is kept any more", () => {
    const all = ids(100);
    const registry = new Driven().register(...all);
    registry.pass(TTL_MS * 6, beating(registry, all.slice(50)));
    assert.deepEqual([countLost(registry), registry.state.counts.held], [50, 0]);
    assert.equal(registry.kinds().filter((kind) => kind === "guardReleased").length, 1);
  });

  it("does not trip when components die one by one", () => {
    const all = ids(100);
    const registry = new Driven().register(...all);
    registry.pass(400_000, (sinceMs) => {
      if (sinceMs % 10_000 === 0) registry.beat(...all.slice(Math.floor(sinceMs / 10_000)));
    });
    const losses = registry.notices.filter(
      (notice) => notice.kind === "livenessChanged" && notice.component.liveness === "lost",
    );
    assert.ok(losses.length >= 35, `${losses.length} were lost`);
    assert.ok(!registry.kinds().includes("guardTripped"));
  });

  it("keeps nobody any more whose time is not over, because this process was away meanwhile", () => {
    const registry = new Driven().register(...ids(20)).pass(TTL_MS + 2_000);
    assert.equal(registry.state.counts.held, 17);
    registry.do({ kind: "selfResumed", gapMs: 5_000 });
    registry.pass(2_000);
    assert.deepEqual([registry.state.counts.held, registry.state.guardTripped], [0, false]);
    assert.deepEqual(buildPeerReport(registry.state, [], registry.nowMs).silent.length, 3);
  });

  it("lets go when they beat again", () => {
    const all = ids(20);
    const registry = new Driven().register(...all).pass(TTL_MS + 2_000);
    assert.ok(registry.state.guardTripped);
    registry.beat(...all);
    assert.deepEqual(registry.state.counts, { live: 20, late: 0, lost: 0, held: 0 });
    assert.equal(registry.kinds().at(-1), "guardReleased");
  });

  it("lets go at once when it is shown that clients reach this process, and only by what is shown after their time", () => {
    const all = ids(20);
    const registry = new Driven().register(...all).pass(TTL_MS - 1_000);
    registry.do({ kind: "connectivityProven" });
    registry.pass(3_000);
    assert.equal(countLost(registry), 3);
    registry.do({ kind: "connectivityProven" });
    registry.pass(1_500);
    assert.equal(countLost(registry), 20);
  });

  it("lets go when most of the replicas heard nothing either", () => {
    const all = ids(20);
    const registry = new Driven({ replicas: 3 }).register(...all);
    registry.pass(TTL_MS + 3_000, () => onBus(registry, ["b", "c"]));
    assert.deepEqual([countLost(registry), registry.state.counts.held], [3, 17]);
    const { silent } = buildPeerReport(registry.state, [], registry.nowMs);
    assert.equal(silent.length, 20);
    const agreement = { replica: "b", sentAtMs: registry.nowMs, beats: [], silent };
    registry.do({ kind: "peerBeats", report: agreement });
    assert.equal(countLost(registry), 20);
  });

  it("does not count a claim of less than a time to live, of another instance, or made before a time to live was over", () => {
    const registry = new Driven({ replicas: 3 }).register(...ids(20));
    registry.pass(TTL_MS + 3_000, () => onBus(registry, ["b", "c"]));
    const lostBefore = countLost(registry);
    const { silent } = buildPeerReport(registry.state, [], registry.nowMs);
    const sentAtMs = registry.nowMs;
    const claims = [
      { sentAtMs, silent: silent.map((one) => ({ ...one, sinceMs: sentAtMs - TTL_MS + 1 })) },
      { sentAtMs, silent: silent.map((one) => ({ ...one, instance: "another" })) },
      { sentAtMs: START_MS + TTL_MS - 1, silent: silent.map((one) => ({ ...one, sinceMs: one.sinceMs - TTL_MS })) },
    ];
    for (const wrong of claims) registry.do({ kind: "peerBeats", report: { replica: "b", beats: [], ...wrong } });
    assert.equal(countLost(registry), lostBefore);
  });

  it("loses nobody while it does not hear the other replicas, and gives everybody a time to live after", () => {
    const registry = new Driven({ replicas: 3 }).register(...ids(10));
    registry.pass(TTL_MS * 3);
    assert.deepEqual([countLost(registry), registry.kinds().includes("deaf")], [0, true]);
    registry.pass(TTL_MS - 2_000, () => onBus(registry, ["b"]));
    assert.deepEqual([countLost(registry), registry.kinds().includes("hearing")], [0, true]);
    registry.pass(3_000, () => onBus(registry, ["b"]));
    assert.equal(countLost(registry), 1);
  });

  it("is deaf from when its connection says so until it hears itself again", () => {
    const registry = new Driven({ replicas: 2 }).register("p");
    registry.do({ kind: "storeLost" });
    assert.equal(registry.kinds().at(-1), "deaf");
    registry.do({ kind: "storeBack" });
    assert.equal(registry.kinds().at(-1), "hearing");
  });

  it("counts a window that is never shorter than a time to live", () => {
    const all = ids(100);
    const registry = new Driven().register(...all).pass(TTL_MS + 500);
    assert.deepEqual(guardCounts(registry.state).lostInWindow, 15);
    registry.pass(TTL_MS - 500);
    assert.equal(countLost(registry), 15);
  });
});
