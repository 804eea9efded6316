// `beamline doctor`: what it finds of an operator's readiness page and of a real NATS, and what it says when one is away.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { type HealthServer, startHealthServer } from "../../runtime/health.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { startTestControlPlane } from "../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { freePort } from "../support/router-process.ts";
import { runCli } from "./run-cli.ts";

describe("cli doctor", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let health: HealthServer;
  let ready = true;
  let url: string;

  before(async function () {
    nats = await startTestNats({ context: this });
    health = await startHealthServer({
      host: "127.0.0.1",
      port: 0,
      metrics: createMetrics(),
      live: () => [],
      ready: () => [{ name: "nats", ok: ready, detail: "not connected" }],
    });
    url = `http://127.0.0.1:${health.port}/readyz`;
  });
  after(async () => {
    await health?.stop();
    await nats?.stop();
  });

  function doctor(...words: readonly string[]): ReturnType<typeof runCli> {
    return runCli(["doctor", ...words], { env: { BEAMLINE_NATS_URL: nats.url } });
  }

  it("finds both well", async () => {
    ready = true;
    const { stdout, exitCode } = await doctor("--url", url);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^operator +well +ready at http:/m);
    assert.match(stdout, /^nats +well +nats-server 2\.\d+\.\d+ at nats:.* lets us in without credentials$/m);
  });

  it("says what an operator that is not ready lacks", async () => {
    ready = false;
    const { stdout, exitCode } = await doctor("operator", "--url", url, "--output", "json");
    assert.equal(exitCode, 1);
    const [finding, ...more] = JSON.parse(stdout) as { part: string; ok: boolean; detail: string }[];
    assert.deepEqual([finding?.part, finding?.ok, more], ["operator", false, []]);
    assert.match(finding?.detail ?? "", /answers 503: .*not connected/);
  });

  it("says that nobody answers, and that credentials cannot be read", async () => {
    const closed = `http://127.0.0.1:${await freePort()}/readyz`;
    const away = await runCli(["doctor", "--url", closed], {
      env: { BEAMLINE_NATS_URL: nats.url, BEAMLINE_NATS_CREDENTIALS_FILE: "no-such.creds" },
    });
    assert.equal(away.exitCode, 1);
    assert.match(
      away.stdout,
      new RegExp(`^operator +unwell +no operator answers at ${closed}: connect ECONNREFUSED`, "m"),
    );
    assert.match(away.stdout, /^nats +unwell +.*no-such\.creds/m);
  });

  it("refuses a part that it does not know", async () => {
    const { exitCode, stderr } = await doctor("heart");
    assert.equal(exitCode, 64);
    assert.match(stderr, /there is no part named "heart": it must be one of operator, nats/);
  });

  it("asks the control plane that is named, and one that a running up has", async () => {
    ready = true;
    const controlPlane = await startTestControlPlane();
    const named = ["--url", url, "--address", controlPlane.address];
    const well = await doctor(...named);
    assert.equal(well.exitCode, 0, well.stdout);
    assert.match(well.stdout, /^control-plane +well +serves at 127\.0\.0\.1:\d+ \(from --address\)$/m);
    await controlPlane.stop();
    const away = await doctor(...named);
    assert.equal(away.exitCode, 1);
    assert.match(away.stdout, /^control-plane +unwell +control plane .* does not serve: UNAVAILABLE/m);
  });
});
