// The operator on a folder, with real routers on a real nats-server: what a user does, and what the status says of it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../core/handover/subjects.ts";
import { bucketStream } from "../../runtime/nats/kv.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { DEADLINE_MS, isReady, OperatorHarness, policyText } from "./harness.ts";

describe("operator on files and processes", () => {
  let nats: TestNats;
  let harness: OperatorHarness;
  const names = namesFor();

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    harness = await OperatorHarness.make(nats.url);
    await harness.write("chat.yaml", policyText("chat"));
    await harness.start();
    await harness.whenRoutersReady(2);
    await harness.whenReady("chat", 1);
  });
  after(async () => {
    await harness.remove();
    await nats.stop();
  });

  const manager = () => {
    assert.ok(harness.link !== undefined);
    return jetstreamManager(harness.link.nc);
  };

  it("tells the same over HTTP and in its file, once everything has come to rest", async () => {
    const response = await fetch(`${harness.operator?.httpUrl}/status`);
    assert.deepEqual(await response.json(), JSON.parse(JSON.stringify(harness.document())));
    await eventually(
      async () => {
        const written = JSON.parse(await readFile(join(harness.state.path, "status.json"), "utf8"));
        return isReady(written.policies[0], 1);
      },
      { deadlineMs: DEADLINE_MS, describe: "the file says Ready" },
    );
    const ready = await fetch(`${harness.operator?.httpUrl}/readyz`);
    assert.equal(ready.status, 200);
    const metrics = await (await fetch(`${harness.operator?.httpUrl}/metrics`)).text();
    assert.match(metrics, /operator_objects\{kind="RoutingPolicy",result="accepted"\} 1/);
  });

  it("makes the durable of each provider, so that workers need not", async () => {
    const jsm = await manager();
    const consumer = names.consumers.provider({ namespace: "demo", name: "openai" });
    const info = await eventually(() => jsm.consumers.info(names.streams.assignments, consumer), {
      deadlineMs: DEADLINE_MS,
      describe: "the consumer is there",
    });
    assert.equal(info.config.filter_subject, "caf.exec.assign.v1.to.*.demo.openai");
  });

  it("puts an edit in force on every router without a restart", async () => {
    const pids = harness.document().routers.map(({ pid }) => pid);
    await harness.write("chat.yaml", policyText("chat", 5));
    const tookMs = await harness.whenReady("chat", 2);
    console.log(`        edit in force on every router after ${Math.round(tookMs)} ms`);
    const { routers, revision } = harness.document();
    assert.deepEqual(
      routers.map(({ pid }) => pid),
      pids,
    );
    assert.ok(routers.every(({ appliedRevision }) => appliedRevision === revision));
  });

  it("leaves the old policy in force when a file is broken, and says where", async () => {
    await harness.write("chat.yaml", policyText("chat", -7));
    const problem = await eventually(() => harness.document().files[0]?.problems[0], {
      deadlineMs: DEADLINE_MS,
      describe: "the problem is in the status",
    });
    const { file, line, path, value } = problem;
    assert.deepEqual([file, line, path, value], ["chat.yaml", 6, "spec.providers[0].weight", "-7"]);
    assert.ok(isReady(harness.policy("chat"), 2));
    await harness.write("chat.yaml", policyText("chat", 5));
    await eventually(() => harness.document().files.every(({ problems }) => problems.length === 0), {
      deadlineMs: DEADLINE_MS,
      describe: "the file is mended",
    });
    assert.ok(isReady(harness.policy("chat"), 2), "the same spec is the same generation");
  });

  it("refuses what cannot be compiled, keeps the generation before, and names the place", async () => {
    await harness.write(
      "chat.yaml",
      policyText("chat", 5, "  rules: [{name: r, when: 'nonsense(', prefer: [openai]}]\n"),
    );
    const policy = await eventually(
      () => {
        const found = harness.policy("chat");
        return found?.generation === 3 ? found : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "the new generation is seen" },
    );
    const accepted = policy.conditions.find(({ type }) => type === "Accepted");
    assert.deepEqual([accepted?.status, accepted?.reason], ["False", "InvalidExpression"]);
    assert.match(accepted?.message ?? "", /generation 2 stays in force/);
    assert.deepEqual([policy.problems[0]?.file, policy.problems[0]?.line], ["chat.yaml", 7]);
    await harness.write("chat.yaml", policyText("chat", 5));
    await harness.whenReady("chat", 4);
  });

  it("removes the policy with its file, and the mark of it when every router knows", async () => {
    await harness.write("other.yaml", policyText("other"));
    await harness.whenReady("other", 1);
    await harness.delete("other.yaml");
    await eventually(() => harness.policy("other") === undefined, { deadlineMs: DEADLINE_MS, describe: "it is gone" });
    const jsm = await manager();
    const subject = `$KV.${names.buckets.config}.beamline-system.default.policy.demo.other`;
    await eventually(
      async () => {
        const message = await jsm.streams.getMessage(bucketStream(names.buckets.config), { last_by_subj: subject });
        return message === null || message.header.get("KV-Operation") === "PURGE";
      },
      { deadlineMs: DEADLINE_MS, describe: "the mark of the removal is purged" },
    );
  });

  it("heals when the configuration bucket is deleted, with a new epoch and the same objects", async () => {
    const { epoch } = harness.document();
    const jsm = await manager();
    await jsm.streams.delete(bucketStream(names.buckets.config));
    const startMs = performance.now();
    await eventually(() => harness.document().epoch !== epoch && isReady(harness.policy("chat"), 4), {
      deadlineMs: DEADLINE_MS,
      describe: () => `a new epoch is in force: ${JSON.stringify(harness.document())}`,
    });
    console.log(`        healed after ${Math.round(performance.now() - startMs)} ms`);
    await harness.write("chat.yaml", policyText("chat", 6));
    await harness.whenReady("chat", 5);
  });

  it("heals when the bucket is deleted and made again at once by someone else", async () => {
    const { epoch } = harness.document();
    const jsm = await manager();
    const { config } = await jsm.streams.info(bucketStream(names.buckets.config));
    await jsm.streams.delete(bucketStream(names.buckets.config));
    await jsm.streams.add(config);
    await eventually(() => harness.document().epoch !== epoch && isReady(harness.policy("chat"), 5), {
      deadlineMs: DEADLINE_MS,
      describe: () => `a new epoch is in force: ${JSON.stringify(harness.document())}`,
    });
  });

  it("restores entries that someone else has changed or removed", async () => {
    const jsm = await manager();
    const before = harness.document().revision;
    await jsm.streams.purge(bucketStream(names.buckets.config), {
      filter: `$KV.${names.buckets.config}.beamline-system.default.policy.>`,
    });
    assert.ok(harness.link !== undefined);
    harness.link.nc.publish(`$KV.${names.buckets.config}.beamline-system.default.policy.demo.chat`, "{}");
    await eventually(() => harness.document().revision > before && isReady(harness.policy("chat"), 5), {
      deadlineMs: DEADLINE_MS,
      describe: () => `a new head is in force: ${JSON.stringify(harness.document())}`,
    });
  });

  it("starts a killed router again, under a new uid, and says so", async () => {
    const [victim] = harness.document().routers;
    assert.ok(victim?.pid !== undefined);
    process.kill(victim.pid, "SIGKILL");
    await eventually(() => harness.document().routers[0]?.starts === victim.starts + 1, {
      deadlineMs: DEADLINE_MS,
      describe: "the router is started again",
    });
    await harness.whenRoutersReady(2);
    assert.notEqual(harness.document().routers[0]?.uid, victim.uid);
    await harness.whenReady("chat", 5);
  });

  it("keeps identities over a restart and a nats-server restart, and writes nothing that is the same", async () => {
    const before = harness.document();
    await harness.stop();
    await nats.restart();
    await harness.start();
    await harness.whenRoutersReady(2);
    await harness.whenReady("chat", 5);
    assert.deepEqual([harness.document().epoch, harness.document().revision], [before.epoch, before.revision]);
  });
});
