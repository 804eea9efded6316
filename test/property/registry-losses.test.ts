// When components are lost, whenever they die: on time, and never too many at once.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { GUARD_MIN_LOSSES, GUARD_SHARE } from "../../core/registry/limits.ts";
import { Driven, registration, START_MS, TTL_MS } from "../core/registry/drive.ts";

describe("properties of losses", () => {
  it("never loses more than the guard's share within one time to live without evidence", () => {
    const size = fc.integer({ min: 1, max: 60 });
    const deaths = fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(size, deaths, (count, diesAtMs) => {
        const ids = Array.from({ length: count }, (_, index) => `p${index}`);
        const registry = new Driven().register(...ids);
        registry.pass(150_000, (sinceMs) => {
          if (sinceMs % 10_000 === 0) registry.beat(...ids.filter((_, index) => sinceMs < (diesAtMs[index] ?? 0)));
        });
        const losses = registry.notices.filter(
          (notice) => notice.kind === "livenessChanged" && notice.component.liveness === "lost",
        );
        for (const { atMs: endMs } of losses) {
          const inWindow = losses.filter(({ atMs: lostMs }) => lostMs > endMs - TTL_MS && lostMs <= endMs).length;
          const before = losses.filter(({ atMs: lostMs }) => lostMs <= endMs - TTL_MS).length;
          const bound = Math.max(GUARD_MIN_LOSSES, Math.floor((count - before) * GUARD_SHARE));
          assert.ok(
            inWindow <= bound,
            `${inWindow} of ${count - before} are lost within ${TTL_MS} ms; at most ${bound} may be`,
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  it("loses what is dead within its time to live and a tick, when nothing speaks against it", () => {
    const deathMs = fc.integer({ min: 0, max: 60_000 });
    const ttlMs = fc.integer({ min: 1_000, max: 120_000 });
    fc.assert(
      fc.property(deathMs, ttlMs, (diesAtMs, ttl) => {
        const registry = new Driven();
        registry.do({ kind: "registered", registration: registration("p", { ttlMs: ttl }) });
        let lastMs = START_MS;
        registry.pass(diesAtMs + ttl + 2_000, (sinceMs) => {
          if (sinceMs < diesAtMs && sinceMs % 500 === 0) {
            registry.beat("p");
            lastMs = registry.nowMs;
          }
        });
        const lost = registry.notices.find(
          (notice) => notice.kind === "livenessChanged" && notice.component.liveness === "lost",
        );
        assert.ok(lost !== undefined, "it is never lost");
        const afterMs = lost.atMs - lastMs;
        assert.ok(afterMs >= ttl && afterMs <= ttl + 1_000, `lost after ${afterMs} ms of ${ttl}`);
      }),
      { numRuns: 200 },
    );
  });
});
