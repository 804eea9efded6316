// When a router that has its configuration begins to take messages, by what other routers acknowledge on a real nats-server.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "mocha";
import { encodeAck } from "../../core/config/acknowledge.ts";
import type { RouterAck } from "../../core/config/entry.ts";
import { ackKey } from "../../core/config/keys.ts";
import { Opening } from "../../router/opening.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { createLogger } from "../../runtime/log.ts";
import { putKey } from "../../runtime/nats/kv.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import { POLICIES } from "./policies.ts";

const IO_MS = 5_000;
/** It looks again every 5 s. */
const OPEN_DEADLINE_MS = 20_000;
const REJECTED = { key: "n.r.policy.demo.chat", uid: "u", generation: 3, reason: "InvalidExpression: too deep" };
const MINE: RouterAck = {
  podUid: "new",
  version: "2",
  epoch: "e",
  appliedRevision: 7,
  rejected: [REJECTED],
  rejectedCount: 1,
};
const SERVING: RouterAck = { ...MINE, podUid: "old", version: "1", rejected: [], rejectedCount: 0 };

describe("a router that has its first table", () => {
  let bus: Bus;
  let router: { readonly namespace: string; readonly name: string };
  let tests = 0;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
  });
  after(() => bus?.stop());
  beforeEach(() => {
    router = { namespace: "opening", name: `r${++tests}` };
  });

  const acknowledge = (pod: string, ack: RouterAck): Promise<unknown> =>
    putKey(bus.link.mux, bus.names.buckets.acks, ackKey(router, pod), encodeAck(nodeCodec, ack), { timeoutMs: IO_MS });

  /** Whether it has opened, and what it says meanwhile. */
  function begin(ack: RouterAck): { opened(): boolean; readonly opening: Opening } {
    let opened = 0;
    const log = createLogger({ service: "test", level: "silent" });
    const opening = new Opening({ link: bus.link, names: bus.names, router, log, onOpen: () => opened++ });
    opening.tableApplied(ack);
    return { opening, opened: () => opened === 1 };
  }

  const whenOpen = (one: ReturnType<typeof begin>): Promise<unknown> =>
    eventually(() => one.opened() && one.opening.held === undefined, {
      deadlineMs: OPEN_DEADLINE_MS,
      describe: () => `it opens: ${one.opening.held}`,
    });
  const whenHeld = (one: ReturnType<typeof begin>): Promise<string> =>
    eventually(() => one.opening.held, { deadlineMs: IO_MS, describe: "it says why it waits" });

  it("opens at once when it could take everything", async () => {
    await acknowledge("old", SERVING);
    const one = begin({ ...MINE, rejected: [], rejectedCount: 0 });
    assert.ok(one.opened());
  });

  it("takes nothing while another router serves what it rejects, and opens when that one is gone", async () => {
    await acknowledge("old", SERVING);
    await acknowledge("new", MINE);
    const one = begin(MINE);
    assert.equal(
      await whenHeld(one),
      "another router serves n.r.policy.demo.chat, which this one rejects: InvalidExpression: too deep",
    );
    assert.ok(!one.opened());
    await bus.manager.streams.purge(`KV_${bus.names.buckets.acks}`, { filter: `$KV.${bus.names.buckets.acks}.>` });
    await whenOpen(one);
  });

  it("opens when the object is corrected", async () => {
    await acknowledge("old", SERVING);
    const one = begin(MINE);
    await whenHeld(one);
    one.opening.tableApplied({ ...MINE, appliedRevision: 8, rejected: [], rejectedCount: 0 });
    assert.ok(one.opened());
    assert.equal(one.opening.held, undefined);
  });

  for (const [name, other] of Object.entries<RouterAck>({
    "rejects it too": { ...MINE, podUid: "old" },
    "has not come to this head": { ...SERVING, appliedRevision: 6 },
    "speaks of another bucket": { ...SERVING, epoch: "before" },
    "rejects more than it lists": { ...SERVING, rejectedCount: 200 },
    "is itself": { ...SERVING, podUid: MINE.podUid },
  })) {
    it(`opens when the only other router ${name}`, async () => {
      await acknowledge("old", other);
      await whenOpen(begin(MINE));
    });
  }

  it("opens when nobody acknowledges at all", () => whenOpen(begin(MINE)));

  it("never opens after a stop", async () => {
    await acknowledge("old", SERVING);
    const one = begin(MINE);
    await whenHeld(one);
    one.opening.stop();
    one.opening.tableApplied({ ...MINE, rejected: [], rejectedCount: 0 });
    assert.ok(!one.opened());
  });
});
