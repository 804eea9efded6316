// Messages that are stored all or none, on a real nats-server with the stream that the operator makes.
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { pipelineStreams } from "../../../core/handover/pipeline-streams.ts";
import { DEFAULT_STREAM_SETTINGS } from "../../../core/handover/streams.ts";
import { namesFor } from "../../../core/handover/subjects.ts";
import type { StoredTogether } from "../../../core/pipelines/outputs.ts";
import { BatchStore } from "../../../router/pipelines/batch-store.ts";
import { newRandomId } from "../../../router/random-id.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { ensureStream } from "../../../runtime/nats/streams.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";

const DEADLINE_MS = 20_000;
const names = namesFor("team-a");
const STREAM = names.streams.pipelineOutputs;

describe("storing together", function () {
  this.timeout(60_000);
  let nats: TestNats;
  let link: NatsLink;
  let jsm: JetStreamManager;
  let store: BatchStore;

  const mark = (effect: string, ttlMs = 60_000): StoredTogether => ({
    subject: `beamline.pipeline.v1.done.${effect}`,
    headers: [],
    body: new Uint8Array(),
    expectLastSequence: 0,
    ttlMs,
  });
  const output = (effect: string, position: number, consumer = "c"): StoredTogether => ({
    subject: `beamline.pipeline.v1.out.${effect}.${position}.demo.orders.${consumer}`,
    headers: [["Content-Type", "text/plain"]],
    body: new TextEncoder().encode(`${effect} ${position}`),
  });
  const subjects = async (effect: string): Promise<readonly string[]> => {
    const info = await jsm.streams.info(STREAM, { subjects_filter: ">" });
    return Object.keys(info.state.subjects ?? {})
      .filter((subject) => subject.split(".").includes(effect))
      .sort();
  };

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    const log = createLogger({ service: "test", level: "silent" });
    link = await connectNats({ url: nats.url, name: "test", timeoutMs: 5_000, log });
    jsm = await jetstreamManager(link.nc, { checkAPI: false });
    for (const spec of pipelineStreams(names, DEFAULT_STREAM_SETTINGS)) {
      assert.deepEqual((await ensureStream(jsm, spec)).drift, []);
    }
    store = new BatchStore({ mux: link.mux, names, timeoutMs: 5_000, newId: newRandomId });
  });

  after(async () => {
    await link?.close();
    await nats?.stop();
  });

  it("stores the mark and every output, under the Router's prefix", async () => {
    const result = await store.store([mark("e1"), output("e1", 1), output("e1", 2, "d")]);
    assert.equal(result.kind, "stored");
    assert.deepEqual(await subjects("e1"), [
      "team-a.beamline.pipeline.v1.done.e1",
      "team-a.beamline.pipeline.v1.out.e1.1.demo.orders.c",
      "team-a.beamline.pipeline.v1.out.e1.2.demo.orders.d",
    ]);
  });

  it("stores nothing of a second run, also where it has more", async () => {
    const before = await subjects("e1");
    const result = await store.store([mark("e1"), output("e1", 1), output("e1", 3)]);
    assert.equal(result.kind, "conflict");
    assert.deepEqual(await subjects("e1"), before);
  });

  it("stores a mark alone for an event that came to nothing", async () => {
    assert.equal((await store.store([mark("e2")])).kind, "stored");
    assert.equal((await store.store([mark("e2"), output("e2", 1)])).kind, "conflict");
  });

  it("stores nothing when one of them cannot be", async () => {
    const large = { ...output("e3", 2), body: new Uint8Array((link.nc.info?.max_payload ?? 0) + 1) };
    const result = await store.store([mark("e3"), output("e3", 1), large]);
    assert.equal(result.kind, "rejected");
    assert.deepEqual(await subjects("e3"), []);
    assert.equal((await store.store([mark("e3"), output("e3", 1)])).kind, "stored", "it can be tried again");
  });

  it("stores each of many at once", async () => {
    const effects = Array.from({ length: 200 }, (_, at) => `many${at}`);
    const results = await Promise.all(effects.map((effect) => store.store([mark(effect), output(effect, 1)])));
    assert.deepEqual(new Set(results.map(({ kind }) => kind)), new Set(["stored"]));
  });

  it("refuses of many at once only those that were stored before", async () => {
    const effects = Array.from({ length: 100 }, (_, at) => `again${at}`);
    const odd = effects.filter((_, at) => at % 2 === 1);
    for (const effect of odd) await store.store([mark(effect), output(effect, 1)]);
    const results = await Promise.all(
      effects.map(async (effect) => ({ effect, ...(await store.store([mark(effect), output(effect, 1, "late")])) })),
    );
    const refused = results.filter(({ kind }) => kind === "conflict").map(({ effect }) => effect);
    assert.deepEqual(refused, odd);
    assert.ok(results.every(({ kind }) => kind === "conflict" || kind === "stored"));
    for (const effect of effects.slice(0, 4)) assert.equal((await subjects(effect)).length, 2);
  });

  it("stores one of many at once that are the same event", async () => {
    const same = Array.from({ length: 60 }, (_, at) => [mark("same"), output("same", 1, `c${at}`)]);
    const results = await Promise.all(same.map((messages) => store.store(messages)));
    assert.equal(results.filter(({ kind }) => kind === "stored").length, 1);
    assert.equal((await subjects("same")).length, 2);
  });

  it("stores the most that one event may come to", async () => {
    const outputs = Array.from({ length: 999 }, (_, at) => output("most", at + 1));
    assert.equal((await store.store([mark("most"), ...outputs])).kind, "stored");
    assert.equal((await subjects("most")).length, 1_000);
  });

  it("forgets a mark after its time, and keeps the outputs", async () => {
    assert.equal((await store.store([mark("short", 1_000), output("short", 1)])).kind, "stored");
    await eventually(async () => (await subjects("short")).length === 1, {
      deadlineMs: DEADLINE_MS,
      describe: "the mark is gone",
      everyMs: 200,
    });
    assert.match((await subjects("short"))[0] ?? "", /\.out\.short\.1\./);
  });
});
