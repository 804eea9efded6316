// What depends on time but reads no clock: when an event is due, and when a lease may be taken.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { EVENT_BURST, EVENT_REFILL_MS, type EventKey, EventSeries } from "../../kubernetes/event-series.ts";
import { cutToBytes } from "../../kubernetes/events.ts";
import {
  checkLeaseTiming,
  heldLease,
  judgeLease,
  LEASE_TIMING,
  type Lease,
  observeLease,
  releasedLease,
} from "../../kubernetes/lease-record.ts";
import { formatMicroTime } from "../../kubernetes/micro-time.ts";

describe("event series", () => {
  const key: EventKey = { namespace: "n", object: "uid", type: "Normal", reason: "Programmed", action: "Publish" };

  it("never spend more of one object than its budget, and count what they hold", () => {
    const reasons = fc.array(fc.tuple(fc.constantFrom("A", "B", "C", "D"), fc.integer({ min: 0, max: 1_000_000 })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(reasons, (script) => {
        const series = new EventSeries();
        let nowMs = 0;
        let created = 0;
        for (const [reason, afterMs] of script) {
          nowMs += afterMs;
          const plan = series.record({ ...key, reason }, nowMs);
          if (plan.action === "Create") {
            created++;
            series.created({ ...key, reason }, `event-${created}`);
          }
        }
        assert.ok(created <= EVENT_BURST + nowMs / EVENT_REFILL_MS);
      }),
      { numRuns: 50 },
    );
  });

  it("show the second at once, the rest in five minutes, and end after six of silence", () => {
    const series = new EventSeries();
    assert.equal(series.record(key, 0).action, "Create");
    assert.equal(series.record(key, 1).action, "Hold", "it has no name yet");
    series.created(key, "e");
    assert.deepEqual(series.record(key, 2), { action: "Update", name: "e", count: 3, lastMs: 2 });
    assert.deepEqual(series.record(key, 3), { action: "Hold", dropped: false });
    assert.deepEqual(series.due(299_999), []);
    assert.deepEqual(series.due(300_002), [{ key, plan: { action: "Update", name: "e", count: 4, lastMs: 3 } }]);
    assert.deepEqual(series.due(300_003), []);
    assert.equal(series.record(key, 360_004).action, "Create");
  });

  it("cut notes at characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 4, max: 40 }), (text, limit) => {
        const cut = cutToBytes(text, limit);
        assert.ok(Buffer.byteLength(cut) <= limit && text.startsWith(cut));
      }),
    );
  });
});

describe("leases", () => {
  const lease = (holder: string, renewTime: string): Lease => ({
    metadata: { name: "l", uid: "u" },
    spec: { holderIdentity: holder, leaseDurationSeconds: 15, renewTime },
  });

  it("are taken only after their holder was silent for their duration on our own clock, whatever times they hold", () => {
    const times = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 20_000 })), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(times, (script) => {
        let nowMs = 0;
        let renewals = 0;
        let changedAtMs = 0;
        let observed = observeLease(undefined, lease("them", "0"), nowMs);
        for (const [renewed, afterMs] of script) {
          nowMs += afterMs;
          if (renewed) changedAtMs = nowMs;
          renewals += Number(renewed);
          // Their clock runs backwards.
          observed = observeLease(observed, lease("them", String(-renewals)), nowMs);
          const verdict = judgeLease(observed, "us", LEASE_TIMING, nowMs);
          assert.equal(verdict.action === "Take", nowMs - changedAtMs >= 15_000);
        }
      }),
    );
  });

  it("are renewed by their holder and free once given back", () => {
    const held = heldLease(undefined, "us", LEASE_TIMING, 0);
    assert.deepEqual([held.holderIdentity, held.leaseDurationSeconds, held.leaseTransitions], ["us", 15, 0]);
    const observed = observeLease(undefined, { metadata: { name: "l" }, spec: held }, 0);
    assert.equal(judgeLease(observed, "us", LEASE_TIMING, 99_999_999).action, "Renew");
    const free = observeLease(observed, { metadata: { name: "l" }, spec: releasedLease(held, 5) }, 1);
    assert.equal(judgeLease(free, "other", LEASE_TIMING, 1).action, "Take");
    assert.equal(heldLease(free.lease.spec, "other", LEASE_TIMING, 9).leaseTransitions, 1);
    assert.equal(heldLease(held, "us", LEASE_TIMING, 9).acquireTime, held.acquireTime);
  });

  it("refuse a timing in which two could lead, and write six digits", () => {
    assert.equal(checkLeaseTiming(LEASE_TIMING), undefined);
    assert.match(
      checkLeaseTiming({ ...LEASE_TIMING, renewDeadlineMs: 15_000 }) ?? "",
      /longer than the renew deadline/,
    );
    assert.match(checkLeaseTiming({ ...LEASE_TIMING, retryPeriodMs: 9_000 }) ?? "", /1\.2 retry periods/);
    assert.equal(formatMicroTime(1), "1970-01-01T00:00:00.001000Z");
  });
});
