// With the credentials of a producer and of a worker, on real servers: everything that is not theirs fails and changes nothing.
import assert from "node:assert/strict";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { createInbox, headers, type Msg, type NatsConnection, type Subscription } from "@nats-io/nats-core";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../core/handover/subjects.ts";
import { reasonOf } from "../../runtime/errors.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { type GuardedConnection, type SecureUp, startSecureUp } from "./secure-up.ts";
import {
  type Attacks,
  OPERATOR_ATTACKS,
  POWERFUL_HEADERS,
  PRODUCER_ATTACKS,
  RESERVED_REPLIES,
  ROUTER_ATTACKS,
  WORKER_ATTACKS,
  WRITE_BY_REPLY,
} from "./trust-attacks.ts";

const TENANT = "demo";
const DEADLINE_MS = 20_000;
const PUBLISH_TIMEOUT_MS = 2_000;
const names = namesFor();
const SUBMIT = `beamline.router.v1.submit.${TENANT}`;
const LEASE = "$KV.beamline-config._bus.lease";

function request(messageId: string): Uint8Array {
  const payload = Buffer.from("{}").toString("base64");
  const message = { message_id: messageId, tenant_id: TENANT, message_type: "chat", payload };
  return Buffer.from(JSON.stringify({ message, policy_id: "chat" }));
}

