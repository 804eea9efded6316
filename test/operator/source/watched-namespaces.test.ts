// Which namespaces are watched, where that is fixed at the start.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import {
  MAX_NAMED_NAMESPACES,
  type NamespaceSelection,
  WatchedNamespaces,
} from "../../../operator/source/kubernetes/watched-namespaces.ts";
import { createLogger } from "../../../runtime/log.ts";
import { Peer } from "../../kubernetes/peers/peer.ts";

const log = createLogger({ service: "test", level: "silent" });

describe("the watched namespaces", () => {
  let peer: Peer;

  beforeEach(async () => {
    peer = await Peer.start();
  });

  afterEach(() => peer[Symbol.asyncDispose]());

  function watched(selection: NamespaceSelection): WatchedNamespaces {
    return new WatchedNamespaces({ client: peer.client(), selection, ownNamespace: "own", log });
  }

  it("are all, listed at once, without asking for namespaces", async () => {
    const namespaces = watched({ mode: "All" });
    namespaces.start();
    await namespaces.waitUntilSynced(1);
    assert.deepEqual([namespaces.includes("any"), namespaces.listedOneByOne()], [true, undefined]);
    assert.deepEqual(namespaces.status(), { synced: true, failure: undefined });
    await namespaces.stop();
    assert.deepEqual(peer.requests, []);
  });

  it("are those of a list and the operator's own, each once, without asking for namespaces", async () => {
    const namespaces = watched({ mode: "Named", names: ["team-b", "own", "team-a", "team-b"] });
    namespaces.start();
    await namespaces.waitUntilSynced(1);
    assert.deepEqual(namespaces.listedOneByOne(), ["own", "team-b", "team-a"]);
    assert.deepEqual(
      ["own", "team-a", "team-b", "team-c"].map((name) => namespaces.includes(name)),
      [true, true, true, false],
    );
    await namespaces.stop();
    assert.deepEqual(peer.requests, []);
  });

  it("refuses a name that is none, and more than there may be watches for", () => {
    assert.throws(() => watched({ mode: "Named", names: ["Team_A"] }), {
      code: "CONFIG_INVALID",
      message: /watched namespace "Team_A" must be a DNS label/,
    });
    const many = Array.from({ length: MAX_NAMED_NAMESPACES }, (_, index) => `team-${index}`);
    assert.throws(() => watched({ mode: "Named", names: many }), { code: "CONFIG_INVALID", hint: /label selector/ });
    assert.equal(watched({ mode: "Named", names: many.slice(1) }).listedOneByOne()?.length, MAX_NAMED_NAMESPACES);
  });
});
