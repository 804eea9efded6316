// Following a bucket through everything that can happen to it, on a real server.
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { deleteKey, ensureBucket, purgeKey, putKey } from "../../../runtime/nats/kv.ts";
import {
  type BucketWatch,
  type WatchBreak,
  type WatchOptions,
  watchBucket,
} from "../../../runtime/nats/watch-bucket.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";

const log = createLogger({ service: "test", level: "silent" });
const timeoutMs = 5_000;

/** What a reader that obeys the events holds. */
interface Mirror {
  readonly watch: BucketWatch;
  readonly values: Map<string, string>;
  readonly resets: WatchBreak[];
  caughtUp: number;
  lastRevision: number;
}

describe("bucket watch", function () {
  this.timeout(60_000);
  let nats: TestNats;
  let link: NatsLink;
  let jsm: JetStreamManager;
  const watches: BucketWatch[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    link = await connectNats({ url: nats.url, name: "watch-test", timeoutMs, log });
    jsm = await jetstreamManager(link.nc);
  });

  after(async () => {
    for (const watch of watches) watch.stop();
    await link?.close();
    await nats?.stop();
  });

  function mirror(bucket: string, more: Partial<WatchOptions> = {}): Mirror {
    const values = new Map<string, string>();
    const resets: WatchBreak[] = [];
    const watch = watchBucket(link, {
      bucket,
      log,
      onEntry: (entry) => {
        assert.equal(entry.revision, entry.sequence);
        assert.ok(entry.createdMs > Date.parse("2020-01-01"));
        state.lastRevision = entry.revision;
        if (entry.value === undefined) values.delete(entry.key);
        else values.set(entry.key, Buffer.from(entry.value).toString());
      },
      onReset: (reason) => {
        resets.push(reason);
        values.clear();
      },
      onCaughtUp: () => {
        state.caughtUp++;
      },
      ...more,
    });
    const state: Mirror = { watch, values, resets, caughtUp: 0, lastRevision: 0 };
    watches.push(watch);
    return state;
  }

  async function put(bucket: string, key: string, value: string): Promise<number> {
    const result = await putKey(link.mux, bucket, key, Buffer.from(value), { timeoutMs });
    assert.ok(result.kind === "stored");
    return result.sequence;
  }

  function holds(state: Mirror, want: Record<string, string>): Promise<unknown> {
    return eventually(
      () => {
        assert.deepEqual(Object.fromEntries([...state.values].sort()), want);
        return state.watch.state() === "current";
      },
      { deadlineMs: 15_000, describe: () => `${JSON.stringify([...state.values])} ${state.watch.state()}` },
    );
  }

  it("tells an empty bucket whole, then each change", async () => {
    await ensureBucket(jsm, { name: "changes" });
    const state = mirror("changes");
    await holds(state, {});
    assert.equal(state.caughtUp, 1);
    const revision = await put("changes", "a.b", "1");
    await put("changes", "c", "2");
    await holds(state, { "a.b": "1", c: "2" });
    await put("changes", "c", "3");
    await deleteKey(link.mux, "changes", "a.b", { timeoutMs, expectRevision: revision });
    await holds(state, { c: "3" });
    await purgeKey(link.mux, "changes", "c", { timeoutMs });
    await holds(state, {});
    assert.deepEqual([state.caughtUp, state.resets], [1, []]);
  });

  it("tells what is there, by pattern, before it is caught up", async () => {
    await ensureBucket(jsm, { name: "snapshot" });
    await Promise.all(Array.from({ length: 500 }, (_, index) => put("snapshot", `ns.r.policy.p${index}`, `${index}`)));
    await put("snapshot", "other.r.policy.x", "x");
    let atCaughtUp = 0;
    const state = mirror("snapshot", { keys: "ns.r.>", onCaughtUp: () => (atCaughtUp = state.values.size) });
    await eventually(() => atCaughtUp > 0, { deadlineMs: 10_000, describe: "caught up" });
    assert.equal(atCaughtUp, 500);
    assert.equal(state.values.has("other.r.policy.x"), false);
  });

  it("tells of keys that expire", async () => {
    await ensureBucket(jsm, { name: "expiring", ttlMs: 1_500 });
    const state = mirror("expiring");
    await put("expiring", "pod", "alive");
    await holds(state, { pod: "alive" });
    await holds(state, {});
    assert.deepEqual(state.resets, []);
  });

  it("waits for a bucket that does not exist yet", async () => {
    const state = mirror("later");
    await eventually(() => state.watch.state() === "missing", { deadlineMs: 5_000, describe: "missing" });
    await ensureBucket(jsm, { name: "later" });
    await put("later", "k", "v");
    await holds(state, { k: "v" });
    assert.deepEqual(state.resets, []);
  });

  it("notices that a bucket was deleted and made again", async () => {
    await ensureBucket(jsm, { name: "again" });
    await put("again", "old", "1");
    const state = mirror("again");
    await holds(state, { old: "1" });
    await jsm.streams.delete("KV_again");
    await ensureBucket(jsm, { name: "again" });
    await put("again", "new", "2");
    await holds(state, { new: "2" });
    assert.equal(state.resets.length, 1);
    await put("again", "new", "3");
    await holds(state, { new: "3" });
  });

  it("notices a bucket made again by polling, when heartbeats do not tell", async () => {
    await ensureBucket(jsm, { name: "polled" });
    await put("polled", "old", "1");
    const state = mirror("polled", { heartbeatMs: 60_000, pollMs: 200 });
    await holds(state, { old: "1" });
    await jsm.streams.delete("KV_polled");
    await ensureBucket(jsm, { name: "polled" });
    await holds(state, {});
    assert.deepEqual(state.resets.length, 1);
    assert.ok(["bucket_recreated", "bucket_deleted"].includes(state.resets[0] ?? ""));
  });

  it("reads everything again when its consumer is taken away", async () => {
    await ensureBucket(jsm, { name: "robbed" });
    await put("robbed", "k", "1");
    const state = mirror("robbed");
    await holds(state, { k: "1" });
    for await (const consumer of jsm.consumers.list("KV_robbed"))
      await jsm.consumers.delete("KV_robbed", consumer.name);
    await put("robbed", "k", "2");
    await holds(state, { k: "2" });
    assert.deepEqual(state.resets, ["heartbeats_missed"]);
  });

  it("goes on over restarts of the server and misses no change made meanwhile", async () => {
    await ensureBucket(jsm, { name: "restarted" });
    await put("restarted", "kept", "1");
    await put("restarted", "dropped", "1");
    const state = mirror("restarted");
    await holds(state, { dropped: "1", kept: "1" });
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await nats.restart(signal);
      await eventually(() => link.connected(), { deadlineMs: 10_000, describe: "the link is back" });
      await deleteKey(link.mux, "restarted", "dropped", { timeoutMs });
      await put("restarted", "kept", signal);
      await holds(state, { kept: signal });
    }
    assert.ok(state.resets.length >= 2 && state.resets.includes("disconnected"));
  });
});
