// Statuses and events on a real API server: as few writes as possible, each of the newest, and nobody else's touched.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { applyObject } from "../../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { EVENT_BURST } from "../../../kubernetes/event-series.ts";
import { EVENT_TYPE, type EventOccurrence, EventRecorder } from "../../../kubernetes/events.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { collectionPath } from "../../../kubernetes/object.ts";
import { deleteObject, mergeObject, readObject } from "../../../kubernetes/objects.ts";
import type { StatusWrite } from "../../../kubernetes/send-status.ts";
import { StatusWriter } from "../../../kubernetes/status-writer.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { eventually } from "../../support/await.ts";
import {
  create,
  DEADLINE_MS,
  FIELD_MANAGER,
  installLamps,
  LAMP,
  lamp,
  openClient,
  openMirror,
  quiet,
} from "./world.ts";

const TIME = "2026-01-02T03:04:05Z";

interface ConditionLike {
  readonly type: string;
  readonly status: string;
}

function condition(type: string, status: string): ConditionLike {
  return { type, status, reason: "Test", message: "", lastTransitionTime: TIME } as ConditionLike;
}

function statusOf(object: KubernetesObject): { readonly conditions?: readonly ConditionLike[] } {
  return (object.status ?? {}) as { readonly conditions?: readonly ConditionLike[] };
}

function writeFor(object: KubernetesObject, ...conditions: readonly ConditionLike[]): StatusWrite {
  const { namespace = "default", name, uid = "", generation = 1 } = object.metadata;
  return { type: LAMP, ref: { namespace, name }, uid, status: { observedGeneration: generation, conditions } };
}