describe("trust on NATS", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let system: SecureUp;
  let inspector: NatsConnection;
  let producer: GuardedConnection;
  let worker: GuardedConnection;

  before(async function () {
    system = await startSecureUp(this);
    inspector = await system.inspect();
    producer = await system.connectAs("producer");
    worker = await system.connectAs("worker");
  });
  after(() => system?.dispose());

  /** Settings of every stream and consumer, and every value of the configuration but the lease, which is renewed. */
  async function internalState(): Promise<unknown> {
    const manager = await jetstreamManager(inspector);
    const streams: unknown[] = [];
    for await (const { config, created } of manager.streams.list()) {
      const consumers: unknown[] = [];
      for await (const one of manager.consumers.list(config.name)) {
        // Those that follow a bucket come and go with their process.
        if (one.config.durable_name !== undefined) consumers.push({ config: one.config, created: one.created });
      }
      streams.push({ config, created, consumers });
    }
    const configuration: [string, string][] = [];
    const { messages } = (await manager.streams.info("KV_beamline-config")).state;
    assert.ok(messages > 0);
    for await (const entry of await manager.direct.getLastMessagesFor("KV_beamline-config", {
      multi_last: ["$KV.>"],
    })) {
      if (entry.subject !== LEASE) configuration.push([entry.subject, `${entry.seq} ${entry.string()}`]);
    }
    return { streams, configuration: new Map(configuration.sort()) };
  }

  /** Sum over both routers of the series that begin with `name`. */
  async function counted(name: string): Promise<number> {
    const { routers } = await system.up.status();
    const texts = await Promise.all(routers.map(async ({ healthUrl }) => (await fetch(`${healthUrl}/metrics`)).text()));
    const series = texts.flatMap((text) => text.split("\n").filter((line) => line.startsWith(name)));
    return series.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** Messages that both routers have handled. */
  const handled = (): Promise<number> => counted("router_intake_messages_total{");
  const forbidden = (): Promise<number> => counted('router_replies_total{outcome="forbidden"}');

  function untilHandled(count: number): Promise<unknown> {
    return eventually(async () => (await handled()) >= count, {
      deadlineMs: DEADLINE_MS,
      describe: `${count} messages are handled`,
      everyMs: 50,
    });
  }

  /** Subjects that are published to in the internal account while `act` runs. */
  async function heardInside(subjects: readonly string[], act: () => Promise<void>): Promise<readonly string[]> {
    const heard: string[] = [];
    const callback = (_error: Error | null, msg: Msg): void => void heard.push(msg.subject);
    const subscriptions = subjects.map((subject) => inspector.subscribe(subject, { callback }));
    await inspector.flush();
    await act();
    await Promise.all(subscriptions.map((one) => one.drain()));
    return heard;
  }

  async function lastSequences(): Promise<readonly number[]> {
    const manager = await jetstreamManager(inspector);
    const { submit, assignments, dlq } = names.streams;
    const infos = await Promise.all([submit, assignments, dlq].map((stream) => manager.streams.info(stream)));
    return infos.map(({ state }) => state.last_seq);
  }

  async function assertRefused({ nc, refusals }: GuardedConnection, attacks: Attacks): Promise<void> {
    const before = await internalState();
    const sequences = await lastSequences();
    const expected = [
      ...attacks.publish.map((subject) => `Permissions Violation for Publish to "${subject}"`),
      ...attacks.subscribe.map((subject) => `Permissions Violation for Subscription to "${subject}"`),
    ];
    for (const subject of attacks.publish) nc.publish(subject, Buffer.from("{}"), { reply: createInbox() });
    const listeners = attacks.subscribe.map((subject) => nc.subscribe(subject, { callback: () => undefined }));
    await eventually(() => expected.every((refusal) => refusals.has(refusal)), {
      deadlineMs: DEADLINE_MS,
      describe: () => `the server refuses all; not: ${expected.filter((one) => !refusals.has(one)).join("; ")}`,
    });
    for (const listener of listeners) listener.unsubscribe();
    assert.deepEqual(await internalState(), before);
    assert.deepEqual(await lastSequences(), sequences);
  }

  it("is called fenced by the operator", async () => {
    assert.equal((await system.up.status()).unfenced, false);
  });

  it("refuses a producer everything but asking and submitting", () => assertRefused(producer, PRODUCER_ATTACKS));

  it("refuses a worker everything but its assignments and answers", () => assertRefused(worker, WORKER_ATTACKS));

  it("refuses a router everything but a router's work", async () =>
    assertRefused(await system.connectAs("router"), ROUTER_ATTACKS));

  it("refuses the operator everything but configuration and the making of streams", async () =>
    assertRefused(await system.connectAs("operator"), OPERATOR_ATTACKS));

  it("refuses a connection without credentials, and with those of another installation", async () => {
    const run = await system.up.cli("decide", "--tenant", TENANT, "--type", "chat", "--nats-credentials", "policies");
    assert.match(run.stderr, /CONFIG_INVALID: NATS credentials file .* cannot be read/);
    const stranger = await system.up.cli("nats-accounts", "--dir", "stranger");
    assert.equal(stranger.exitCode, 0, stranger.stderr);
    const args = ["decide", "--tenant", TENANT, "--type", "chat", "--nats-credentials", "stranger/producer.creds"];
    const refused = await system.up.cli(...args);
    assert.match(refused.stderr, /^PERMISSION_DENIED: .*refuses the credentials/m);
    assert.equal(refused.exitCode, 77);
  });

  it("writes nothing through the reply subject of a request or a submission", async () => {
    const before = await internalState();
    const [submitted = 0, assigned = 0, letters] = await lastSequences();
    const start = await handled();
    const heard = await heardInside(WATCHED, async () => {
      for (const [index, reply] of WRITE_BY_REPLY.entries()) {
        producer.nc.publish(names.decideSubject, request(`decide-${index}`), { reply });
        producer.nc.publish(SUBMIT, request(`submit-${index}`), { reply });
      }
      await producer.nc.flush();
      await untilHandled(start + 2 * WRITE_BY_REPLY.length);
    });
    // Its own submissions became assignments, as they should: nothing else was written.
    assert.deepEqual([...new Set(heard.map(withoutEffect))], ["caf.exec.assign.v1.to.<effect>"]);
    assert.equal(heard.length, WRITE_BY_REPLY.length);
    assert.deepEqual(await lastSequences(), [
      submitted + WRITE_BY_REPLY.length,
      assigned + WRITE_BY_REPLY.length,
      letters,
    ]);
    assert.deepEqual(await internalState(), before);
  });

  it("writes nothing through Beamline-Reply-To", async () => {
    const before = await internalState();
    const start = await handled();
    const startForbidden = await forbidden();
    const replies = [...WRITE_BY_REPLY, ...RESERVED_REPLIES, "_INBOX.forged"];
    const heard = await heardInside([...WATCHED, "_INBOX.forged"], async () => {
      for (const [index, reply] of replies.entries()) {
        const asked = headers();
        asked.set("Beamline-Reply-To", reply);
        await jetstream(producer.nc).publish(SUBMIT, request(`reply-to-${index}`), { headers: asked });
      }
      await untilHandled(start + replies.length);
    });
    assert.equal(await forbidden(), startForbidden + replies.length, "each of them is counted as forbidden");
    assert.deepEqual([...new Set(heard.map(withoutEffect))], ["caf.exec.assign.v1.to.<effect>"]);
    assert.deepEqual(await internalState(), before);
  });

  it("writes nothing through the reply subject of a worker's requests", async () => {
    const before = await internalState();
    const sequences = await lastSequences();
    const consumer = "BEAMLINE_ASSIGNMENTS.provider_demo_openai";
    // Results are a worker's to write: what the server answers there is no better than what it could write itself.
    const watched = WATCHED.filter((subject) => subject !== "caf.>");
    const heard = await heardInside(watched, async () => {
      for (const reply of WRITE_BY_REPLY) {
        worker.nc.publish(`$JS.API.CONSUMER.INFO.${consumer}`, new Uint8Array(), { reply });
        worker.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${consumer}`, Buffer.from('{"batch":1,"no_wait":true}'), {
          reply,
        });
      }
      await worker.nc.flush();
      await worker.nc.request(`$JS.API.CONSUMER.INFO.${consumer}`);
    });
    assert.deepEqual(heard, []);
    assert.deepEqual(await internalState(), before);
    assert.deepEqual(await lastSequences(), sequences);
  });

  it("lets producers and workers hear nothing of each other's inboxes", async () => {
    const heard: Record<string, string[]> = { producer: [], worker: [] };
    const listen = ({ nc }: GuardedConnection, subjects: string[]): Subscription =>
      nc.subscribe("_INBOX.>", { callback: (_error, msg) => void subjects.push(msg.subject) });
    const listeners = [listen(producer, heard.producer ?? []), listen(worker, heard.worker ?? [])];
    const other = { producer: await system.connectAs("producer"), worker: await system.connectAs("worker") };
    await Promise.all([producer.nc.flush(), worker.nc.flush()]);
    const answer = await other.producer.nc.request(names.decideSubject, request("overheard"));
    const pulled = await other.worker.nc.request("$JS.API.CONSUMER.INFO.BEAMLINE_ASSIGNMENTS.provider_demo_openai");
    await Promise.all([producer.nc.flush(), worker.nc.flush()]);
    for (const listener of listeners) listener.unsubscribe();
    // Those of one's own kind are heard: they share an account (SECURITY.md).
    assert.deepEqual(heard, { producer: [answer.subject], worker: [pulled.subject] });
  });

  it("refuses reply subjects that belong to the server", async () => {
    for (const reply of RESERVED_REPLIES) {
      producer.nc.publish(names.decideSubject, request("reserved"), { reply });
      const refusal = `Permissions Violation for Publish with Reply of "${reply}"`;
      await eventually(() => producer.refusals.has(refusal), { deadlineMs: DEADLINE_MS, describe: refusal });
    }
  });

  it("takes no order from headers by which NATS writes or removes", async () => {
    const before = await internalState();
    const start = await handled();
    const heard = await heardInside(WATCHED, async () => {
      for (const [index, { name, value, outcome }] of POWERFUL_HEADERS.entries()) {
        const powerful = headers();
        powerful.set(name, value);
        const options = { headers: powerful, timeout: PUBLISH_TIMEOUT_MS };
        const published = jetstream(producer.nc).publish(SUBMIT, request(`header-${index}`), options);
        assert.equal(await published.then(() => "stored", reasonOf), outcome, name);
      }
      await untilHandled(start + POWERFUL_HEADERS.filter(({ outcome }) => outcome === "stored").length);
    });
    assert.deepEqual([...new Set(heard.map(withoutEffect))], ["caf.exec.assign.v1.to.<effect>"]);
    assert.deepEqual(await internalState(), before);
  });
});

/** In the internal account: what decides, and what changes streams. */
const WATCHED = [
  "$KV.*.beamline-system.default.head",
  "$KV.beamline-acks.beamline-system.default.forged",
  "caf.>",
  "beamline.reply.>",
  "beamline.router.v1.intake.dlq",
  "$JS.API.STREAM.DELETE.>",
  "$JS.API.STREAM.PURGE.>",
];

function withoutEffect(subject: string): string {
  return subject.replace(/^(caf\.exec\.assign\.v1\.to\.).*$/, "$1<effect>");
}
