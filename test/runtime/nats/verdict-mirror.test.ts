// Verdicts as routers follow them, through a bucket that is missing, filled, made anew and away.
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { describe, it } from "mocha";
import { registryBucket } from "../../../core/handover/streams.ts";
import { REGISTRY_BUCKET } from "../../../core/handover/subjects.ts";
import { encodeVerdict, entryKey, type PublishedVerdict } from "../../../core/registry/entries.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats } from "../../../runtime/nats/connection.ts";
import { deleteKey, ensureBucket, putKey } from "../../../runtime/nats/kv.ts";
import { VerdictMirror } from "../../../runtime/nats/verdict-mirror.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats } from "../../support/nats.ts";

const log = createLogger({ service: "test", level: "silent" });
const timeoutMs = 5_000;
const deadlineMs = 20_000;

function verdict(id: string): PublishedVerdict {
  return {
    kind: "processor",
    id,
    instance: "i-1",
    endpoint: "127.0.0.1:9000",
    inputEventTypes: [],
    outputEventTypes: [],
    liveness: "live",
    reported: "HEALTHY",
    isCandidate: true,
    sinceMs: 1,
    seq: 1,
  };
}

describe("verdict mirror", function () {
  this.timeout(NATS_START_TIMEOUT_MS);

  it("follows verdicts, and keeps them while there is nobody to follow", async function () {
    const nats = await startTestNats({ context: this });
    const link = await connectNats({ url: nats.url, name: "mirror-test", timeoutMs, log });
    const mirror = new VerdictMirror({ link, log, keepMs: 500 });
    const ids = (): string[] => [...mirror.verdicts.values()].map(({ id }) => id).sort();
    const until = (describe: string, condition: () => boolean): Promise<true> =>
      eventually(condition, { deadlineMs, describe: () => `${describe}: ${mirror.state} ${ids()}` });
    const write = async (id: string, value = encodeVerdict(nodeCodec, verdict(id))): Promise<void> => {
      const key = entryKey(nodeCodec, "verdict", { kind: "processor", id });
      assert.equal((await putKey(link.mux, REGISTRY_BUCKET, key, value, { timeoutMs })).kind, "stored");
    };
    let changes = 0;
    mirror.onChange(() => {
      changes += 1;
    });
    try {
      mirror.start();
      await until("says that there is no bucket", () => mirror.state === "missing");
      assert.equal(mirror.readAtMs, 0);
      const jsm = await jetstreamManager(link.nc);
      await ensureBucket(jsm, registryBucket(1));
      await until("reads an empty one", () => mirror.state === "current");
      await write("a");
      await write("b");
      await until("has both", () => ids().join() === "a,b");
      const { version, verdicts } = mirror;
      await write("broken", nodeCodec.encodeUtf8("{}"));
      await write("c");
      await until("has the third", () => ids().join() === "a,b,c");
      assert.equal(mirror.ignoredEntries, 1);
      assert.notEqual(mirror.version, version);
      assert.equal(verdicts.size, 2, "a map that was read does not change");
      const key = entryKey(nodeCodec, "verdict", { kind: "processor", id: "a" });
      await deleteKey(link.mux, REGISTRY_BUCKET, key, { timeoutMs });
      await until("loses what was removed", () => ids().join() === "b,c");

      await nats.kill();
      await until("says that it is stale", () => mirror.state === "stale");
      assert.deepEqual(ids(), ["b", "c"]);
      const readAtMs = mirror.readAtMs;
      assert.ok(readAtMs > 0);
      assert.equal(mirror.readAtMs, readAtMs, "the age of what is known grows");
      await nats.start();
      await until("is current again", () => mirror.state === "current");
      assert.deepEqual(ids(), ["b", "c"]);

      const before = changes;
      await jsm.streams.delete(`KV_${REGISTRY_BUCKET}`);
      await until("says that the bucket is gone", () => mirror.state === "missing");
      assert.deepEqual(ids(), ["b", "c"], "nobody said that they are gone");
      await ensureBucket(jsm, registryBucket(1));
      await write("b");
      await until("reads the new one", () => mirror.state === "current");
      await until("and lets go what it does not have", () => ids().join() === "b");
      assert.ok(changes > before);
    } finally {
      mirror.stop();
      await link.close();
      await nats.stop();
    }
  });
});
