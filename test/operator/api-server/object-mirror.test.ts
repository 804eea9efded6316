// The mirror of our objects on a real API server: what it holds, what it tells of, and which namespaces it sees.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { deleteObject } from "../../../kubernetes/objects.ts";
import type { MirrorChange, ObjectMirror } from "../../../operator/source/kubernetes/object-mirror.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { installCrds } from "../../cluster/crds/crds.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { DEADLINE_MS, openClient } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import {
  createNamespace,
  createObject,
  labelNamespace,
  OWN_NAMESPACE,
  object,
  openClientWith,
  openObjectMirror,
  patch,
  policy,
} from "./world.ts";

const { RoutingPolicy, Provider } = RESOURCE_TYPES;
const MANY = 1_000;
const ALL_AT_ONCE = 16;
const BEAMLINE = { apiGroups: ["beamline.dev"], verbs: ["get", "list", "watch"] };

/** What was told since the last look. */
function listenTo(mirror: ObjectMirror): MirrorChange[] {
  const seen: MirrorChange[] = [];
  mirror.onChange((changes) => seen.push(...changes));
  return seen;
}

function show(changes: readonly MirrorChange[]): string[] {
  return changes.map(({ kind, previous, current, specChanged }) => {
    const { namespace, name } = (current ?? previous)?.meta ?? { namespace: "", name: "" };
    const what = previous === undefined ? "new" : current === undefined ? "gone" : specChanged ? "spec" : "status";
    return `${what} ${kind} ${namespace}/${name}`;
  });
}

function names(mirror: ObjectMirror): string[] {
  return [...mirror.objects("RoutingPolicy")].map(({ meta }) => `${meta.namespace}/${meta.name}`).sort();
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: ALL_AT_ONCE }, worker));
}

