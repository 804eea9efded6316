// Streams, consumers and buckets on a real server: created once, compared afterwards, never changed.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DiscardPolicy, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { after, before, describe, it } from "mocha";
import type { BeamlineError } from "../../../runtime/errors.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { type ConsumerSpec, ensureConsumer, verifyConsumer } from "../../../runtime/nats/consumers.ts";
import {
  deleteKey,
  ensureBucket,
  getKey,
  isRemoval,
  purgeKey,
  putKey,
  verifyBucket,
} from "../../../runtime/nats/kv.ts";
import { ensureStream, type StreamSpec, verifyStream } from "../../../runtime/nats/streams.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";
import { makeTempDir } from "../../support/temp.ts";

const log = createLogger({ service: "test", level: "silent" });
const FULL: StreamSpec = {
  name: "FULL",
  subjects: ["full.a", "full.b.>"],
  description: "everything set",
  maxAgeMs: 900_000,
  maxMessages: 1000,
  maxBytes: 1_000_000,
  maxMessagesPerSubject: 5,
  maxMessageBytes: 10_000,
  duplicateWindowMs: 60_000,
  allowRollup: true,
  allowMessageTtl: true,
  allowMessageSchedules: true,
  denyDelete: true,
  deleteMarkerTtlMs: 60_000,
  compression: "s2",
};

