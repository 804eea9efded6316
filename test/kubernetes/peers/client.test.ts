// One request at a time against peers that refuse, hang, hang up and throttle.
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, it } from "mocha";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { MAX_CONCURRENT_REQUESTS } from "../../../kubernetes/concurrency.ts";
import type { FailureKind } from "../../../kubernetes/failure.ts";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { eventually } from "../../support/await.ts";
import { Peer, sendJson, WIDGET } from "./peer.ts";

const DEADLINE_MS = 10_000;
const ALWAYS = (): boolean => true;

async function outcome(client: KubernetesClient, method: "GET" | "POST" = "GET"): Promise<FailureKind | "ok"> {
  const result = await client.request({ method, path: "/x", ...(method === "POST" ? { body: {} } : {}) });
  return result.ok ? "ok" : result.error.kind;
}

describe("a client of a peer", function () {
  this.timeout(2 * DEADLINE_MS);

  it("reads its credentials again when they are refused, once", async () => {
    await using peer = await Peer.start();
    const tokens = ["first", "second"];
    let reads = 0;
    const client = peer.client(async () => ({ token: tokens[Math.min(reads++, 1)] ?? "" }));
    let accepted = "first";
    peer.faults.push((request, response) => {
      const known = request.headers.authorization === `Bearer ${accepted}`;
      if (!known) sendJson(response, 401, { reason: "Unauthorized" });
      return !known;
    });
    assert.equal(await outcome(client), "ok");
    accepted = "second";
    // Read a moment ago: not again at once, for whoever is refused for good must not run a program in a loop.
    assert.equal(
      await eventually(async () => (await outcome(client)) === "ok" && "ok", {
        deadlineMs: DEADLINE_MS,
        describe: "the new token",
        everyMs: 100,
      }),
      "ok",
    );
    assert.equal(reads, 2);
    accepted = "third";
    assert.equal(await outcome(client), "Unauthorized");
    client.close();
  });

  it("obeys Retry-After, and gives up after its retries", async () => {
    await using peer = await Peer.start();
    peer.misbehave(1, ALWAYS, (_, response) => sendJson(response, 429, {}, { "retry-after": "1" }));
    const client = peer.client();
    const startMs = performance.now();
    assert.equal(await outcome(client), "ok");
    assert.ok(performance.now() - startMs >= 1_000);
    peer.misbehave(Number.POSITIVE_INFINITY, ALWAYS, (_, response) => sendJson(response, 429, {}));
    const before = peer.requests.length;
    const result = await client.request({ method: "GET", path: "/x", retries: 1 });
    assert.equal(result.ok ? "ok" : result.error.kind, "Throttled");
    assert.equal(peer.requests.length - before, 2);
    client.close();
  });

  it("has a bounded number of requests under way, and lets an urgent one pass", async () => {
    await using peer = await Peer.start();
    const held: (() => void)[] = [];
    peer.faults.push((_, response, url) => {
      if (url.pathname !== "/x") return false;
      held.push(() => sendJson(response, 200, {}));
      return true;
    });
    const client = peer.client();
    const all = Array.from({ length: MAX_CONCURRENT_REQUESTS + 5 }, () => outcome(client));
    await eventually(() => held.length === MAX_CONCURRENT_REQUESTS, {
      deadlineMs: DEADLINE_MS,
      describe: "all but five",
    });
    const urgent = await client.request({ method: "GET", path: "/urgent", urgent: true });
    assert.ok(urgent.ok);
    assert.equal(held.length, MAX_CONCURRENT_REQUESTS);
    for (let next = 0; next < all.length; next++) {
      await eventually(() => held[next] !== undefined, { deadlineMs: DEADLINE_MS, describe: "the next" });
      held[next]?.();
    }
    assert.deepEqual(new Set(await Promise.all(all)), new Set(["ok"]));
    client.close();
  });

  it("repeats what a kept connection did not deliver, unless it creates something", async () => {
    for (const method of ["GET", "POST"] as const) {
      await using peer = await Peer.start();
      const client = peer.client();
      assert.equal(await outcome(client), "ok");
      peer.misbehave(1, ALWAYS, (request: IncomingMessage) => request.socket.destroy());
      assert.equal(await outcome(client, method), method === "GET" ? "ok" : "Unreachable");
      client.close();
    }
  });

  it("frames the body of a delete, so that the next request on the connection is understood", async () => {
    await using peer = await Peer.start();
    const bodies: Promise<string>[] = [];
    peer.misbehave(1, ALWAYS, (request, response) => {
      bodies.push(text(request));
      request.once("end", () => sendJson(response, 200, {}));
    });
    const client = peer.client();
    assert.ok((await deleteObject(client, WIDGET, { name: "a" }, { uid: "u-ü" })).ok);
    assert.equal(JSON.parse((await bodies[0]) ?? "").preconditions.uid, "u-ü");
    assert.equal(await outcome(client), "ok");
    client.close();
  });

  it("ends a request that hangs, by its time and by its signal", async () => {
    await using peer = await Peer.start();
    peer.misbehave(Number.POSITIVE_INFINITY, ALWAYS, () => undefined);
    const client = peer.client();
    const late = await client.request({ method: "GET", path: "/x", timeoutMs: 200 });
    assert.deepEqual(late.ok ? "ok" : [late.error.kind, late.error.message], [
      "Unreachable",
      "no answer within 200 ms",
    ]);
    const abort = new AbortController();
    const stopped = client.request({ method: "GET", path: "/x", signal: abort.signal });
    await eventually(() => peer.requests.length === 2, { deadlineMs: DEADLINE_MS, describe: "the second request" });
    abort.abort();
    const result = await stopped;
    assert.equal(result.ok ? "ok" : result.error.kind, "Stopped");
    client.close();
  });

  it("calls half an answer, an answer that is no JSON, and no server at all by their names", async () => {
    const peer = await Peer.start();
    const client = peer.client();
    peer.misbehave(1, ALWAYS, (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write('{"half":', () => response.destroy());
    });
    assert.equal(await outcome(client), "Unreachable");
    peer.misbehave(1, ALWAYS, (_, response) => response.end("<html>"));
    assert.equal(await outcome(client), "ServerError");
    await peer[Symbol.asyncDispose]();
    assert.equal(await outcome(client), "Unreachable");
    client.close();
  });

  it("writes nothing for a process that does not lead, and still reads", async () => {
    await using peer = await Peer.start();
    let leads = true;
    const client = peer.client().guardedBy(() => leads);
    assert.equal(await outcome(client, "POST"), "ok");
    leads = false;
    assert.equal(await outcome(client, "POST"), "Stopped");
    assert.equal(await outcome(client), "ok");
    assert.deepEqual(peer.requests, ["POST /x", "GET /x"]);
    client.close();
  });
});