describe("statuses and events on a real API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;

  before(async function () {
    server = await startTestApiServer(this);
    client = await openClient(server);
    await installLamps(server);
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  const newWriter = (): StatusWriter => new StatusWriter({ client, fieldManager: FIELD_MANAGER, log: quiet });
  const read = async (name: string): Promise<KubernetesObject> => {
    const result = await readObject(client, LAMP, { namespace: "default", name });
    assert.ok(result.ok);
    return result.value;
  };

  it("writes one status for each of 300 objects, however often it is told the same, and none after a restart", async () => {
    const lamps = await Promise.all(
      Array.from({ length: 300 }, (_, index) => create(client, LAMP, lamp(`many-${index}`, 1))),
    );
    const writer = newWriter();
    for (let pass = 0; pass < 5; pass++) {
      for (const object of lamps)
        writer.set(writeFor(object, condition("Ready", "True"), condition("Accepted", "True")));
    }
    await writer.idle();
    for (const object of lamps) writer.set(writeFor(object, condition("Accepted", "True"), condition("Ready", "True")));
    await writer.idle();
    assert.deepEqual([writer.counts().writes, writer.counts().failures], [300, 0]);
    await using mirror = openMirror({ client, type: LAMP });
    await mirror.waitUntilSynced(DEADLINE_MS);
    const restarted = newWriter();
    for (const object of mirror.values()) {
      const observed = { status: object.status, resourceVersion: object.metadata.resourceVersion };
      restarted.set({ ...writeFor(object, condition("Ready", "True"), condition("Accepted", "True")), observed });
    }
    await restarted.idle();
    assert.equal(restarted.counts().writes, 0);
  });

  it("ends with the newest status of a storm, in at most two writes", async () => {
    const object = await create(client, LAMP, lamp("stormy", 1));
    const writer = newWriter();
    for (let step = 0; step < 200; step++)
      writer.set(writeFor(object, condition("Ready", step % 2 === 0 ? "True" : "False")));
    await writer.idle();
    assert.deepEqual(
      statusOf(await read("stormy")).conditions?.map(({ status }) => status),
      ["False"],
    );
    assert.ok(writer.counts().writes <= 2, `${writer.counts().writes} writes`);
  });

  it("keeps a condition of somebody else, puts back what somebody took, and takes back what it leaves out", async () => {
    const object = await create(client, LAMP, lamp("shared", 1));
    const writer = newWriter();
    writer.set(writeFor(object, condition("Ready", "True"), condition("PartiallySupported", "True")));
    await writer.idle();
    const identity = {
      apiVersion: "test.beamline.dev/v1",
      kind: "Lamp",
      metadata: { namespace: "default", name: "shared" },
    };
    const foreign = { ...identity, status: { conditions: [condition("Theirs", "True"), condition("Ready", "False")] } };
    const options = { fieldManager: "somebody", force: true, subresource: "status" };
    assert.ok((await applyObject(client, LAMP, foreign, options)).ok);
    const changed = await read("shared");
    const observed = { status: changed.status, resourceVersion: changed.metadata.resourceVersion };
    writer.set({ ...writeFor(object, condition("Ready", "True"), condition("PartiallySupported", "True")), observed });
    await writer.idle();
    writer.set(writeFor(object, condition("Ready", "True")));
    await writer.idle();
    const conditions = statusOf(await read("shared")).conditions?.map(({ type, status }) => `${type}=${status}`);
    assert.deepEqual(conditions?.toSorted(), ["Ready=True", "Theirs=True"]);
    assert.equal(writer.counts().writes, 3);
  });

  it("gets each status through while somebody keeps changing the objects, with one write a status", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `busy-${index}`);
    const lamps = await Promise.all(names.map((name) => create(client, LAMP, lamp(name, 1))));
    const writer = newWriter();
    let editing = true;
    const edits = names.map(async (name) => {
      for (let watts = 2; editing; watts++) {
        const ref = { namespace: "default", name };
        await mergeObject(client, LAMP, ref, { spec: { watts } }, { fieldManager: "kubectl-edit" });
      }
    });
    for (const object of lamps) {
      const observed = { status: object.status, resourceVersion: object.metadata.resourceVersion };
      writer.set({ ...writeFor(object, condition("Ready", "True")), observed });
    }
    await writer.idle();
    editing = false;
    await Promise.all(edits);
    for (const name of names) assert.equal(statusOf(await read(name)).conditions?.[0]?.status, "True", name);
    const { writes, conflicts } = writer.counts();
    assert.equal(writes, names.length);
    assert.ok(conflicts > 0, "nobody was in the way");
    await writer.stop();
  });

  it("writes nothing on an object that was deleted, nor on one made anew under its name", async () => {
    const first = await create(client, LAMP, lamp("again", 1));
    const writer = newWriter();
    assert.ok((await deleteObject(client, LAMP, { namespace: "default", name: "again" })).ok);
    writer.set(writeFor(first, condition("Ready", "True")));
    await writer.idle();
    await create(client, LAMP, lamp("again", 2));
    writer.set(writeFor(first, condition("Ready", "True")));
    await writer.idle();
    assert.equal((await read("again")).status, undefined);
    const { uid = "", resourceVersion } = first.metadata;
    const late = {
      ...writeFor(first, condition("Late", "True")),
      uid,
      observed: { status: undefined, resourceVersion },
    };
    writer.set(late);
    await writer.idle();
    assert.equal((await read("again")).status, undefined);
    assert.deepEqual(writer.counts(), { writes: 0, skipped: 0, conflicts: 1, failures: 0 });
  });

  it("does not send again what the server refused for what it says", async () => {
    const object = await create(client, LAMP, lamp("refused", 1));
    const writer = newWriter();
    const write = { ...writeFor(object), status: { unknownField: true } };
    writer.set(write);
    await writer.idle();
    writer.set(write);
    await writer.idle();
    assert.deepEqual([writer.counts().skipped, writer.counts().failures], [1, 1]);
  });

  it("shows events of an object, as a series when they repeat, and not more than one object may", async () => {
    const object = await create(client, LAMP, lamp("eventful", 1));
    const recorder = new EventRecorder({ client, controller: "beamline.dev/test", instance: "test-0", log: quiet });
    const occur = (reason: string): void => {
      const regarding = { type: LAMP, ref: { namespace: "default", name: "eventful" }, uid: object.metadata.uid ?? "" };
      const event: EventOccurrence = { regarding, type: "Warning", reason, action: "Test", note: "é".repeat(2_000) };
      recorder.record(event);
    };
    occur("Repeated");
    await recorder.idle();
    for (let repeat = 0; repeat < 20; repeat++) occur("Repeated");
    for (let index = 0; index < 2 * EVENT_BURST; index++) occur(`Reason${index}`);
    await recorder.idle();
    const list = await client.request<{ readonly items: readonly KubernetesObject[] }>({
      method: "GET",
      path: collectionPath(EVENT_TYPE, "default"),
    });
    assert.ok(list.ok);
    const items = list.value.items.filter(({ reportingController }) => reportingController === "beamline.dev/test");
    assert.equal(items.length, EVENT_BURST);
    const repeated = items.find(({ reason }) => reason === "Repeated");
    assert.equal((repeated?.series as { readonly count: number } | undefined)?.count, 2);
    assert.equal((repeated?.regarding as { readonly uid: string } | undefined)?.uid, object.metadata.uid);
    assert.equal(recorder.counts().dropped, EVENT_BURST + 1);
    await recorder.stop();
  });

  it("keeps trying while the server is away, and ends when it is told to", async () => {
    const object = await create(client, LAMP, lamp("patient", 1));
    const writer = newWriter();
    await server.kill("kube-apiserver");
    writer.set(writeFor(object, condition("Ready", "True")));
    await eventually(() => writer.counts().failures > 0, { deadlineMs: DEADLINE_MS, describe: "a failed write" });
    const abandoned = newWriter();
    abandoned.set(writeFor(object, condition("Ready", "False")));
    await abandoned.stop();
    await server.restart("kube-apiserver");
    await eventually(async () => statusOf(await read("patient")).conditions?.[0]?.status === "True", {
      deadlineMs: DEADLINE_MS,
      describe: () => `the status is written: ${JSON.stringify(writer.counts())}`,
    });
    await writer.stop();
  });
});
