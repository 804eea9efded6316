// Work under `--secure`: producers ask and submit, workers get each assignment once, and the routers' credentials are replaced
// under load without a message lost or doubled.
import assert from "node:assert/strict";
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { after, before, describe, it } from "mocha";
import { credentialsPath } from "../../cli/accounts/account-folder.ts";
import { parseKeyRing } from "../../cli/accounts/key-ring.ts";
import { streamEffectId } from "../../core/handover/effect-id.ts";
import { namesFor, parseEffectSubject } from "../../core/handover/subjects.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { BeamlineError } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { type SecureUp, startSecureUp } from "./secure-up.ts";
import { commandOf } from "./up-process.ts";

const TENANT = "demo";
const SUBMIT = `beamline.router.v1.submit.${TENANT}`;
const PROVIDERS = ["anthropic", "local-llm", "openai"];
const DEADLINE_MS = 60_000;
const DELIVERED = 200;
const RATE_PER_SECOND = 500;
const LOAD_SECONDS = 10;
const TICK_MS = 20;
const MAX_TRIES = 5;
const CONNECT_TIMEOUT_MS = 10_000;
const names = namesFor();

function request(messageId: string): Uint8Array {
  const message = { message_id: messageId, tenant_id: TENANT, message_type: "chat", payload: "e30=" };
  return Buffer.from(JSON.stringify({ message, policy_id: "chat" }));
}

describe("work under beamline up --secure", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let system: SecureUp;
  let inspector: NatsConnection;
  let producer: NatsConnection;

  before(async function () {
    system = await startSecureUp(this);
    inspector = await system.inspect();
    producer = (await system.connectAs("producer")).nc;
  });
  after(() => system?.dispose());

  async function effectOf(sequence: number): Promise<string> {
    const { created } = await (await jetstreamManager(inspector)).streams.info(names.streams.submit);
    return streamEffectId(nodeCodec, created, sequence);
  }

  /** How many messages are stored for each effect. */
  async function storedEffects(): Promise<ReadonlyMap<string, number>> {
    const manager = await jetstreamManager(inspector);
    const effects = new Map<string, number>();
    const { state } = await manager.streams.info(names.streams.assignments, { subjects_filter: ">" });
    for (const [subject, count] of Object.entries(state.subjects ?? {})) {
      const id = parseEffectSubject(subject)?.effectId ?? subject;
      effects.set(id, (effects.get(id) ?? 0) + count);
    }
    return effects;
  }

  function untilSettled(): Promise<unknown> {
    return eventually(
      async () => (await (await jetstreamManager(inspector)).streams.info(names.streams.submit)).state.messages === 0,
      { deadlineMs: DEADLINE_MS, describe: "every submitted message is settled", everyMs: 100 },
    );
  }

  it("answers on the tenant's reply subject, and delivers each assignment to a worker once", async () => {
    const answers: string[] = [];
    const subscription = producer.subscribe(`beamline.reply.v1.${TENANT}.>`, {
      callback: (_error, msg) => void answers.push(msg.subject),
    });
    const expected = new Set<string>();
    for (let index = 0; index < DELIVERED; index++) {
      const asked = headers();
      asked.set("Beamline-Reply-To", `beamline.reply.v1.${TENANT}.${index}`);
      const { seq } = await jetstream(producer).publish(SUBMIT, request(`m-${index}`), { headers: asked });
      expected.add(await effectOf(seq));
    }
    const { nc: worker } = await system.connectAs("worker");
    const received: string[] = [];
    const pulls = await Promise.all(
      PROVIDERS.map(async (provider) => {
        const consumer = await jetstream(worker).consumers.get(names.streams.assignments, `provider_demo_${provider}`);
        return consumer.consume({
          callback: (message) => {
            received.push(parseEffectSubject(message.subject)?.effectId ?? message.subject);
            message.ack();
          },
        });
      }),
    );
    await eventually(() => received.length >= DELIVERED && answers.length >= DELIVERED, {
      deadlineMs: DEADLINE_MS,
      describe: () => `all is delivered and answered: ${received.length}, ${answers.length} of ${DELIVERED}`,
    });
    const manager = await jetstreamManager(inspector);
    await eventually(
      async () => {
        const infos = await Promise.all(
          PROVIDERS.map((one) => manager.consumers.info(names.streams.assignments, `provider_demo_${one}`)),
        );
        return infos.every(({ num_pending, num_ack_pending }) => num_pending === 0 && num_ack_pending === 0);
      },
      { deadlineMs: DEADLINE_MS, describe: "every acknowledgement has reached its consumer" },
    );
    for (const pull of pulls) pull.stop();
    await subscription.drain();
    assert.deepEqual(received.toSorted(), [...expected].sort());
    assert.equal(new Set(answers).size, DELIVERED);
    assert.equal(answers.length, DELIVERED);
  });

  it("lets `decide` and `dlq list` of the command line log in by themselves", async () => {
    const chat = ["--tenant", TENANT, "--type", "chat", "--output", "json"];
    // The push takes the place of the bare decision, which the router withdraws.
    for (const flags of [[], ["--key", "order-17"], ["--key", "order-17", "--push"]]) {
      const decided = await system.up.cli("decide", ...chat, ...flags);
      assert.equal(decided.exitCode, 0, decided.stderr);
    }
    const refused = await system.up.cli("decide", ...chat, "--tenant", "nobody");
    assert.equal(refused.exitCode, 1, refused.stderr);
    const listed = await system.up.cli("dlq", "list", "--output", "json");
    const { letters }: { letters: { reason: string }[] } = JSON.parse(listed.stdout);
    assert.deepEqual(
      letters.map(({ reason }) => reason),
      ["tenant_not_allowed"],
    );
  });

  it("gives operator and routers all that they need: the server refused them nothing", async () => {
    const doubled = [...(await storedEffects())].filter(([, count]) => count !== 1);
    assert.deepEqual(doubled, [], "what was superseded is withdrawn");
    assert.deepEqual(await system.refusedInside(), []);
  });

  it(`replaces the routers' credentials under ${RATE_PER_SECOND} messages a second: 0 lost, 0 doubled`, async () => {
    const before = new Set((await storedEffects()).keys());
    const oldCredentials = join(system.accountsDir, "old.creds");
    await copyFile(credentialsPath(system.accountsDir, "router"), oldCredentials);
    const load = submitAtRate(producer, RATE_PER_SECOND, LOAD_SECONDS);
    await delay((LOAD_SECONDS * 1_000) / 4);
    const run = await system.up.cli("nats-accounts", "--dir", system.accountsDir, "--rotate", "router");
    assert.equal(run.exitCode, 0, run.stderr);
    reloadNats(system);
    const user = await publicKeyOf(system);
    await eventually(async () => (await routerUsers(system)).join() === [user, user].join(), {
      deadlineMs: DEADLINE_MS,
      describe: "both routers are connected with the new key",
      everyMs: 50,
    });
    const sequences = await load;
    assert.equal(sequences.length, RATE_PER_SECOND * LOAD_SECONDS);
    await untilSettled();
    const stored = await storedEffects();
    const expected = await Promise.all(sequences.map(effectOf));
    const lost = expected.filter((id) => !stored.has(id));
    const doubled = [...stored].filter(([, count]) => count !== 1);
    assert.deepEqual({ lost, doubled }, { lost: [], doubled: [] });
    assert.equal(stored.size, before.size + expected.length);
    await assert.rejects(
      connectNats({
        url: system.up.natsUrl,
        name: "old",
        timeoutMs: CONNECT_TIMEOUT_MS,
        credentialsFile: oldCredentials,
        log: createLogger({ service: "test", level: "silent" }),
      }),
      (error: BeamlineError) => error.code === "PERMISSION_DENIED",
    );
  });
});

