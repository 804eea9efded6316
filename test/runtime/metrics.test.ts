// Metrics as a scraper sees them: every series from the start, values as counted, label sets bounded.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { createMetrics } from "../../runtime/metrics.ts";

function sample(text: string, series: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  assert.ok(line !== undefined, `${series} is not in\n${text}`);
  return Number(line.slice(series.length + 1));
}

describe("metrics", () => {
  it("has every series at zero before the first event", async () => {
    const metrics = createMetrics();
    const labels = { kind: ["decide", "result"], code: ["A", "B", "C"] } as const;
    metrics.counter({ name: "router_x_total", help: "x", labels });
    metrics.gauge({ name: "router_y", help: "y" });
    metrics.histogram({ name: "router_z_seconds", help: "z", labels: { kind: ["decide"] }, buckets: [0.1, 1] });
    const text = await metrics.text();
    for (const kind of labels.kind) {
      for (const code of labels.code) assert.equal(sample(text, `router_x_total{kind="${kind}",code="${code}"}`), 0);
    }
    assert.equal(sample(text, "router_y"), 0);
    assert.equal(sample(text, 'router_z_seconds_bucket{kind="decide",le="+Inf"}'), 0);
    assert.equal(sample(text, 'router_z_seconds_count{kind="decide"}'), 0);
    assert.equal(metrics.contentType, "text/plain; version=0.0.4; charset=utf-8");
  });

  it("counts by slot, and tells the same again at the next scrape", async () => {
    const metrics = createMetrics();
    const counter = metrics.counter({ name: "a_total", help: "a", labels: { kind: ["x", "y"] } });
    const gauge = metrics.gauge({ name: "b", help: "b" });
    let read = 7;
    metrics.gaugeFrom({ name: "c", help: "c" }, () => read);
    counter.inc(counter.slot({ kind: "y" }));
    counter.inc(counter.slot({ kind: "y" }), 2);
    gauge.set(gauge.slot({}), 5);
    gauge.add(gauge.slot({}), -1);
    for (const want of [7, 8]) {
      read = want;
      const text = await metrics.text();
      assert.deepEqual([sample(text, 'a_total{kind="x"}'), sample(text, 'a_total{kind="y"}')], [0, 3]);
      assert.deepEqual([sample(text, "b"), sample(text, "c")], [4, want]);
    }
  });

  it("puts an observation into every bucket that it fits", async () => {
    const metrics = createMetrics();
    const histogram = metrics.histogram({ name: "d_seconds", help: "d", labels: { k: ["v", "w"] }, buckets: [0.1, 1] });
    const slot = histogram.slot({ k: "w" });
    for (const value of [0.05, 0.1, 0.5, 2]) histogram.observe(slot, value);
    const text = await metrics.text();
    const buckets = ["0.1", "1", "+Inf"].map((le) => sample(text, `d_seconds_bucket{k="w",le="${le}"}`));
    assert.deepEqual(buckets, [2, 3, 4]);
    assert.equal(sample(text, 'd_seconds_sum{k="w"}'), 2.65);
    assert.deepEqual([histogram.count(slot), sample(text, 'd_seconds_count{k="v"}')], [4, 0]);
  });

  it("bounds open labels: what comes after the limit is counted together", async () => {
    const metrics = createMetrics();
    const counter = metrics.counter({
      name: "e_total",
      help: "e",
      labels: { tenant: { atMost: 2 }, kind: ["x", "y"] },
    });
    for (const tenant of ["a", "b", "c", "d", "a"]) counter.inc(counter.slot({ tenant, kind: "y" }));
    const text = await metrics.text();
    const counts = ["a", "b", "_other"].map((tenant) => sample(text, `e_total{tenant="${tenant}",kind="y"}`));
    assert.deepEqual(counts, [2, 1, 2]);
    assert.doesNotMatch(text, /tenant="c"/);
  });

  it("refuses what is a mistake of the programmer", () => {
    const metrics = createMetrics();
    const counter = metrics.counter({ name: "f_total", help: "f", labels: { kind: ["x"] } });
    assert.throws(() => counter.slot({ kind: "y" }), /kind has no value "y"/);
    assert.throws(() => metrics.counter({ name: "f_total", help: "f" }), /already been registered/);
    const many = { a: { atMost: 200 }, b: { atMost: 200 } };
    assert.throws(() => metrics.counter({ name: "g_total", help: "g", labels: many }), /declares 40401 series/);
  });
});
