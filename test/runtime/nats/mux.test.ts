// The mux against a real nats-server: each kind of answer, the deadline, capacity, and restarts of the server.
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { type GetResult, Mux, type MuxReply, type PublishResult } from "../../../runtime/nats/mux.ts";
import { ensureStream } from "../../../runtime/nats/streams.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";

const log = createLogger({ service: "test", level: "silent" });
const BODY = Buffer.from("work");
const TIMEOUT_MS = 5_000;

describe("nats mux", function () {
  this.timeout(30_000);
  let nats: TestNats;
  let link: NatsLink;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    link = await connectNats({ url: nats.url, name: "mux-test", timeoutMs: TIMEOUT_MS, log });
    const jsm = await jetstreamManager(link.nc);
    await ensureStream(jsm, { name: "WORK", subjects: ["work.>"], allowMessageTtl: true });
    await ensureStream(jsm, { name: "SMALL", subjects: ["small.>"], maxMessages: 2, discard: "new" });
  });

  after(async () => {
    await link?.close();
    await nats?.stop();
  });

  function publish(
    subject: string,
    options: Partial<Parameters<Mux["publish"]>[2]> = {},
    mux: Mux = link.mux,
  ): Promise<PublishResult> {
    return new Promise((resolve) => mux.publish(subject, BODY, { timeoutMs: TIMEOUT_MS, ...options }, resolve));
  }

  function get(subject: string, stream = "WORK"): Promise<GetResult> {
    return new Promise((resolve) => link.mux.directGetLast(stream, subject, TIMEOUT_MS, resolve));
  }

  function request(subject: string, timeoutMs: number, mux: Mux = link.mux): Promise<MuxReply> {
    return new Promise((resolve) => mux.request(subject, BODY, undefined, timeoutMs, resolve));
  }

  it("reads a PubAck", async () => {
    const first = await publish("work.ack");
    assert.equal(first.kind, "stored");
    assert.ok(first.kind === "stored" && first.stream === "WORK" && !first.duplicate);
    const second = await publish("work.ack");
    assert.ok(second.kind === "stored" && second.sequence === first.sequence + 1);
  });

  it("takes the empty 503 of a subject without a stream for a failure", async () => {
    assert.deepEqual(await publish("nobody.listens"), { kind: "unavailable", reason: "no_responders" });
    assert.deepEqual(await request("nobody.listens", TIMEOUT_MS), { kind: "unavailable", reason: "no_responders" });
    assert.deepEqual(await get("work.ack", "NO_SUCH_STREAM"), { kind: "unavailable", reason: "no_responders" });
  });

  it("tells a duplicate message id", async () => {
    const first = await publish("work.duplicate", { msgId: "id-1" });
    const second = await publish("work.duplicate", { msgId: "id-1" });
    assert.ok(first.kind === "stored" && second.kind === "stored");
    assert.deepEqual([first.duplicate, second.duplicate], [false, true]);
    assert.equal(second.sequence, first.sequence);
  });

  it("tells a conflict on the subject, with the sequence that stands", async () => {
    const first = await publish("work.claim", { expectLastSequence: 0 });
    assert.ok(first.kind === "stored");
    const second = await publish("work.claim", { expectLastSequence: 0 });
    assert.deepEqual(second, { kind: "conflict", lastSequence: first.sequence });
    const next = await publish("work.claim", { expectLastSequence: first.sequence });
    assert.equal(next.kind, "stored");
  });

  it("lets one of many publishes win under one expectation on a wildcard", async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        publish(`work.to.e1.ns.p${index}`, { expectLastSequence: 0, expectSubject: "work.to.e1.>" }),
      ),
    );
    const kinds = results.map((result) => result.kind);
    assert.equal(kinds.filter((kind) => kind === "stored").length, 1);
    assert.ok(kinds.every((kind) => kind === "stored" || kind === "conflict" || kind === "inFlight"));
    const standing = await get("work.to.e1.>");
    assert.equal(standing.kind, "found");
    assert.ok(standing.kind === "found" && standing.subject.startsWith("work.to.e1.ns.p"));
  });

  it("tells a stream's limit", async () => {
    await publish("small.1");
    await publish("small.2");
    assert.deepEqual(await publish("small.3"), { kind: "full", code: 10077, description: "maximum messages exceeded" });
  });

  it("keeps headers, and refuses those that would inject another", async () => {
    const stored = await publish("work.headers", {
      headerLines: "Constant: yes\r\n",
      headers: [
        ["Tenant", "größe"],
        ["Trace", "t-1"],
      ],
      ttlMs: 60_000,
    });
    assert.equal(stored.kind, "stored");
    const found = await get("work.headers");
    assert.ok(found.kind === "found");
    assert.deepEqual(Buffer.from(found.data), BODY);
    assert.equal(found.headers.get("Constant"), "yes");
    assert.equal(found.headers.get("Tenant"), "größe");
    assert.equal(found.headers.get("Nats-TTL"), "60s");
    for (const pair of [
      ["A", "x\r\nNats-Msg-Id: y"],
      ["A:b", "x"],
      ["A b", "x"],
      ["", "x"],
    ] as const) {
      const refused = await publish("work.headers", { headers: [pair] });
      assert.ok(refused.kind === "rejected" && refused.code === 0, JSON.stringify(pair));
    }
    const refused = await publish("work.headers", { msgId: "a\nb" });
    assert.ok(refused.kind === "rejected" && /line break/.test(refused.description));
  });

  it("says why a message cannot be sent", async () => {
    const tooLarge = await new Promise<PublishResult>((resolve) =>
      link.mux.publish("work.large", Buffer.alloc(2 * 1024 * 1024), { timeoutMs: TIMEOUT_MS }, resolve),
    );
    assert.ok(tooLarge.kind === "rejected" && /max_payload/.test(tooLarge.description));
    const badSubject = await publish("work. space");
    assert.ok(badSubject.kind === "rejected" && badSubject.code === 0);
    assert.equal(link.mux.inFlight(), 0);
  });

  it("reads each refusal that a server can give", async () => {
    let body = "";
    const server = link.nc.subscribe("refusals", { callback: (_error, msg) => void msg.respond(body) });
    const answered = (text: string): Promise<PublishResult> => {
      body = text;
      return publish("refusals");
    };
    const refused = (code: number): string =>
      JSON.stringify({ error: { code: 400, err_code: code, description: "no" }, stream: "WORK", seq: 0 });
    for (const code of [10164, 10158]) assert.deepEqual(await answered(refused(code)), { kind: "inFlight" });
    for (const code of [10002, 10023, 10028, 10047, 10077]) {
      assert.deepEqual(await answered(refused(code)), { kind: "full", code, description: "no" });
    }
    assert.deepEqual(await answered(refused(10008)), { kind: "unavailable", reason: "no_responders" });
    assert.deepEqual(await answered(refused(10167)), { kind: "unavailable", reason: "overloaded" });
    assert.deepEqual(await answered(refused(10060)), { kind: "rejected", code: 10060, description: "no" });
    for (const text of ["", "{}", "null", "[]", "not json", '{"stream":"WORK"}', '{"stream":"WORK","seq":0}']) {
      const result = await answered(text);
      assert.ok(result.kind === "rejected" && result.code === 0, text);
    }
    server.unsubscribe();
  });

  it("finds nothing where nothing is", async () => {
    assert.deepEqual(await get("work.never"), { kind: "missing" });
  });

  it("gives up at the deadline and drops the reply that comes later", async () => {
    const replies: string[] = [];
    const silent = link.nc.subscribe("slow.service", { callback: (_error, msg) => void replies.push(msg.reply ?? "") });
    const result = await request("slow.service", 60);
    assert.deepEqual(result, { kind: "unavailable", reason: "timeout" });
    assert.equal(replies.length, 1);
    const next = request("slow.service", TIMEOUT_MS);
    await eventually(() => replies.length === 2, { deadlineMs: TIMEOUT_MS, describe: "the second request arrives" });
    link.nc.publish(replies[0] as string, Buffer.from("late"));
    link.nc.publish(replies[1] as string, Buffer.from("mine"));
    const reply = await next;
    assert.ok(reply.kind === "reply" && reply.msg.string() === "mine");
    silent.unsubscribe();
  });

  it("refuses what is over its capacity, and calls back only after returning", async () => {
    const mux = new Mux(link.nc, { capacity: 2 });
    const silent = link.nc.subscribe("never.answers", { callback: () => undefined });
    const waiting = [request("never.answers", 80, mux), request("never.answers", 80, mux)];
    let returned = false;
    const third = new Promise<MuxReply>((resolve) => {
      mux.request("never.answers", BODY, undefined, 80, (result) => {
        assert.ok(returned);
        resolve(result);
      });
      returned = true;
    });
    assert.deepEqual(await third, { kind: "unavailable", reason: "overloaded" });
    for (const result of await Promise.all(waiting))
      assert.deepEqual(result, { kind: "unavailable", reason: "timeout" });
    await mux.idle();
    silent.unsubscribe();
  });

  it("calls every callback exactly once over restarts of the server", async () => {
    const calls = new Map<number, PublishResult["kind"][]>();
    let sent = 0;
    const send = (): void => {
      const id = sent++;
      calls.set(id, []);
      link.mux.publish(`work.restart.${id % 100}`, BODY, { timeoutMs: TIMEOUT_MS, msgId: `r-${id}` }, (result) =>
        calls.get(id)?.push(result.kind),
      );
    };
    const pump = setInterval(() => {
      for (let burst = 0; burst < 20; burst++) send();
    }, 2);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const before = sent;
      await eventually(() => sent > before + 500, { deadlineMs: TIMEOUT_MS, describe: "500 more are sent" });
      await nats.restart(signal);
      await eventually(() => link.connected(), { deadlineMs: 10_000, describe: "the link is back" });
    }
    clearInterval(pump);
    await link.mux.idle();
    const kinds = [...calls.values()];
    assert.equal(kinds.length, sent);
    assert.ok(kinds.every((list) => list.length === 1));
    assert.ok(kinds.some(([kind]) => kind === "stored") && kinds.some(([kind]) => kind === "unavailable"));
    assert.ok((await publish("work.restart.after")).kind === "stored");
  });
});