/** Sequences in the submit stream, when all are stored. */
async function submitAtRate(nc: NatsConnection, perSecond: number, seconds: number): Promise<readonly number[]> {
  const stored: Promise<number>[] = [];
  const total = perSecond * seconds;
  const startMs = performance.now();
  while (stored.length < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startMs) / 1_000) * perSecond));
    while (stored.length < due) stored.push(submitOnce(nc, `load-${stored.length}`));
    await delay(TICK_MS);
  }
  return Promise.all(stored);
}

/** As a producer does: one that was not acknowledged in time is published again under the same message id. */
async function submitOnce(nc: NatsConnection, id: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return (await jetstream(nc).publish(SUBMIT, request(id), { msgID: id })).seq;
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
    }
  }
}

function reloadNats({ up }: SecureUp): void {
  const pid = up.descendants().find((candidate) => /^\S*nats-server .*-sd /.test(commandOf(candidate)));
  assert.ok(pid !== undefined, "the nats-server runs");
  process.kill(pid, "SIGHUP");
}

async function publicKeyOf({ accountsDir }: SecureUp): Promise<string> {
  const path = join(accountsDir, "keys.json");
  return (
    parseKeyRing(await readFile(path, "utf8"), path)
      .users.get("router")
      ?.getPublicKey() ?? ""
  );
}

/** Who the routers are logged in as, by the server's own list. */
async function routerUsers(system: SecureUp): Promise<readonly string[]> {
  const { nc } = await system.connectAs("system");
  const reply = await nc.request("$SYS.REQ.SERVER.PING.CONNZ", JSON.stringify({ auth: true }));
  await nc.close();
  const { data } = reply.json<{ data: { connections: { name?: string; authorized_user?: string }[] } }>();
  return data.connections
    .filter(({ name }) => name?.startsWith("beamline-router"))
    .map((one) => one.authorized_user ?? "");
}