describe("the mirror of our objects", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;

  before(async function () {
    server = await startTestApiServer(this);
    await installCrds(server);
    client = await openClient(server);
    for (const namespace of [OWN_NAMESPACE, "many", "team-a", "team-b", "team-c"]) {
      await createNamespace(client, namespace, namespace === "team-a" ? { beamline: "yes" } : {});
    }
    for (const namespace of ["team-a", "team-b", "team-c", OWN_NAMESPACE]) {
      await createObject(client, policy(namespace, "chat"));
    }
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  const seeMany = (seen: readonly MirrorChange[], count: number): Promise<boolean> =>
    eventually(() => seen.length >= count, {
      deadlineMs: DEADLINE_MS,
      describe: () => `saw ${seen.length} of ${count}`,
    });

  it("holds every kind, defaulted, and tells of 1,000 status writes that no spec has changed", async () => {
    const all = Array.from({ length: MANY }, (_, index) => `policy-${index}`);
    await forEach(all, async (name) => void (await createObject(client, policy("many", name))));
    await createObject(client, object("Tenant", "acme", undefined, { namespaces: ["many"] }));
    await createObject(client, object("Provider", "openai", "many"));
    await createObject(client, object("Router", "default", OWN_NAMESPACE));
    await using mirror = openObjectMirror(client);
    const seen = listenTo(mirror);
    await mirror.waitUntilSynced(DEADLINE_MS);
    assert.equal(mirror.failures(), undefined);
    assert.deepEqual(show(seen), [], "what the first lists held is no change");
    assert.equal(names(mirror).filter((name) => name.startsWith("many/")).length, MANY);
    assert.equal(mirror.get("Tenant", { namespace: "anything", name: "acme" })?.meta.namespace, "");
    assert.ok(mirror.get("Provider", { namespace: "many", name: "openai" }));
    assert.ok(mirror.get("Router", { namespace: OWN_NAMESPACE, name: "default" }));
    const before = mirror.get("RoutingPolicy", { namespace: "many", name: "policy-7" });
    assert.ok(before !== undefined);
    assert.equal(before.meta.generation, 1);
    assert.ok(before.meta.creationMs > 0 && before.meta.uid !== "");
    assert.doesNotMatch(JSON.stringify(before), /managedFields/);
    assert.equal((before.spec as { providers: { weight: number }[] }).providers[0]?.weight, 1);

    const condition = {
      type: "Accepted",
      status: "True",
      reason: "Accepted",
      message: "",
      observedGeneration: 1,
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const status = { observedGeneration: 1, conditions: [condition] };
    await forEach(all, (name) => patch(client, RoutingPolicy, { namespace: "many", name }, { status }, "status"));
    await seeMany(seen, MANY);
    assert.equal(seen.length, MANY);
    assert.equal(seen.filter(({ specChanged }) => specChanged).length, 0);
    const after = mirror.get("RoutingPolicy", { namespace: "many", name: "policy-7" });
    assert.deepEqual(after?.conditions, [condition]);
    assert.notEqual(after?.resourceVersion, before.resourceVersion);
  });

  it("tells of a changed spec, of labels, of a deletion that waits, and of the end", async () => {
    await using mirror = openObjectMirror(client);
    await mirror.waitUntilSynced(DEADLINE_MS);
    const seen = listenTo(mirror);
    const ref = { namespace: "team-b", name: "openai" };
    await createObject(client, object("Provider", ref.name, ref.namespace));
    await patch(client, Provider, ref, { spec: { drain: "Graceful" } });
    await patch(client, Provider, ref, { metadata: { labels: { tier: "gold" }, finalizers: ["test.example/hold"] } });
    await patch(client, Provider, ref, { metadata: { annotations: { note: "nobody reads it" } } });
    assert.ok((await deleteObject(client, Provider, ref)).ok);
    await seeMany(seen, 5);
    assert.equal(mirror.get("Provider", ref)?.deleting, true);
    await patch(client, Provider, ref, { metadata: { finalizers: null } });
    await seeMany(seen, 6);
    const of = "Provider team-b/openai";
    assert.deepEqual(show(seen), [`new ${of}`, `spec ${of}`, `spec ${of}`, `status ${of}`, `spec ${of}`, `gone ${of}`]);
    assert.equal(mirror.get("Provider", ref), undefined);
  });

  it("follows a label selector: objects come and go with their namespace", async () => {
    await using mirror = openObjectMirror(client, { mode: "Labelled", selector: "beamline=yes" });
    await mirror.waitUntilSynced(DEADLINE_MS);
    const seen = listenTo(mirror);
    const own = `${OWN_NAMESPACE}/chat`;
    assert.deepEqual(names(mirror), [own, "team-a/chat"]);
    await labelNamespace(client, "team-c", { beamline: "yes" });
    await seeMany(seen, 1);
    await labelNamespace(client, "team-a", { beamline: null });
    await seeMany(seen, 2);
    await patch(client, RoutingPolicy, { namespace: "team-a", name: "chat" }, { spec: { policyId: "unseen" } });
    await patch(client, RoutingPolicy, { namespace: "team-c", name: "chat" }, { spec: { policyId: "seen" } });
    await seeMany(seen, 3);
    assert.deepEqual(show(seen), [
      "new RoutingPolicy team-c/chat",
      "gone RoutingPolicy team-a/chat",
      "spec RoutingPolicy team-c/chat",
    ]);
    assert.deepEqual(names(mirror), [own, "team-c/chat"]);
    assert.equal(mirror.get("RoutingPolicy", { namespace: "team-a", name: "chat" }), undefined);
    // Its own namespace stays, whatever its labels are.
    await labelNamespace(client, OWN_NAMESPACE, { beamline: "yes" });
    await labelNamespace(client, OWN_NAMESPACE, { beamline: null });
    await labelNamespace(client, "team-a", { beamline: "yes" });
    await seeMany(seen, 4);
    assert.deepEqual(names(mirror), [own, "team-a/chat", "team-c/chat"]);
    assert.equal(seen.length, 4);
  });

  it("needs no more than Roles in the namespaces that are named, and says where one lacks", async () => {
    const namespaced = { ...BEAMLINE, resources: ["routingpolicies", "providers", "pipelines", "routers"] };
    const restricted = await openClientWith(server, "only-roles", [
      { rules: [{ ...BEAMLINE, resources: ["tenants"] }] },
      { namespace: OWN_NAMESPACE, rules: [namespaced] },
      { namespace: "team-b", rules: [namespaced] },
    ]);
    {
      await using mirror = openObjectMirror(restricted, { mode: "Named", names: ["team-b"] });
      await mirror.waitUntilSynced(DEADLINE_MS);
      assert.deepEqual([names(mirror), mirror.failures()], [[`${OWN_NAMESPACE}/chat`, "team-b/chat"], undefined]);
      const seen = listenTo(mirror);
      await createObject(client, policy("team-b", "second"));
      await createObject(client, policy("team-c", "unseen"));
      await seeMany(seen, 1);
      assert.deepEqual(show(seen), ["new RoutingPolicy team-b/second"]);
      assert.equal(mirror.get("RoutingPolicy", { namespace: "team-c", name: "unseen" }), undefined);
    }
    await using mirror = openObjectMirror(restricted, { mode: "Named", names: ["team-b", "team-c"] });
    await eventually(() => mirror.failures()?.includes("team-b") === false, {
      deadlineMs: DEADLINE_MS,
      describe: () => `only one namespace fails: ${mirror.failures()}`,
    });
    assert.match(mirror.failures() ?? "", /RoutingPolicy in namespace team-c: .*cannot list/);
    await assert.rejects(mirror.waitUntilSynced(500), { code: "PERMISSION_DENIED" });
    restricted.close();
  });
});
