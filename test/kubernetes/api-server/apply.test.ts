// Server-side apply against a real API server: drift, strangers, adoption, autoscalers, two appliers at once.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { Applier, type ApplyOutcome, type ApplyRequest, applyObject } from "../../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { ADOPT_ANNOTATION, planReplicas } from "../../../kubernetes/field-ownership.ts";
import type { KubernetesObject, OwnerReference } from "../../../kubernetes/object.ts";
import { mergeObject, readObject } from "../../../kubernetes/objects.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { CONFIG_MAP, configMap, create, DEPLOYMENT, FIELD_MANAGER, openClient } from "./world.ts";

const NAMESPACE = "default";
const KUBECTL = { fieldManager: "kubectl-edit" };

function deployment(name: string, replicas: number | undefined, image = "example.test/router:1"): KubernetesObject {
  const labels = { app: name };
  return {
    metadata: { namespace: NAMESPACE, name, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        // 1000m is stored as 1: what is stored never equals what was sent.
        spec: { containers: [{ name: "router", image, resources: { requests: { cpu: "1000m" } } }] },
      },
    },
  };
}

function replicasOf(object: KubernetesObject): unknown {
  return (object.spec as { readonly replicas?: number }).replicas;
}

describe("server-side apply on a real API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;
  let owner: OwnerReference;

  before(async function () {
    server = await startTestApiServer(this);
    client = await openClient(server);
    const parent = await create(client, CONFIG_MAP, configMap("parent", {}));
    const { name, uid = "" } = parent.metadata;
    owner = { apiVersion: "v1", kind: "ConfigMap", name, uid, controller: true, blockOwnerDeletion: true };
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  const newApplier = (): Applier => new Applier({ client, fieldManager: FIELD_MANAGER });
  const apply = async (applier: Applier, request: ApplyRequest): Promise<ApplyOutcome> => {
    const result = await applier.apply(request);
    assert.ok(result.ok, result.ok ? "" : `${result.error.kind}: ${result.error.message}`);
    return result.value;
  };
  const live = async (name: string): Promise<KubernetesObject> => {
    const result = await readObject(client, DEPLOYMENT, { namespace: NAMESPACE, name });
    assert.ok(result.ok);
    return result.value;
  };

  it("creates, then sends nothing while nothing differs, whatever the server made of the values", async () => {
    const applier = newApplier();
    const request = { type: DEPLOYMENT, object: deployment("steady", 2), owner };
    assert.equal((await apply(applier, request)).action, "Created");
    const stored = await live("steady");
    for (let pass = 1; pass <= 3; pass++) assert.equal((await apply(applier, request)).action, "Unchanged");
    // A process that has just begun remembers nothing: one apply, which changes nothing.
    assert.equal((await apply(newApplier(), request)).action, "Unchanged");
    assert.equal((await live("steady")).metadata.resourceVersion, stored.metadata.resourceVersion);
  });

  it("corrects what somebody changed or removed, names it, and leaves their own fields alone", async () => {
    const applier = newApplier();
    const request = { type: DEPLOYMENT, object: deployment("drifting", 2), owner };
    await apply(applier, request);
    const ref = { namespace: NAMESPACE, name: "drifting" };
    const edit = { metadata: { annotations: { note: "mine" } }, spec: { replicas: 5, paused: true } };
    assert.ok((await mergeObject(client, DEPLOYMENT, ref, edit, KUBECTL)).ok);
    const outcome = await apply(applier, request);
    assert.equal(outcome.action, "Corrected");
    assert.deepEqual(outcome.action === "Corrected" && outcome.fields, ["spec.replicas"]);
    const stored = await live("drifting");
    assert.equal(replicasOf(stored), 2);
    assert.equal((stored.spec as { readonly paused?: boolean }).paused, true);
    assert.equal(stored.metadata.annotations?.note, "mine");
  });

  it("gives up what the intent leaves out", async () => {
    const applier = newApplier();
    const object = { metadata: { namespace: NAMESPACE, name: "shrinking" }, data: { a: "1", b: "2" } };
    await apply(applier, { type: CONFIG_MAP, object, owner });
    const smaller = { ...object, data: { a: "1" } };
    const outcome = await apply(applier, { type: CONFIG_MAP, object: smaller, owner });
    assert.equal(outcome.action, "Updated");
    assert.deepEqual(outcome.action === "Updated" && outcome.object.data, { a: "1" });
  });

  it("does not touch what somebody else made, says whose it is, and adopts it when invited", async () => {
    const applier = newApplier();
    await create(client, CONFIG_MAP, configMap("foreign", { theirs: "yes" }));
    const object = { metadata: { namespace: NAMESPACE, name: "foreign" }, data: { ours: "yes" } };
    const request = { type: CONFIG_MAP, object, owner };
    const refused = await apply(applier, request);
    assert.equal(refused.action, "Refused");
    assert.match(
      refused.action === "Refused" ? refused.message : "",
      /^ConfigMap default\/foreign exists and is not ours \(managed by kubectl-create\)/,
    );
    const ref = { namespace: NAMESPACE, name: "foreign" };
    const invitation = { metadata: { annotations: { [ADOPT_ANNOTATION]: "true" } } };
    assert.ok((await mergeObject(client, CONFIG_MAP, ref, invitation, KUBECTL)).ok);
    const adopted = await apply(applier, request);
    assert.equal(adopted.action, "Adopted");
    assert.deepEqual(adopted.action === "Adopted" && adopted.object.data, { theirs: "yes", ours: "yes" });
    assert.equal(adopted.action === "Adopted" && adopted.object.metadata.ownerReferences?.[0]?.uid, owner.uid);
  });

  it("is refused by the server when the object was replaced since it was seen", async () => {
    const applier = newApplier();
    const object = { metadata: { namespace: NAMESPACE, name: "replaced" }, data: {} };
    const first = await apply(applier, { type: CONFIG_MAP, object, owner });
    assert.ok(first.action === "Created");
    const stale = {
      ...first.object,
      metadata: { ...first.object.metadata, uid: "00000000-0000-4000-8000-000000000000" },
    };
    const changed = { ...object, data: { k: "v" } };
    const result = await applier.apply({ type: CONFIG_MAP, object: changed, owner, observed: stale });
    assert.equal(result.ok ? "ok" : result.error.kind, "Conflict");
  });

  it("is refused by the server when the object was changed since it was seen, and that matters", async () => {
    const applier = newApplier();
    const object = { metadata: { namespace: NAMESPACE, name: "changed" }, data: { k: "1" } };
    const first = await apply(applier, { type: CONFIG_MAP, object, owner });
    assert.ok(first.action === "Created");
    const edit = { data: { k: "theirs" } };
    assert.ok((await mergeObject(client, CONFIG_MAP, object.metadata, edit, KUBECTL)).ok);
    const request = { type: CONFIG_MAP, object: { ...object, data: { k: "2" } }, owner, observed: first.object };
    const refused = await applier.apply({ ...request, onlyIfUnchanged: true });
    assert.equal(refused.ok ? "ok" : refused.error.kind, "Conflict");
    assert.ok((await applier.apply(request)).ok);
  });

  it("lets two processes apply the same intents at once: one object, then no more changes", async () => {
    const request = { type: DEPLOYMENT, object: deployment("contested", 3), owner };
    const both = [newApplier(), newApplier()];
    for (let pass = 0; pass < 5; pass++) {
      const results = await Promise.all(both.map((applier) => applier.apply(request)));
      for (const result of results) assert.ok(result.ok || result.error.kind === "Conflict");
    }
    const stored = await live("contested");
    assert.equal(stored.metadata.generation, 1);
    for (const applier of both) assert.equal((await apply(applier, request)).action, "Unchanged");
  });

  it("leaves replicas to whoever scales, and never lets them fall to the default", async () => {
    const applier = newApplier();
    await apply(applier, { type: DEPLOYMENT, object: deployment("scaled", 4), owner });
    const options = { wanted: 4, autoscaled: true, fieldManager: FIELD_MANAGER };
    const plan = planReplicas(await live("scaled"), options);
    assert.deepEqual(plan, { action: "Release", replicas: 4 });
    const held = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace: NAMESPACE, name: "scaled" },
      spec: { replicas: 4 },
    };
    const kept = await applyObject(client, DEPLOYMENT, held, {
      fieldManager: `${FIELD_MANAGER}-replicas`,
      force: false,
    });
    assert.ok(kept.ok, kept.ok ? "" : kept.error.message);
    assert.deepEqual(planReplicas(await live("scaled"), options), { action: "Omit" });
    await apply(applier, { type: DEPLOYMENT, object: deployment("scaled", undefined), owner });
    assert.equal(replicasOf(await live("scaled")), 4);
    // What an autoscaler does: a write to the scale subresource.
    const ref = { namespace: NAMESPACE, name: "scaled" };
    const scale = { fieldManager: "kube-controller-manager", subresource: "scale" };
    assert.ok((await mergeObject(client, DEPLOYMENT, ref, { spec: { replicas: 9 } }, scale)).ok);
    await apply(newApplier(), {
      type: DEPLOYMENT,
      object: deployment("scaled", undefined, "example.test/router:2"),
      owner,
    });
    assert.equal(replicasOf(await live("scaled")), 9);
    assert.deepEqual(planReplicas(await live("scaled"), { ...options, autoscaled: false }), { action: "Omit" });
  });
});
