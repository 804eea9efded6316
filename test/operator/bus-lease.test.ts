// One operator writes a bus: the lease between two, and what the one without it says and does.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, afterEach, before, describe, it } from "mocha";
import { BUS_LEASE_KEY } from "../../core/config/keys.ts";
import { DEFAULT_STREAM_SETTINGS } from "../../core/handover/streams.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { StreamKeeper } from "../../operator/ensure-streams.ts";
import { INSTANCE_FILE } from "../../operator/instance.ts";
import { createLogger } from "../../runtime/log.ts";
import { BucketLease } from "../../runtime/nats/bucket-lease.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { bucketStream } from "../../runtime/nats/kv.ts";
import { KvMirror } from "../../runtime/nats/kv-mirror.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { DEADLINE_MS, OperatorHarness, policyText } from "./harness.ts";

const names = namesFor();
const log = createLogger({ service: "test", level: "silent" });
/** Whole seconds; short, so that a test sees it expire. */
const TTL_MS = 2_000;
/** What is looked at to say that nothing is written; two operators that fight write hundreds of times in it. */
const QUIET_MS = 1_000;
const FEW_WRITES = 5;

interface Candidate {
  readonly lease: BucketLease;
  /** As a crash: nothing is renewed or given up any more. */
  end(): Promise<void>;
}

