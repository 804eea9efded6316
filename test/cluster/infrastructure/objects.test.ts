// What a Router owns in a cluster: made right, kept right, left alone where it is somebody else's, and gone with the Router.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { deleteObject, mergeObject } from "../../../kubernetes/objects.ts";
import {
  AUTOSCALER,
  DEPLOYMENT,
  NETWORK_POLICY,
  OWNED_TYPES,
  POD,
  POD_DISRUPTION_BUDGET,
  ROUTER,
  SERVICE,
  SERVICE_ACCOUNT,
} from "../../../operator/infrastructure/kubernetes/resource-types.ts";
import { create } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { expectStatus } from "../api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../api-server.ts";
import {
  DEADLINE_MS,
  listObjects,
  makeInfrastructure,
  makeRouter,
  signInWith,
  startWorld,
  type World,
} from "./world.ts";

/** Drift is corrected within this. */
const DRIFT_DEADLINE_MS = 5_000;
const ALWAYS = [SERVICE_ACCOUNT, NETWORK_POLICY, SERVICE, POD_DISRUPTION_BUDGET, DEPLOYMENT];
const KUBECTL = { fieldManager: "kubectl-edit" };

interface DeploymentSpec {
  readonly replicas?: number;
  readonly paused?: boolean;
  readonly minReadySeconds?: number;
}

function specOf(object: KubernetesObject): DeploymentSpec {
  return object.spec as DeploymentSpec;
}

