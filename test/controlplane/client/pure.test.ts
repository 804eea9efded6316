// The pure parts of the client library: waits, what a report may hold, what options can never work, slots of work.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { heartbeatDelayMs, retryDelayMs } from "../../../controlplane/client/backoff.ts";
import { connectControlPlane } from "../../../controlplane/client/connect.ts";
import type { ControlPlaneOptions } from "../../../controlplane/client/options.ts";
import { trimReport } from "../../../controlplane/client/report.ts";
import { WorkSlots } from "../../../controlplane/client/work-slots.ts";

describe("client library: waits", () => {
  it("beats every third of the time to live, 10 % more or less", () => {
    assert.deepEqual(
      [0, 0.5].map((random) => Math.round(heartbeatDelayMs(30_000, random))),
      [9_000, 10_000],
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 3_600_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (ttl, r) => {
          const delayMs = heartbeatDelayMs(ttl, r);
          assert.ok(delayMs >= (ttl / 3) * 0.9 - 1e-6 && delayMs <= (ttl / 3) * 1.1 + 1e-6);
        },
      ),
    );
  });

  it("waits a random share of 0.5 s, doubled up to 30 s, before it tries again", () => {
    const longest = Array.from({ length: 9 }, (_, attempt) => retryDelayMs(attempt, 1));
    assert.deepEqual(longest, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(retryDelayMs(5_000, 1), 30_000);
    assert.equal(retryDelayMs(3, 0), 0);
  });
});

describe("client library: a report", () => {
  it("leaves out what the control plane would refuse, and says so", () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, place) => [`m${place}`, place]));
    const { report, problems } = trimReport({
      status: "x".repeat(65),
      metrics: { "": 1, bad: Number.POSITIVE_INFINITY, ...many },
    });
    assert.equal(report.status, "UNKNOWN");
    assert.equal(Object.keys(report.metrics).length, 64);
    assert.equal(problems.length, 4);
  });

  it("goes through as it is when nothing is wrong", () => {
    const report = { status: "HEALTHY", metrics: { done: 1.5 } };
    assert.deepEqual(trimReport(report), { report, problems: [] });
  });
});

describe("client library: options", () => {
  const wrong: readonly [string, ControlPlaneOptions, RegExp][] = [
    ["no address", { addresses: [] }, /addresses has 0 entries; there must be 1 to 16/],
    ["an address without a port", { addresses: ["host"] }, /addresses has "host"; each must be host:port/],
    ["a certificate without its key", { addresses: ["h:1"], tls: { certFile: "c" } }, /given together/],
    ["a token in plaintext", { addresses: ["127.0.0.1:1", "cp.example:1"], token: "t" }, /would go to cp.example:1/],
    ["an authority that is not there", { addresses: ["h:1"], tls: { caFile: "nowhere.pem" } }, /nowhere.pem/],
  ];
  for (const [name, options, message] of wrong) {
    it(`refuse ${name}`, () => {
      assert.throws(() => connectControlPlane(options), message);
    });
  }

  it("refuse a time to live out of its bounds", () => {
    const controlPlane = connectControlPlane({ addresses: ["127.0.0.1:1"] });
    assert.throws(() => controlPlane.registerSource({ ttlMs: 10 }), /ttlMs is 10; it must be/);
    controlPlane.close();
  });
});

describe("client library: slots of work", () => {
  it("are given in order, and refused beyond the bound", async () => {
    const slots = new WorkSlots({ maxConcurrent: 1, maxWaiting: 2 });
    const { signal } = new AbortController();
    const leaving = new AbortController();
    assert.equal(await slots.take(signal), true);
    const second = slots.take(leaving.signal);
    const third = slots.take(signal);
    assert.equal(await slots.take(signal), false);
    leaving.abort();
    assert.equal(await second, false);
    slots.release();
    assert.equal(await third, true);
    slots.release();
    assert.equal(await slots.take(signal), true);
  });
});
