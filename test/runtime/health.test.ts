// The health pages over real HTTP.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { BeamlineError } from "../../runtime/errors.ts";
import { type Check, type HealthServer, startHealthServer } from "../../runtime/health.ts";
import { createMetrics } from "../../runtime/metrics.ts";

const HOST = "127.0.0.1";

describe("health", () => {
  const metrics = createMetrics();
  let ready: Check[] = [];
  let server: HealthServer;

  before(async () => {
    metrics.counter({ name: "seen_total", help: "seen" });
    server = await startHealthServer({
      host: HOST,
      port: 0,
      metrics,
      live: () => [],
      ready: () => ready,
      extra: {
        "/health": () => ({ status: 200, contentType: "text/plain", body: "extra" }),
        "/broken": () => Promise.reject(new Error("no data")),
      },
    });
  });

  after(() => server.stop());

  const page = (path: string, method = "GET") => fetch(`http://${HOST}:${server.port}${path}`, { method });

  it("answers alive, and ready only when every check holds", async () => {
    assert.equal((await page("/livez")).status, 200);
    assert.equal((await page("/readyz")).status, 200);
    ready = [
      { name: "nats", ok: true },
      { name: "configuration", ok: false, detail: "no head applied" },
    ];
    const answer = await page("/readyz");
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), { status: "failing", failing: ["configuration"], checks: ready });
  });

  it("shows the metrics in the text format", async () => {
    const answer = await page("/metrics?x=1");
    assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.match(await answer.text(), /^seen_total 0$/m);
  });

  it("answers further pages, and says what is wrong with other requests", async () => {
    assert.equal(await (await page("/health")).text(), "extra");
    assert.equal((await page("/nothing")).status, 404);
    assert.equal((await page("/livez", "POST")).status, 405);
    const broken = await page("/broken");
    assert.deepEqual([broken.status, await broken.json()], [500, { error: "no data" }]);
  });

  it("says that its port is in use", async () => {
    const second = startHealthServer({ host: HOST, port: server.port, metrics, live: () => [], ready: () => [] });
    await assert.rejects(second, (error: BeamlineError) => {
      assert.equal(error.code, "PORT_IN_USE");
      assert.match(error.message, new RegExp(`${HOST}:${server.port} is in use`));
      return true;
    });
  });
});
