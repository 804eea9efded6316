// The mirror against a real API server: pages, changes, restarts, a server that hangs, a kind that goes away and comes back.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import type { ObjectChange } from "../../../kubernetes/object-store.ts";
import { deleteObject, mergeObject } from "../../../kubernetes/objects.ts";
import { PAGE_SIZE } from "../../../kubernetes/reflector.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { eventually } from "../../support/await.ts";
import {
  CONFIG_MAP,
  configMap,
  create,
  DEADLINE_MS,
  FIELD_MANAGER,
  installLamps,
  LAMP,
  lamp,
  openClient,
  openMirror,
  removeLampKind,
} from "./world.ts";

/** More than two pages. */
const MANY = 2 * PAGE_SIZE + 7;
const ALL_AT_ONCE = 16;

async function createMany(client: KubernetesClient, prefix: string, count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await create(client, CONFIG_MAP, configMap(`${prefix}-${next++}`, { k: "v" }));
  };
  await Promise.all(Array.from({ length: ALL_AT_ONCE }, work));
}

describe("a mirror of a real API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;

  before(async function () {
    server = await startTestApiServer(this);
    client = await openClient(server);
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  it("lists in pages, then tells of each change, and keeps what it was told to keep", async () => {
    await createMany(client, "page", MANY);
    const seen: ObjectChange<KubernetesObject>[] = [];
    await using mirror = openMirror({
      client,
      type: CONFIG_MAP,
      namespace: "default",
      onChange: (changes) => seen.push(...changes),
    });
    await mirror.waitUntilSynced(DEADLINE_MS);
    assert.ok(mirror.status().objects >= MANY, `${mirror.status().objects} objects`);
    assert.equal(mirror.status().lists, 1);
    const listed = mirror.get({ namespace: "default", name: "page-3" });
    assert.deepEqual([listed?.kind, listed?.apiVersion, listed?.data], ["ConfigMap", "v1", { k: "v" }]);
    seen.length = 0;
    const ref = { namespace: "default", name: "page-3" };
    const patched = await mergeObject(client, CONFIG_MAP, ref, { data: { k: "w" } }, { fieldManager: FIELD_MANAGER });
    assert.ok(patched.ok);
    assert.ok((await deleteObject(client, CONFIG_MAP, { namespace: "default", name: "page-4" })).ok);
    await eventually(() => seen.length === 2, { deadlineMs: DEADLINE_MS, describe: () => `saw ${seen.length} of 2` });
    assert.deepEqual(
      seen.map(({ key, previous, current }) => [key, previous?.data, current?.data]),
      [
        ["default/page-3", { k: "v" }, { k: "w" }],
        ["default/page-4", { k: "v" }, undefined],
      ],
    );
  });

  it("reads metadata only when asked to", async () => {
    await using mirror = openMirror({ client, type: CONFIG_MAP, namespace: "default", metadataOnly: true });
    await mirror.waitUntilSynced(DEADLINE_MS);
    await create(client, CONFIG_MAP, configMap("only-metadata", { large: "text" }));
    const ref = { namespace: "default", name: "only-metadata" };
    const found = await eventually(() => mirror.get(ref), { deadlineMs: DEADLINE_MS, describe: "the object is there" });
    assert.equal(found.data, undefined);
    assert.equal(mirror.get({ namespace: "default", name: "page-5" })?.data, undefined);
    assert.ok(found.metadata.uid);
  });

  it("is in step with a kind of which there is nothing, whose list of metadata has null in place of items", async () => {
    const fieldSelector = "metadata.name=nobody-has-this-name";
    await using mirror = openMirror({
      client,
      type: CONFIG_MAP,
      namespace: "default",
      fieldSelector,
      metadataOnly: true,
    });
    await mirror.waitUntilSynced(DEADLINE_MS);
    assert.deepEqual([mirror.status().objects, mirror.status().failure], [0, undefined]);
  });

  it("goes on at the same version when the server ends the watch in order, with a bookmark and no second list", async () => {
    await using mirror = openMirror({ client, type: CONFIG_MAP, namespace: "default", watchSeconds: 5 });
    await eventually(() => mirror.status().watches >= 3, { deadlineMs: DEADLINE_MS, describe: "a third watch" });
    await create(client, CONFIG_MAP, configMap("after-watches", {}));
    await eventually(() => mirror.get({ namespace: "default", name: "after-watches" }), {
      deadlineMs: DEADLINE_MS,
      describe: "the object is there",
    });
    assert.deepEqual([mirror.status().lists, mirror.status().failure], [1, undefined]);
  });

  it("knows everything again after kill -9 of the server and of etcd, without losing a change in between", async () => {
    await using mirror = openMirror({ client, type: CONFIG_MAP, namespace: "default" });
    await mirror.waitUntilSynced(DEADLINE_MS);
    await server.kill("kube-apiserver");
    await eventually(() => mirror.status().failure?.kind === "Unreachable", {
      deadlineMs: DEADLINE_MS,
      describe: "the loss is known",
    });
    await server.kill("etcd");
    await server.restart();
    await create(client, CONFIG_MAP, configMap("after-the-kill", {}));
    await eventually(() => mirror.get({ namespace: "default", name: "after-the-kill" }), {
      deadlineMs: DEADLINE_MS,
      describe: () => `the object is there: ${JSON.stringify(mirror.status())}`,
    });
  });

  it("follows a kind that is removed and made again", async () => {
    await installLamps(server);
    await create(client, LAMP, lamp("old", 40));
    await using mirror = openMirror({ client, type: LAMP });
    await mirror.waitUntilSynced(DEADLINE_MS);
    await removeLampKind(server);
    await eventually(() => mirror.status().objects === 0 && mirror.status().failure?.kind === "NotFound", {
      deadlineMs: DEADLINE_MS,
      describe: () => `lamps are gone: ${JSON.stringify(mirror.status())}`,
    });
    await installLamps(server);
    await create(client, LAMP, lamp("new", 60));
    const found = await eventually(() => mirror.values().length === 1 && mirror.values()[0], {
      deadlineMs: DEADLINE_MS,
      describe: () => `the new lamp: ${JSON.stringify(mirror.status())}`,
    });
    assert.equal(found.metadata.name, "new");
  });

  it("names the kind and the reason when it may not list it", async () => {
    const { kubeconfigPath } = await server.signIn("nobody-special");
    const other = await openClient(Object.assign(Object.create(server), { kubeconfigPath }));
    await using mirror = openMirror({ client: other, type: LAMP });
    await assert.rejects(mirror.waitUntilSynced(2_000), {
      code: "PERMISSION_DENIED",
      message: /could not list lamps\.test\.beamline\.dev: .*"nobody-special" cannot list/,
    });
    other.close();
  });
});
