// `beamline up` as a person uses it: comes up, decides, follows the files, heals, and ends.
import assert from "node:assert/strict";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { DecideLoad } from "./decide-load.ts";
import { commandOf, PRODUCER, type RunningUp, requireProcessTable, runNode, startUp, WORKER } from "./up-process.ts";

/** What the README promises: an edited file is in force on every router within one second. */
const IN_FORCE_MS = 1_000;
const HEALED_MS = 20_000;
const CHAT = ["--tenant", "demo", "--policy", "chat", "--type", "chat"] as const;

describe("beamline up", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let up: RunningUp;
  let nc: NatsConnection;

  before(async function () {
    const program = await testNatsServer().catch(() => undefined);
    skipUnless(this, program !== undefined, "no nats-server can be had");
    requireProcessTable(this);
    up = await startUp({ flags: ["--worker", WORKER] });
    nc = await connect({ servers: up.natsUrl });
  });
  after(async () => {
    await nc?.close();
    await up?.dispose();
  });

  /** As an editor saves: a new file takes the place of the old one. */
  async function save(name: string, change: (text: string) => string): Promise<void> {
    const path = join(up.policiesDir, name);
    const before = await readFile(path, "utf8");
    const text = change(before);
    assert.notEqual(text, before, "the change changes something");
    await writeFile(`${path}.part`, text);
    await rename(`${path}.part`, path);
  }

  /** Resolves when the policy of this generation is Programmed, which every ready router has to acknowledge. */
  function programmed(name: string, generation: number, deadlineMs: number): Promise<unknown> {
    return eventually(
      async () => {
        const policy = (await up.status()).policies.find((candidate) => candidate.name === name);
        const condition = policy?.conditions.find(({ type }) => type === "Programmed");
        return condition?.status === "True" && condition.observedGeneration === generation;
      },
      { deadlineMs, describe: `policy ${name}, generation ${generation}, is Programmed` },
    );
  }

  it("shows two ready routers and the policies in force", async () => {
    const { stdout, exitCode } = await up.cli("status", "--output", "json");
    assert.equal(exitCode, 0);
    const status = JSON.parse(stdout);
    assert.deepEqual(
      status.routers.map((router: { ready: boolean }) => router.ready),
      [true, true],
    );
    assert.deepEqual(status.policies.map((policy: { name: string }) => policy.name).sort(), ["chat", "default"]);
    for (const policy of status.policies) {
      for (const condition of policy.conditions) assert.equal(condition.status, "True", JSON.stringify(condition));
    }
  });

  it("answers a decision in both encodings, with its explanation", async () => {
    for (const encoding of [[], ["--protobuf"]]) {
      const run = await up.cli("decide", ...CHAT, "--meta", "tier=gold", "--explain", "--output", "json", ...encoding);
      assert.equal(run.exitCode, 0, run.stderr);
      const answer = JSON.parse(run.stdout);
      assert.equal(answer.decision.provider_id, "openai");
      assert.equal(answer.decision.reason, "rule");
      assert.deepEqual(
        answer.steps.map(({ stage }: { stage: string }) => stage),
        ["policy", "rule", "filter", "tier", "prefer"],
      );
    }
  });

  it("gives the same key the same decision, and refuses it for another message", async () => {
    const keyed = ["decide", ...CHAT, "--key", "order-17", "--output", "json"] as const;
    const first = JSON.parse((await up.cli(...keyed)).stdout);
    assert.deepEqual(JSON.parse((await up.cli(...keyed)).stdout), first);
    const other = await up.cli(...keyed, "--payload", "another");
    assert.equal(other.exitCode, 1);
    assert.equal(JSON.parse(other.stdout).error.intake_error_code, "IDEMPOTENCY_VIOLATION");
  });

  it("has the example worker do the work that is assigned, and answer", async () => {
    const results = nc.subscribe("caf.exec.result.v1");
    const acks = nc.subscribe("caf.exec.assign.v1.ack");
    await nc.flush();
    const run = await up.cli("decide", ...CHAT, "--push", "--key", "work-1", "--output", "json");
    assert.equal(run.exitCode, 0, run.stderr);
    const { decision } = JSON.parse(run.stdout);
    for await (const ack of acks) {
      assert.equal(ack.json<{ status: string }>().status, "accepted");
      break;
    }
    for await (const result of results) {
      const body = result.json<{ status: string; provider_id: string; tenant_id: string }>();
      assert.deepEqual([body.status, body.provider_id, body.tenant_id], ["success", decision.provider_id, "demo"]);
      break;
    }
  });

  it("serves the example producer, by request/reply and durably", async () => {
    const run = await runNode(PRODUCER, { NATS_URL: up.natsUrl });
    assert.equal(run.exitCode, 0, run.stderr);
    const [decided, stored, assigned] = run.stdout.trimEnd().split("\n");
    assert.match(decided ?? "", /^decided: \{"providerId":"openai","reason":"rule"/);
    assert.match(stored ?? "", /^stored: BEAMLINE_SUBMIT sequence 1$/);
    assert.match(assigned ?? "", /^assigned: \{"providerId":"openai","reason":"rule"/);
  });

  it("lists a refused message among the dead letters", async () => {
    const refused = await up.cli("decide", "--tenant", "nobody", "--type", "chat");
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stdout, /TENANT_FORBIDDEN/);
    const { letters } = JSON.parse((await up.cli("dlq", "list", "--tenant", "nobody", "--output", "json")).stdout);
    assert.deepEqual(
      letters.map(({ reason }: { reason: string }) => reason),
      ["tenant_not_allowed"],
    );
  });

  it("puts an edited weight in force on every router within a second, without losing a request", async () => {
    await using load = new DecideLoad(nc, { tenant: "demo", policy: "chat" });
    load.start();
    await load.answered(200);
    const savedMs = performance.now();
    await save("chat.yaml", (text) => text.replace("name: openai, weight: 70", "name: openai, weight: 0"));
    await programmed("chat", 2, IN_FORCE_MS);
    const tookMs = Math.round(performance.now() - savedMs);
    const from = load.count;
    await load.answered(from + 200);
    const { failures, providers } = await load.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual([...new Set(providers.slice(from + load.concurrency))], ["anthropic"]);
    process.stdout.write(`      an edited weight was in force on every router after ${tookMs} ms\n`);
  });

  it("keeps the old policy in force while its file is broken, and says what is wrong, where", async () => {
    const before = (await up.status()).policies.find(({ name }) => name === "chat")?.generation;
    await save("chat.yaml", (text) => text.replace("name: anthropic, weight: 30", "name: anthropic, weight: -5"));
    await eventually(async () => (await up.status()).files.some(({ problems }) => problems.length > 0), {
      deadlineMs: IN_FORCE_MS,
      describe: "the problem is in the status",
    });
    const { stdout } = await up.cli("status");
    assert.match(stdout, /^chat\.yaml:\d+:\d+ +spec\.providers\[1\]\.weight +-5 +minimum +\S/m);
    assert.equal((await up.status()).policies.find(({ name }) => name === "chat")?.generation, before);
    const run = await up.cli("decide", ...CHAT, "--output", "json");
    assert.equal(JSON.parse(run.stdout).decision.provider_id, "anthropic");
    await save("chat.yaml", (text) => text.replace("weight: -5", "weight: 40"));
    await programmed("chat", 3, HEALED_MS);
  });

  it("removes a policy with its file", async () => {
    await rm(join(up.policiesDir, "default.yaml"));
    const request = [
      "decide",
      "--tenant",
      "demo",
      "--policy",
      "default",
      "--type",
      "chat",
      "--output",
      "json",
    ] as const;
    await eventually(async () => (await up.cli(...request)).exitCode === 1, {
      deadlineMs: HEALED_MS,
      describe: "the policy is gone",
    });
    assert.equal(JSON.parse((await up.cli(...request)).stdout).error.code, "policy_not_found");
  });

  it("heals by itself when the configuration bucket is deleted under load", async () => {
    await using load = new DecideLoad(nc, { tenant: "demo", policy: "chat" });
    load.start();
    await load.answered(100);
    const { epoch } = await up.status();
    const manager = await jetstreamManager(nc);
    await manager.streams.delete("KV_beamline-config");
    await eventually(
      async () => {
        const status = await up.status();
        return (
          status.epoch !== epoch &&
          status.routers.every((router) => router.ready && router.appliedRevision === status.revision)
        );
      },
      { deadlineMs: HEALED_MS, describe: "every router serves the configuration of the new bucket" },
    );
    await load.answered(load.count + 100);
    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
  });

  it("brings back a nats-server that was killed, and goes on", async () => {
    const server = up.descendants().find((pid) => commandOf(pid).includes("nats-server"));
    assert.ok(server !== undefined, "a nats-server among its processes");
    process.kill(server, "SIGKILL");
    await eventually(async () => (await up.cli("decide", ...CHAT, "--timeout", "1s")).exitCode === 0, {
      deadlineMs: HEALED_MS,
      describe: "decisions after the restart",
    });
  });
});