describe("what a Router owns in a cluster", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let world: World;

  before(async function () {
    world = await startWorld(this);
  });
  after(() => world?.[Symbol.asyncDispose]());

  /** What any write changes. The status of a Deployment is its controller's, so of that the generation counts. */
  const versionsOf = async (namespace: string): Promise<readonly string[]> => {
    const lists = await Promise.all(
      OWNED_TYPES.map(async (type) =>
        (await listObjects(world, type, namespace)).map(({ metadata }) =>
          type === DEPLOYMENT ? `${metadata.generation}` : `${type.kind} ${metadata.resourceVersion}`,
        ),
      ),
    );
    return lists.flat();
  };

  it("is made whole, owned by the Router, and with pods that restricted Pod Security takes", async () => {
    await using router = await makeRouter(world, { spec: { replicas: 2, pod: { labels: { team: "a" } } } });
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    const owner = await router.one(ROUTER);
    for (const type of ALWAYS) {
      const object = await router.one(type);
      const expected = { uid: owner.metadata.uid, name: "default", controller: true, blockOwnerDeletion: true };
      const [reference = {}] = object.metadata.ownerReferences ?? [];
      assert.deepEqual({ ...reference, ...expected }, reference, type.kind);
    }
    assert.deepEqual(await router.list(AUTOSCALER), []);
    const pods = await router.list(POD);
    assert.deepEqual(
      pods.map(({ metadata }) => metadata.labels?.team),
      ["a", "a"],
    );
    const { selector = "", problem } = router.infrastructure.status();
    assert.equal(problem, undefined);
    const selected = `/api/v1/namespaces/${router.namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
    const { body } = await expectStatus(world.server, 200, "GET", selected);
    assert.equal((body as { readonly items: readonly unknown[] }).items.length, 2);
    assert.ok(router.changes() > 0);
  });

  it("is not written again while nothing differs, nor by an operator that was restarted", async () => {
    await using router = await makeRouter(world);
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    const before = await versionsOf(router.namespace);
    for (let pass = 0; pass < 5; pass++) router.infrastructure.ensureRouters(router.deployment());
    const { infrastructure: restarted, recorder } = makeInfrastructure(world.client, router.namespace);
    restarted.start(() => undefined);
    await restarted.waitUntilSynced();
    restarted.ensureRouters(router.deployment());
    // A change that does make a write comes after those that must not.
    restarted.ensureRouters(router.deployment({ replicas: 3 }));
    await eventually(async () => specOf(await router.one(DEPLOYMENT)).replicas === 3, {
      deadlineMs: DEADLINE_MS,
      describe: "three are asked for",
    });
    const after = await versionsOf(router.namespace);
    assert.ok(before.includes("1"));
    assert.deepEqual(
      after,
      before.map((version) => (version === "1" ? "2" : version)),
      "the Deployment was written once",
    );
    await restarted.stop();
    await recorder.stop();
  });

  it("is put right when somebody edits it, and what they added stays", async () => {
    await using router = await makeRouter(world);
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    const { metadata } = await router.one(DEPLOYMENT);
    const edit = { metadata: { annotations: { note: "mine" } }, spec: { minReadySeconds: 0 } };
    assert.ok((await mergeObject(world.client, DEPLOYMENT, metadata, edit, KUBECTL)).ok);
    const corrected = await eventually(
      async () => {
        const live = await router.one(DEPLOYMENT);
        return specOf(live).minReadySeconds === 5 ? live : undefined;
      },
      { deadlineMs: DRIFT_DEADLINE_MS, describe: "minReadySeconds is 5 again" },
    );
    assert.equal(corrected.metadata.annotations?.note, "mine");
    const events = `/apis/events.k8s.io/v1/namespaces/${router.namespace}/events`;
    const note = await eventually(
      async () => {
        const { body } = await expectStatus(world.server, 200, "GET", events);
        const { items } = body as { readonly items: readonly { readonly reason: string; readonly note: string }[] };
        return items.find(({ reason }) => reason === "DriftCorrected")?.note;
      },
      { deadlineMs: DEADLINE_MS, describe: "the event is written" },
    );
    assert.match(note, /^Deployment default-router is as it shall be again: spec\.minReadySeconds$/);
  });

  for (const type of ALWAYS) {
    it(`is made again when somebody deletes its ${type.kind}`, async () => {
      await using router = await makeRouter(world);
      router.infrastructure.ensureRouters(router.deployment());
      await router.whenReady(2);
      const { metadata } = await router.one(type);
      assert.ok((await deleteObject(world.client, type, metadata)).ok);
      await eventually(async () => (await router.list(type)).some((again) => again.metadata.uid !== metadata.uid), {
        deadlineMs: DRIFT_DEADLINE_MS,
        describe: `another ${type.kind}`,
      });
    });
  }

  it("is not made when somebody else's Deployment has the name, which is left as it is, until it goes", async () => {
    await using router = await makeRouter(world);
    const foreign = await create(world.client, DEPLOYMENT, foreignDeployment(router.namespace));
    router.infrastructure.ensureRouters(router.deployment());
    const problem = await eventually(() => router.infrastructure.status().problem, {
      deadlineMs: DEADLINE_MS,
      describe: "the problem is told",
    });
    assert.equal(problem.reason, "ResourceConflict");
    assert.match(
      problem.message,
      /^Deployment \S+\/default-router exists and is not ours \(managed by .*kubectl-create/,
    );
    const { metadata, spec } = await router.one(DEPLOYMENT);
    assert.deepEqual([metadata.generation, spec, metadata.ownerReferences], [1, foreign.spec, undefined]);
    for (const type of ALWAYS) if (type !== DEPLOYMENT) assert.deepEqual(await router.list(type), [], type.kind);
    assert.ok((await deleteObject(world.client, DEPLOYMENT, metadata)).ok);
    await router.whenReady(2);
    assert.equal(router.infrastructure.status().problem, undefined);
  });

  it("says in the API server's words what it may not do", async () => {
    await using poor = await signInWith(world, "poor", [
      {
        apiGroups: ["", "apps", "networking.k8s.io", "policy", "autoscaling"],
        resources: ["*"],
        verbs: ["get", "list", "watch"],
      },
      { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["create", "patch"] },
    ]);
    await using router = await makeRouter(world, { client: poor.client });
    router.infrastructure.ensureRouters(router.deployment());
    const problem = await eventually(() => router.infrastructure.status().problem, {
      deadlineMs: DEADLINE_MS,
      describe: "the problem is told",
    });
    assert.equal(problem.reason, "Forbidden");
    assert.match(
      problem.message,
      /^could not apply NetworkPolicy .*User "poor" cannot patch resource "networkpolicies"/,
    );
  });

  it("says what keeps the API server from taking pods, such as a quota", async () => {
    await using router = await makeRouter(world);
    const quota = { metadata: { namespace: router.namespace, name: "none" }, spec: { hard: { pods: "0" } } };
    const path = `/api/v1/namespaces/${router.namespace}/resourcequotas`;
    await expectStatus(world.server, 201, "POST", path, {
      body: { apiVersion: "v1", kind: "ResourceQuota", ...quota },
    });
    await eventually(
      async () => {
        const { body } = await expectStatus(world.server, 200, "GET", `${path}/none`);
        return (body as { readonly status?: { readonly hard?: object } }).status?.hard;
      },
      { deadlineMs: DEADLINE_MS, describe: "the quota holds" },
    );
    router.infrastructure.ensureRouters(router.deployment());
    const failure = await eventually(() => router.infrastructure.status().failure, {
      deadlineMs: DEADLINE_MS,
      describe: "the failure is told",
    });
    assert.match(failure, /^the API server takes no pod: .*exceeded quota: none.*raise the quota/);
    await expectStatus(world.server, 200, "DELETE", `${path}/none`);
    await router.whenReady(2);
    await eventually(() => router.infrastructure.status().failure === undefined, {
      deadlineMs: DEADLINE_MS,
      describe: "the failure is gone",
    });
  });

  it("says what of the Router's spec the API server refuses", async () => {
    const resources = { requests: { cpu: "2" }, limits: { cpu: "1" } };
    await using router = await makeRouter(world, { spec: { pod: { resources } } });
    router.infrastructure.ensureRouters(router.deployment());
    const problem = await eventually(() => router.infrastructure.status().problem, {
      deadlineMs: DEADLINE_MS,
      describe: "the problem is told",
    });
    assert.equal(problem.reason, "Invalid");
    assert.match(problem.message, /must be less than or equal to cpu limit.*correct the Router's spec/s);
    await router.setSpec({});
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    assert.equal(router.infrastructure.status().problem, undefined);
  });

  it("goes with the Router, and stays when only the operator goes", async () => {
    const router = await makeRouter(world);
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    await router[Symbol.asyncDispose]();
    assert.equal((await router.list(POD)).length, 2);
    assert.ok((await deleteObject(world.client, ROUTER, (await router.one(ROUTER)).metadata)).ok);
    const left = async (): Promise<number> => {
      const lists = await Promise.all([...ALWAYS, POD].map((type: ResourceType) => router.list(type)));
      return lists.flat().length;
    };
    await eventually(async () => (await left()) === 0, {
      deadlineMs: DEADLINE_MS,
      describe: "nothing is left",
      everyMs: 100,
    });
  });
});

function foreignDeployment(namespace: string): KubernetesObject {
  const labels = { app: "theirs" };
  const containers = [{ name: "theirs", image: "example.test/theirs:1" }];
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name: "default-router" },
    spec: { replicas: 0, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}
