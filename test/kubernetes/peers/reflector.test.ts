// The mirror against peers that misbehave on the wire. Each time it ends equal to what the peer holds, without a storm of requests.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Reflector } from "../../../kubernetes/reflector.ts";
import { createLogger } from "../../../runtime/log.ts";
import { eventually } from "../../support/await.ts";
import { isList, isWatch, openStream, Peer, sendJson, WIDGET } from "./peer.ts";

const DEADLINE_MS = 20_000;
const log = createLogger({ service: "test", level: "silent" });

interface Mirror extends AsyncDisposable {
  readonly reflector: Reflector<string>;
  readonly calls: string[][];
  /** Waits until the mirror holds exactly these names. */
  holds(...names: readonly string[]): Promise<unknown>;
}

function mirrorOf(peer: Peer, onChange: () => void = () => undefined): Mirror {
  const client = peer.client();
  const calls: string[][] = [];
  const reflector = new Reflector<string>({
    client,
    type: WIDGET,
    log,
    watchSeconds: 1,
    convert: ({ metadata }) => metadata.name,
    onChange: (changes) => {
      calls.push(changes.map(({ key }) => key));
      onChange();
    },
  });
  reflector.start();
  return {
    reflector,
    calls,
    holds: (...names) =>
      eventually(() => JSON.stringify(reflector.values().toSorted()) === JSON.stringify(names), {
        deadlineMs: DEADLINE_MS,
        describe: () => `${JSON.stringify(reflector.values())} to be ${JSON.stringify(names)}`,
      }),
    [Symbol.asyncDispose]: async () => {
      await reflector.stop();
      client.close();
    },
  };
}