describe("nats streams", function () {
  this.timeout(30_000);
  let nats: TestNats;
  let link: NatsLink;
  let jsm: JetStreamManager;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    link = await connectNats({ url: nats.url, name: "streams-test", timeoutMs: 5_000, log });
    jsm = await jetstreamManager(link.nc);
  });

  after(async () => {
    await link?.close();
    await nats?.stop();
  });

  it("creates a stream once and finds it as specified", async () => {
    for (const spec of [
      FULL,
      { name: "PLAIN", subjects: ["plain.>"], discard: "new", retention: "workqueue" } as const,
    ]) {
      assert.deepEqual(await verifyStream(jsm, spec), { kind: "missing" });
      const first = await ensureStream(jsm, spec);
      assert.deepEqual([first.created, first.drift], [true, []]);
      const second = await ensureStream(jsm, spec);
      assert.deepEqual([second.created, second.drift, second.createdAt], [false, [], first.createdAt]);
    }
  });

  it("reports what differs and changes nothing", async () => {
    await ensureStream(jsm, { name: "DRIFT", subjects: ["drift.>"], maxMessages: 10 });
    const want: StreamSpec = { name: "DRIFT", subjects: ["drift.>", "more.>"], maxMessages: 20, discard: "new" };
    const { created, drift } = await ensureStream(jsm, want);
    assert.equal(created, false);
    assert.deepEqual(drift, [
      { field: "subjects", have: ["drift.>"], want: ["drift.>", "more.>"] },
      { field: "discard", have: DiscardPolicy.Old, want: DiscardPolicy.New },
      { field: "max_msgs", have: 10, want: 20 },
    ]);
    assert.equal((await jsm.streams.info("DRIFT")).config.max_msgs, 10);
  });

  it("lets two creators at once both succeed", async () => {
    const results = await Promise.all([1, 2, 3].map(() => ensureStream(jsm, { name: "RACE", subjects: ["race.>"] })));
    assert.ok(results.every((result) => result.drift.length === 0));
  });

  it("says which stream cannot be created", async () => {
    await ensureStream(jsm, { name: "OWNER", subjects: ["owned.>"] });
    await assert.rejects(ensureStream(jsm, { name: "LATE", subjects: ["owned.x"] }), (error: BeamlineError) => {
      assert.equal(error.code, "STREAM_MISMATCH");
      assert.match(error.message, /stream LATE cannot be created: .*overlap/);
      return true;
    });
  });

  it("creates a consumer once and reports what differs", async () => {
    await ensureStream(jsm, { name: "INTAKE", subjects: ["intake.>"] });
    const spec: ConsumerSpec = {
      stream: "INTAKE",
      durableName: "router",
      ackWaitMs: 30_000,
      maxDeliver: -1,
      maxAckPending: 20_000,
    };
    assert.deepEqual(await verifyConsumer(jsm, spec), { kind: "missing" });
    assert.deepEqual(await ensureConsumer(jsm, spec), { created: true, drift: [] });
    const changed = { ...spec, maxAckPending: 7, filterSubject: "intake.x" };
    assert.deepEqual((await ensureConsumer(jsm, changed)).drift, [
      { field: "filter_subject", have: null, want: "intake.x" },
      { field: "max_ack_pending", have: 20_000, want: 7 },
    ]);
    await assert.rejects(ensureConsumer(jsm, { ...spec, stream: "NONE" }), { code: "STREAM_MISSING" });
  });

  it("sets how many consumers a stream takes, and takes fewer where the account says so", async () => {
    const spec: StreamSpec = { name: "MANY", subjects: ["many.>"], maxConsumers: 2_000 };
    assert.deepEqual((await ensureStream(jsm, spec)).drift, []);
    assert.equal((await jsm.streams.info("MANY")).config.max_consumers, 2_000);
    await using folder = await makeTempDir("beamline-account-");
    const configFile = join(folder.path, "nats.conf");
    const account = `{ jetstream: { max_consumers: 100 }, users: [{ user: "u", password: "p" }] }`;
    await writeFile(configFile, `accounts: { SMALL: ${account} }\nno_auth_user: "u"\n`);
    const small = await startTestNats({ configFile });
    const smallLink = await connectNats({ url: small.url, name: "small", timeoutMs: 5_000, log });
    const { created, drift } = await ensureStream(await jetstreamManager(smallLink.nc), spec);
    await smallLink.close();
    await small.stop();
    assert.deepEqual([created, drift], [true, [{ field: "max_consumers", have: -1, want: 2_000 }]]);
  });

  it("makes buckets that other clients read and write", async () => {
    const spec = { name: "shared", ttlMs: 60_000 };
    assert.ok((await ensureBucket(jsm, spec)).created);
    const foreign = await new Kvm(link.nc).open("shared");
    await putKey(link.mux, "shared", "a.b", Buffer.from("ours"), { timeoutMs: 5_000 });
    assert.equal((await foreign.get("a.b"))?.string(), "ours");
    await foreign.put("a.b", "theirs");
    const found = await getKey(link.mux, "shared", "a.b", 5_000);
    assert.ok(found.kind === "found" && Buffer.from(found.data).toString() === "theirs" && !isRemoval(found.headers));
    assert.deepEqual(await verifyBucket(jsm, spec), await verifyBucket(jsm, { ...spec }));
    const state = await verifyBucket(jsm, { ...spec, ttlMs: 1_000_000 });
    assert.ok(state.kind === "present" && state.drift.some((drift) => drift.field === "max_age"));
  });

  it("writes a key only on the revision that is expected", async () => {
    await ensureBucket(jsm, { name: "cas" });
    const timeoutMs = 5_000;
    const first = await putKey(link.mux, "cas", "k", Buffer.from("1"), { timeoutMs, expectRevision: 0 });
    assert.ok(first.kind === "stored");
    const again = await putKey(link.mux, "cas", "k", Buffer.from("2"), { timeoutMs, expectRevision: 0 });
    assert.deepEqual(again, { kind: "conflict", lastSequence: first.sequence });
    const gone = await deleteKey(link.mux, "cas", "k", { timeoutMs, expectRevision: first.sequence });
    assert.ok(gone.kind === "stored");
    const marker = await getKey(link.mux, "cas", "k", timeoutMs);
    assert.ok(marker.kind === "found" && isRemoval(marker.headers));
    assert.equal((await purgeKey(link.mux, "cas", "k", { timeoutMs })).kind, "stored");
    assert.equal((await jsm.streams.info("KV_cas")).state.messages, 1);
  });
});