describe("lease of a bus", () => {
  let nats: TestNats;
  const open: Candidate[] = [];
  const harnesses: OperatorHarness[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
  });
  after(() => nats.stop());
  afterEach(async () => {
    for (const candidate of open.splice(0)) await candidate.end();
    for (const harness of harnesses.splice(0)) await harness.remove();
    const link = await connect();
    const jsm = await jetstreamManager(link.nc);
    await jsm.streams.delete(bucketStream(names.buckets.config)).catch(() => undefined);
    await link.close();
  });

  const connect = (): Promise<NatsLink> => connectNats({ url: nats.url, name: "test", timeoutMs: 5_000, log });
  const candidate = async (instance: string): Promise<Candidate> => {
    const link = await connect();
    await new StreamKeeper({ link, names, settings: DEFAULT_STREAM_SETTINGS, log }).ensureBuckets();
    const bucket = names.buckets.config;
    const mirror = new KvMirror({ link, bucket, log, onChange: () => undefined, onMissing: () => undefined });
    mirror.start();
    await mirror.whenWhole();
    const holder = { instance, host: "here", pid: 1 };
    const made: Candidate = {
      lease: new BucketLease({ key: BUS_LEASE_KEY, mirror, holder, log, ttlMs: TTL_MS }),
      end: async () => {
        mirror.stop();
        await link.close();
      },
    };
    open.push(made);
    return made;
  };
  const harness = async (): Promise<OperatorHarness> => {
    const made = await OperatorHarness.make(nats.url, { BEAMLINE_ROUTERS: "0" });
    harnesses.push(made);
    return made;
  };
  const acceptedOf = (of: OperatorHarness) => of.document().router.conditions.find(({ type }) => type === "Accepted");

  it("belongs to one, and goes to another only when it is not renewed any more", async () => {
    const first = await candidate("a");
    const second = await candidate("b");
    await Promise.all([first.lease.renew(), second.lease.renew()]);
    const [holder, other] = first.lease.isHeld() ? [first, second] : [second, first];
    assert.deepEqual([holder.lease.isHeld(), other.lease.isHeld()], [true, false]);
    const instance = holder === first ? "a" : "b";
    assert.deepEqual(other.lease.otherHolder(), { instance, host: "here", pid: 1 });
    const renewEndMs = performance.now() + TTL_MS;
    while (performance.now() < renewEndMs) {
      await holder.lease.renew();
      await other.lease.renew();
      assert.deepEqual([holder.lease.isHeld(), other.lease.isHeld()], [true, false]);
      await delay(TTL_MS / 10);
    }
    const startMs = performance.now();
    await eventually(() => other.lease.renew().then(() => other.lease.isHeld()), {
      deadlineMs: DEADLINE_MS,
      describe: "the lease has expired",
      everyMs: 50,
    });
    console.log(`        taken over after ${Math.round(performance.now() - startMs)} ms of ${TTL_MS} ms`);
    assert.equal(other.lease.otherHolder(), undefined);
    assert.equal(holder.lease.isHeld(), false, "by its own clock it has ended no later");
    await holder.lease.renew();
    assert.equal(holder.lease.isHeld(), false);
  });

  it("goes at once to a restarted process of the same instance, and the former one does not take it back", async () => {
    const instance = randomUUID();
    const former = await candidate(instance);
    await former.lease.renew();
    const restarted = await candidate(instance);
    await restarted.lease.renew();
    assert.ok(restarted.lease.isHeld());
    await eventually(() => former.lease.renew().then(() => !former.lease.isHeld()), {
      deadlineMs: DEADLINE_MS,
      describe: "the former sees that it is superseded",
    });
    assert.ok(restarted.lease.isHeld());
  });

  it("goes at once when it is given up", async () => {
    const first = await candidate("a");
    const second = await candidate("b");
    await first.lease.renew();
    await second.lease.renew();
    await first.lease.release();
    assert.equal(first.lease.isHeld(), false);
    await second.lease.renew();
    assert.ok(second.lease.isHeld());
  });

  it("keeps a second operator with another data folder from writing, which says whose the bus is", async () => {
    const [first, second] = [await harness(), await harness()];
    await first.write("chat.yaml", policyText("chat"));
    await second.write("other.yaml", policyText("other"));
    await first.start();
    await second.start();
    const instance = (await readFile(join(first.state.path, INSTANCE_FILE), "utf8")).trim();
    const accepted = acceptedOf(second);
    assert.deepEqual([accepted?.status, accepted?.reason], ["False", "SubjectConflict"]);
    assert.match(accepted?.message ?? "", new RegExp(`instance ${instance} .*stop that one`));
    assert.equal(acceptedOf(first)?.status, "True");
    const ready = await fetch(`${second.operator?.httpUrl}/readyz`);
    assert.equal(ready.status, 503);

    assert.ok(first.link !== undefined);
    const jsm = await jetstreamManager(first.link.nc);
    const lastSequence = async (): Promise<number> =>
      (await jsm.streams.info(bucketStream(names.buckets.config))).state.last_seq;
    const before = await lastSequence();
    await delay(QUIET_MS);
    assert.ok((await lastSequence()) - before <= FEW_WRITES, `${(await lastSequence()) - before} writes`);
    const keys = `$KV.${names.buckets.config}.beamline-system.default.policy.demo.>`;
    const stored = async (): Promise<readonly string[]> => {
      const info = await jsm.streams.info(bucketStream(names.buckets.config), { subjects_filter: keys });
      return Object.keys(info.state.subjects ?? {}).map((subject) => subject.split(".").at(-1) ?? "");
    };
    assert.deepEqual(await stored(), ["chat"]);

    const link = await connect();
    const manager = await jetstreamManager(link.nc);
    await first.stop();
    const startMs = performance.now();
    await eventually(() => second.document().revision > 0 && acceptedOf(second)?.status === "True", {
      deadlineMs: DEADLINE_MS,
      describe: () => `the second takes over: ${JSON.stringify(second.document().router)}`,
    });
    assert.ok(performance.now() - startMs < TAKE_OVER_MS, "at once, not when the lease would have expired");
    const subject = `$KV.${names.buckets.config}.beamline-system.default.policy.demo.other`;
    assert.ok(
      (await manager.streams.getMessage(bucketStream(names.buckets.config), { last_by_subj: subject })) !== null,
    );
    await link.close();
  });

  it("keeps the identities that the operator before it gave", async () => {
    const [first, second] = [await harness(), await harness()];
    await first.start();
    await second.start();
    await first.write("chat.yaml", policyText("chat"));
    await second.write("chat.yaml", policyText("chat"));
    await eventually(() => first.policy("chat") !== undefined && second.policy("chat") !== undefined, {
      deadlineMs: DEADLINE_MS,
      describe: "both have it",
    });
    const uidOf = async (): Promise<unknown> => {
      const link = await connect();
      const jsm = await jetstreamManager(link.nc);
      const key = `$KV.${names.buckets.config}.beamline-system.default.policy.demo.chat`;
      const message = await jsm.streams.getMessage(bucketStream(names.buckets.config), { last_by_subj: key });
      await link.close();
      return message === null ? undefined : (JSON.parse(message.string()) as { uid: unknown }).uid;
    };
    const uid = await eventually(uidOf, { deadlineMs: DEADLINE_MS, describe: "it is written" });
    await first.stop();
    await eventually(() => acceptedOf(second)?.status === "True" && second.document().revision > 0, {
      deadlineMs: DEADLINE_MS,
      describe: "the second takes over",
    });
    assert.equal(await uidOf(), uid);
  });
});

/** Far below the 30 s of the lease, far above what a busy machine needs. */
const TAKE_OVER_MS = 8_000;
