// The pull loop alone, against a real nats-server: its window, what breaks it, and how it ends.
import assert from "node:assert/strict";
import { AckPolicy, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import { settleDelivery } from "../../router/delivery-ack.ts";
import { Puller } from "../../router/puller.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { parseDeliveryInfo } from "../../runtime/nats/delivery-info.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";

const STREAM = "WORK";
const CONSUMER = "workers";
const DEADLINE_MS = 15_000;
const ACK_WAIT_MS = 60_000;
/** Less than the silence after which a pull request counts as lost. */
const HEARTBEATS_MISSED_MS = 4_000;

describe("the pull loop", () => {
  let nats: TestNats;
  let link: NatsLink;
  let manager: JetStreamManager;
  let pullers: Puller[] = [];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    const log = createLogger({ service: "test", level: "silent" });
    link = await connectNats({ url: nats.url, name: "test", timeoutMs: 5_000, log });
    manager = await jetstreamManager(link.nc);
  });
  after(async () => {
    await link?.close();
    await nats?.stop();
  });

  beforeEach(async () => {
    await manager.streams.add({ name: STREAM, subjects: ["work.>"] });
    await addConsumer();
  });
  afterEach(async () => {
    await Promise.all(pullers.map((puller) => puller.stop()));
    pullers = [];
    await manager.streams.delete(STREAM).catch(() => false);
  });

  const addConsumer = () =>
    manager.consumers.add(STREAM, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1_000_000,
      max_ack_pending: 10_000,
    });

  async function publish(count: number): Promise<void> {
    const requests = Array.from({ length: count }, (_, index) => link.nc.request(`work.${index}`, String(index)));
    await Promise.all(requests);
  }

  interface Pulled {
    readonly puller: Puller;
    readonly messages: Msg[];
    readonly gone: string[];
  }

  function pull(window: number, settle = false): Pulled {
    const messages: Msg[] = [];
    const gone: string[] = [];
    const puller: Puller = new Puller({
      nc: link.nc,
      connected: () => link.connected(),
      stream: STREAM,
      consumer: CONSUMER,
      window,
      onMessage: (msg) => {
        messages.push(msg);
        if (settle) finish(puller, msg);
      },
      onGone: (reason) => gone.push(reason),
    });
    pullers.push(puller);
    puller.start();
    return { puller, messages, gone };
  }

  function finish(puller: Puller, msg: Msg): void {
    settleDelivery(link.nc, msg.reply ?? "", { kind: "ack" });
    puller.release();
  }

  const received = (pulled: Pulled, count: number, deadlineMs = DEADLINE_MS): Promise<unknown> =>
    eventually(() => pulled.messages.length >= count, {
      deadlineMs,
      describe: () => `${count} messages, now ${pulled.messages.length}`,
    });

  it("holds no more than its window, and takes more as places become free", async () => {
    await publish(100);
    const pulled = pull(10);
    await received(pulled, 10);
    const info = await manager.consumers.info(STREAM, CONSUMER);
    assert.deepEqual([info.num_ack_pending, info.num_pending], [10, 90], "the server was asked for ten");
    let most = 0;
    for (let index = 0; index < 100; index++) {
      await received(pulled, index + 1);
      most = Math.max(most, pulled.puller.inFlight);
      finish(pulled.puller, pulled.messages[index] as Msg);
    }
    assert.equal(most, 10);
    assert.equal(pulled.puller.inFlight, 0);
    const sequences = pulled.messages.map((msg) => parseDeliveryInfo(msg.reply ?? "")?.streamSequence);
    assert.deepEqual(
      sequences,
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
  });

  it("gets what comes while it waits", async () => {
    const pulled = pull(10, true);
    for (let round = 1; round <= 5; round++) {
      await publish(20);
      await received(pulled, 20 * round);
    }
    assert.deepEqual(pulled.gone, []);
  });

  /** As after a kill: the server knows nothing of the requests made before, and tells nobody so. */
  async function killAndConnect(): Promise<void> {
    await nats.restart("SIGKILL");
    await eventually(() => link.connected(), { deadlineMs: DEADLINE_MS, describe: "connected again" });
  }

  it("goes on at once after a kill of the server, when it is told that the connection is back", async () => {
    const pulled = pull(10, true);
    await publish(5);
    await received(pulled, 5);
    const unlisten = link.onStatus((status) => {
      if (status.kind === "connected") pulled.puller.renew();
    });
    await killAndConnect();
    await publish(5);
    await received(pulled, 10, HEARTBEATS_MISSED_MS);
    unlisten();
    assert.deepEqual(pulled.gone, []);
  });

  it("goes on after a kill of the server by itself, when heartbeats are missed", async () => {
    const pulled = pull(10, true);
    await publish(1);
    await received(pulled, 1);
    await killAndConnect();
    await publish(1);
    await received(pulled, 2);
    assert.deepEqual(pulled.gone, []);
  });

  it("tells its owner that the consumer was deleted", async () => {
    const { gone } = pull(10);
    await link.nc.flush();
    await manager.consumers.delete(STREAM, CONSUMER);
    await eventually(() => gone.length > 0, { deadlineMs: DEADLINE_MS, describe: "told" });
    assert.match(gone[0] ?? "", /deleted/i);
  });

  it("tells its owner that the stream was deleted, or never was there", async () => {
    const { gone } = pull(10);
    await link.nc.flush();
    await manager.streams.delete(STREAM);
    await eventually(() => gone.length > 0, { deadlineMs: DEADLINE_MS, describe: "told of the deletion" });
    const never = pull(10);
    await eventually(() => never.gone.length > 0, { deadlineMs: DEADLINE_MS, describe: "told that nothing answers" });
  });

  it("gives its owner all that was under way when it stops, and asks for nothing more", async () => {
    await publish(500);
    const pulled = pull(200);
    await received(pulled, 1);
    await pulled.puller.stop();
    const taken = pulled.messages.length;
    const info = await manager.consumers.info(STREAM, CONSUMER);
    assert.equal(info.num_ack_pending, taken, "what the server sent is what was received");
    for (const msg of pulled.messages) {
      settleDelivery(link.nc, msg.reply ?? "", { kind: "nak", delayMs: 0 });
      pulled.puller.release();
    }
    const other = pull(1_000);
    await received(other, 500);
    const again = other.messages.filter((msg) => parseDeliveryInfo(msg.reply ?? "")?.deliveryCount === 2);
    assert.equal(again.length, taken, "handed back long before the ack wait");
    assert.equal(pulled.messages.length, taken);
  });
});
