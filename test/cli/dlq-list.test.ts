// `beamline dlq list` on a real stream of dead letters.
import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { runCli } from "./run-cli.ts";

const SUBJECT = "beamline.router.v1.intake.dlq";
const LETTERS = 1_200;

function record(index: number): Record<string, unknown> {
  const reason = index % 3 === 0 ? "missing_tenant_id" : "unknown_version";
  return {
    original_subject: "beamline.router.v1.submit.demo",
    original_payload: { index },
    validation_error: {
      code: reason,
      message: `number ${index}`,
      field: "message.tenant_id",
      intake_error_code: "SCHEMA_VALIDATION_FAILED",
    },
    context: { subject: SUBJECT, tenant_id: index % 2 === 0 ? "demo" : "other" },
  };
}

describe("cli dlq list", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let nc: NatsConnection;

  before(async function () {
    nats = await startTestNats({ context: this });
    nc = await connect({ servers: nats.url });
  });
  after(async () => {
    await nc?.close();
    await nats?.stop();
  });

  async function list(...args: readonly string[]) {
    const run = await runCli(["dlq", "list", "--nats-url", nats.url, "--output", "json", ...args]);
    assert.equal(run.exitCode, 0, run.stderr);
    return JSON.parse(run.stdout) as {
      letters: { sequence: number; reason: string; tenant: string; message: string }[];
      more: boolean;
    };
  }

  it("says that nothing was set up on a server without the stream", async () => {
    const run = await runCli(["dlq", "list", "--nats-url", nats.url]);
    assert.equal(run.exitCode, 69);
    assert.match(
      run.stderr,
      /^STREAM_MISSING: there is no stream BEAMLINE_DLQ on this server\n {2}The operator makes it/,
    );
  });

  it("shows an empty stream as such", async () => {
    const manager = await jetstreamManager(nc);
    await manager.streams.add({ name: "BEAMLINE_DLQ", subjects: [SUBJECT], allow_direct: true });
    assert.deepEqual(await list(), { letters: [], more: false });
    assert.equal((await runCli(["dlq", "list", "--nats-url", nats.url])).stderr, "no dead letters\n");
  });

  it("shows the newest, oldest first, and says that there are more", async () => {
    const js = jetstream(nc);
    for (let index = 0; index < LETTERS; index++) nc.publish(SUBJECT, JSON.stringify(record(index)));
    await nc.flush();
    const manager = await js.jetstreamManager();
    await eventually(async () => (await manager.streams.info("BEAMLINE_DLQ")).state.messages === LETTERS, {
      deadlineMs: 10_000,
      describe: "all letters stored",
    });
    const { letters, more } = await list("--limit", "3");
    assert.deepEqual(
      letters.map(({ message }) => message),
      ["number 1197", "number 1198", "number 1199"],
    );
    assert.equal(more, true);
    const all = await list("--limit", "5000");
    assert.deepEqual(
      all.letters.map(({ sequence }) => sequence),
      Array.from({ length: LETTERS }, (_, index) => index + 1),
    );
    assert.equal(all.more, false);
  });

  it("filters by reason, intake error code, tenant and age", async () => {
    const byReason = await list("--reason", "missing_tenant_id", "--limit", "2");
    assert.deepEqual(
      byReason.letters.map(({ message }) => message),
      ["number 1194", "number 1197"],
    );
    const byCode = await list("--reason", "SCHEMA_VALIDATION_FAILED", "--limit", "1");
    assert.equal(byCode.letters[0]?.message, "number 1199");
    const byTenant = await list("--tenant", "demo", "--limit", "2");
    assert.deepEqual(
      byTenant.letters.map(({ message }) => message),
      ["number 1196", "number 1198"],
    );
    assert.deepEqual((await list("--tenant", "nobody")).letters, []);
    assert.equal((await list("--since", "1h", "--limit", "5000")).letters.length, LETTERS);
    assert.deepEqual((await list("--since", "0ms")).letters, []);
  });

  it("prints time, reason, tenant, field and subject in columns", async () => {
    const { stdout } = await runCli(["dlq", "list", "--nats-url", nats.url, "--limit", "1"]);
    const [heading, row] = stdout.split("\n");
    assert.match(heading ?? "", /^TIME +REASON +TENANT +FIELD +SUBJECT$/);
    assert.match(
      row ?? "",
      /^\d{4}-\d\d-\d\dT\S+Z +unknown_version +other +message\.tenant_id +beamline\.router\.v1\.submit\.demo$/,
    );
  });

  it("shows what is no dead letter record as unreadable", async () => {
    await jetstream(nc).publish(SUBJECT, "no json");
    const { letters } = await list("--limit", "1");
    assert.equal(letters[0]?.reason, "unreadable");
  });

  it("says that no server answers, where the address came from, and what to do", async () => {
    const run = await runCli(["dlq", "list"], { env: { BEAMLINE_NATS_URL: "nats://127.0.0.1:1" } });
    assert.equal(run.exitCode, 69);
    assert.match(run.stderr, /connecting to nats:\/\/127\.0\.0\.1:1 \(from BEAMLINE_NATS_URL\)/);
    assert.match(run.stderr, /NATS_UNREACHABLE: NATS at nats:\/\/127\.0\.0\.1:1 did not answer within 3000 ms/);
  });
});