describe("a mirror of a peer", function () {
  this.timeout(2 * DEADLINE_MS);

  it("survives one failure of each kind, of a list and of a watch", async () => {
    for (const status of [429, 500, 503, 502]) {
      await using peer = await Peer.start();
      peer.put("a");
      peer.misbehave(1, isList, (_, response) => sendJson(response, status, "<html>"));
      peer.misbehave(1, isWatch, (_, response) => sendJson(response, status, { kind: "Status", code: status }));
      await using mirror = mirrorOf(peer);
      await mirror.holds("a");
      await eventually(() => peer.watchers.size === 1, { deadlineMs: DEADLINE_MS, describe: "a watch" });
      peer.put("b");
      await mirror.holds("a", "b");
      assert.equal(mirror.reflector.status().failure, undefined);
      assert.deepEqual([peer.lists, peer.watches], [2, 2], `${status}`);
    }
  });

  it("waits as long as a server that is overloaded asks it to", async () => {
    await using peer = await Peer.start();
    const refusedAtMs: number[] = [];
    peer.misbehave(1, isWatch, (_, response) => {
      refusedAtMs.push(performance.now());
      sendJson(response, 429, {}, { "retry-after": "2" });
    });
    await using mirror = mirrorOf(peer);
    await eventually(() => peer.watchers.size === 1, { deadlineMs: DEADLINE_MS, describe: "a watch" });
    assert.ok(performance.now() - (refusedAtMs[0] ?? 0) >= 2_000);
    assert.equal(mirror.reflector.status().lists, 1);
  });

  it("lists again when its version is forgotten, by status and by event", async () => {
    await using peer = await Peer.start();
    peer.put("a");
    const expired = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } };
    peer.misbehave(1, isWatch, (_, response) => {
      openStream(response);
      // The stream stays open: the event alone must end it.
      response.write(`${JSON.stringify(expired)}\n`);
    });
    await using mirror = mirrorOf(peer);
    await eventually(() => peer.watchers.size === 1, { deadlineMs: DEADLINE_MS, describe: "a watch" });
    assert.equal(peer.lists, 2);
    peer.forget();
    for (const watcher of peer.watchers) watcher.end();
    await eventually(() => peer.lists === 3, { deadlineMs: DEADLINE_MS, describe: "a third list" });
    peer.put("b");
    await mirror.holds("a", "b");
  });

  it("goes on where it was when a connection is cut in the middle of a line", async () => {
    await using peer = await Peer.start();
    peer.put("a");
    await using mirror = mirrorOf(peer);
    await eventually(() => peer.watchers.size === 1, { deadlineMs: DEADLINE_MS, describe: "a watch" });
    const [watcher] = peer.watchers;
    peer.put("b");
    await mirror.holds("a", "b");
    const half = '{"type":"ADDED","object":{"metadata":{"name":"half","uid":"u","resou';
    watcher?.write(half, () => watcher.destroy());
    peer.watchers.clear();
    peer.put("c");
    await mirror.holds("a", "b", "c");
    assert.equal(peer.lists, 1);
    assert.deepEqual(mirror.calls.flat(), ["a", "b", "c"], "each change once");
  });

  it("finds a connection that is open and says nothing, by the end that the server owes", async () => {
    await using peer = await Peer.start();
    peer.misbehave(1, isWatch, (_, response) => openStream(response));
    await using mirror = mirrorOf(peer);
    await eventually(() => peer.watches === 1, { deadlineMs: DEADLINE_MS, describe: "the silent watch" });
    const startMs = performance.now();
    peer.put("unseen");
    await mirror.holds("unseen");
    const foundMs = performance.now() - startMs;
    assert.equal(peer.lists, 1, "no second list was needed");
    assert.ok(foundMs >= 5_000, `it was silent for ${foundMs} ms only`);
  });

  it("does not run hot against a server that ends each watch at once", async () => {
    await using peer = await Peer.start();
    peer.put("a");
    peer.misbehave(Number.POSITIVE_INFINITY, isWatch, (_, response) => {
      openStream(response);
      response.end();
    });
    const startMs = performance.now();
    await using mirror = mirrorOf(peer);
    await eventually(() => peer.watches === 3, { deadlineMs: DEADLINE_MS, describe: "the third try" });
    // Half of 0.8 s, then half of 1.6 s at the least.
    assert.ok(performance.now() - startMs >= 1_200);
    await mirror.holds("a");
  });

  it("goes on after a callback that throws", async () => {
    await using peer = await Peer.start();
    peer.put("a");
    await using mirror = mirrorOf(peer, () => {
      throw new Error("a bug");
    });
    await mirror.holds("a");
    await eventually(() => peer.watchers.size === 1, { deadlineMs: DEADLINE_MS, describe: "a watch" });
    peer.put("b");
    await mirror.holds("a", "b");
    assert.deepEqual(mirror.calls, [["a"], ["b"]]);
  });

  it("takes no 404 for a deletion: what it holds stays until a list that works says otherwise", async () => {
    await using peer = await Peer.start();
    peer.put("a");
    await using mirror = mirrorOf(peer);
    await mirror.holds("a");
    const both = [isList, isWatch];
    for (const matches of both) {
      const times = Number.POSITIVE_INFINITY;
      peer.misbehave(times, matches, (_, response) => sendJson(response, 404, { kind: "Status", reason: "NotFound" }));
    }
    for (const watcher of peer.watchers) watcher.destroy();
    const listsBefore = peer.lists;
    await eventually(() => peer.lists >= listsBefore + 2, { deadlineMs: DEADLINE_MS, describe: "two more lists" });
    assert.equal(mirror.reflector.status().failure?.kind, "NotFound");
    await mirror.holds("a");
    assert.deepEqual(mirror.calls, [["a"]]);
    peer.faults.length = 0;
    peer.put("b");
    await mirror.holds("a", "b");
    assert.deepEqual(mirror.calls, [["a"], ["b"]]);
  });

  it("ends at once, whatever it waits for", async () => {
    await using peer = await Peer.start();
    peer.misbehave(1, isList, () => undefined);
    const waiting = mirrorOf(peer);
    await eventually(() => peer.lists === 1, { deadlineMs: DEADLINE_MS, describe: "the list" });
    const synced = assert.rejects(waiting.reflector.waitUntilSynced(DEADLINE_MS), /could not list widgets/);
    await waiting[Symbol.asyncDispose]();
    await synced;
    assert.equal(waiting.reflector.status().synced, false);
  });
});
