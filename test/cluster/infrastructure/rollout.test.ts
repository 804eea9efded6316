// Roll-outs and the number of routers: one pod at a time, held and resumed, and never in the way of whoever scales.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { otherOwnersOf } from "../../../kubernetes/field-ownership.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { mergeObject } from "../../../kubernetes/objects.ts";
import { LATE_START_MS } from "../../../operator/infrastructure/kubernetes/late-start.ts";
import { AUTOSCALER, DEPLOYMENT, POD } from "../../../operator/infrastructure/kubernetes/resource-types.ts";
import type { ObservedPod } from "../../../operator/interfaces.ts";
import { eventually } from "../../support/await.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../api-server.ts";
import {
  DEADLINE_MS,
  makeInfrastructure,
  makeRouter,
  type RouterWorld,
  startWorld,
  type World,
  writePodStatus,
} from "./world.ts";

const AUTOSCALED = { replicas: 2, autoscaling: { min: 2, max: 9 } };

function replicasOf(object: KubernetesObject): number | undefined {
  return (object.spec as { readonly replicas?: number }).replicas;
}

function uids(pods: readonly ObservedPod[]): readonly string[] {
  return pods.map(({ uid }) => uid).sort();
}

describe("the routers of a Router in a cluster", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let world: World;

  before(async function () {
    world = await startWorld(this);
  });
  after(() => world?.[Symbol.asyncDispose]());

  /** What an autoscaler, or `kubectl scale`, does. */
  const scale = async (router: RouterWorld, replicas: number, fieldManager = "some-autoscaler"): Promise<void> => {
    const { metadata } = await router.one(DEPLOYMENT);
    const options = { fieldManager, subresource: "scale" };
    const result = await mergeObject(world.client, DEPLOYMENT, metadata, { spec: { replicas } }, options);
    assert.ok(result.ok, result.ok ? "" : result.error.message);
  };
  const whenReplicas = (router: RouterWorld, replicas: number): Promise<unknown> =>
    eventually(async () => replicasOf(await router.one(DEPLOYMENT)) === replicas, {
      deadlineMs: DEADLINE_MS,
      describe: `${replicas} are asked for`,
    });
  /** Waits until a change that must be seen has passed through, so that what must not have happened would have. */
  const whenSettled = async (router: RouterWorld): Promise<void> => {
    const pod = { labels: { settled: String(Math.random()).slice(2) } };
    const { object } = router.deployment();
    assert.ok(object !== undefined);
    const changed = { ...object, spec: { ...object.spec, pod } };
    router.infrastructure.ensureRouters(router.deployment({ object: changed }));
    await eventually(async () => JSON.stringify(await router.one(DEPLOYMENT)).includes(pod.labels.settled), {
      deadlineMs: DEADLINE_MS,
      describe: "the marker is in the Deployment",
    });
  };

  it("are replaced when their image changes, never fewer than asked for, and not when replicas change", async () => {
    await using router = await makeRouter(world);
    router.infrastructure.ensureRouters(router.deployment());
    const first = await router.whenReady(2);
    router.infrastructure.ensureRouters(router.deployment({ replicas: 3 }));
    const more = await router.whenReady(3);
    assert.deepEqual(
      uids(more).filter((uid) => uids(first).includes(uid)),
      uids(first),
    );
    await router.setSpec({ image: "example.test/beamline:2" });
    router.infrastructure.ensureRouters(router.deployment({ replicas: 3 }));
    assert.deepEqual(
      router.infrastructure.pods().filter(({ updated }) => updated),
      [],
      "known at once",
    );
    let fewest = 3;
    const replaced = await eventually(
      async () => {
        await router.runPods();
        const pods = router.infrastructure.pods();
        fewest = Math.min(fewest, pods.filter(({ ready }) => ready).length);
        return pods.length === 3 && pods.every(({ ready, updated }) => ready && updated) ? pods : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "three new ones are ready", everyMs: 20 },
    );
    assert.equal(fewest, 3);
    assert.equal(
      uids(replaced).some((uid) => uids(more).includes(uid)),
      false,
    );
  });

  it("stand still while a roll-out is held, and go on after", async () => {
    await using router = await makeRouter(world, { spec: { replicas: 1 } });
    router.infrastructure.ensureRouters(router.deployment());
    const [old] = await router.whenReady(1);
    await router.setSpec({ replicas: 1, image: "example.test/beamline:2" });
    router.infrastructure.ensureRouters(router.deployment({ held: "the new router rejects demo/chat" }));
    const paused = async () => ((await router.one(DEPLOYMENT)).spec as { readonly paused?: boolean }).paused;
    await eventually(async () => (await paused()) === true, { deadlineMs: DEADLINE_MS, describe: "it is paused" });
    // A paused Deployment still scales, so its controller has looked at it when there is a second pod.
    router.infrastructure.ensureRouters(router.deployment({ held: "the same", replicas: 2 }));
    const pods = await eventually(
      async () => {
        await router.runPods();
        const now = router.infrastructure.pods();
        return now.length === 2 && now.every(({ ready }) => ready) ? now : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "two are ready", everyMs: 20 },
    );
    assert.ok(uids(pods).includes(old?.uid ?? ""));
    assert.deepEqual(
      pods.map(({ updated }) => updated),
      [false, false],
      "none of the new image",
    );
    router.infrastructure.ensureRouters(router.deployment({ replicas: 2 }));
    await router.whenReady(2);
    assert.equal(await paused(), undefined);
  });

  it("are left to whoever scales the Deployment", async () => {
    await using router = await makeRouter(world);
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    await scale(router, 5);
    await whenSettled(router);
    assert.equal(replicasOf(await router.one(DEPLOYMENT)), 5);
    assert.equal(router.infrastructure.status().replicas, 5);
    assert.deepEqual(otherOwnersOf(await router.one(DEPLOYMENT), ["spec", "replicas"], "beamline-operator"), [
      "some-autoscaler",
    ]);
  });

  it("are given to an autoscaler of the Router's, which goes with the field, and taken back then", async () => {
    await using router = await makeRouter(world);
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    await router.setSpec({ ...AUTOSCALED, replicas: 2 });
    router.infrastructure.ensureRouters(router.deployment());
    const autoscaler = await eventually(async () => (await router.list(AUTOSCALER))[0], {
      deadlineMs: DEADLINE_MS,
      describe: "there is an autoscaler",
    });
    const { minReplicas, maxReplicas } = autoscaler.spec as {
      readonly minReplicas: number;
      readonly maxReplicas: number;
    };
    assert.deepEqual([minReplicas, maxReplicas], [2, 9]);
    assert.equal(replicasOf(await router.one(DEPLOYMENT)), 2, "it never fell to 1");
    await scale(router, 7, "kube-controller-manager");
    await whenSettled(router);
    assert.equal(replicasOf(await router.one(DEPLOYMENT)), 7);
    await router.setSpec({ replicas: 3 });
    router.infrastructure.ensureRouters(router.deployment());
    await eventually(async () => (await router.list(AUTOSCALER)).length === 0, {
      deadlineMs: DEADLINE_MS,
      describe: "the autoscaler is gone",
    });
    await whenReplicas(router, 3);
    router.infrastructure.ensureRouters(router.deployment({ replicas: 4 }));
    await whenReplicas(router, 4);
    assert.equal(router.infrastructure.status().replicas, undefined);
  });

  it("are given to an autoscaler from the start, and taken back at the same number", async () => {
    await using router = await makeRouter(world, { spec: AUTOSCALED });
    router.infrastructure.ensureRouters(router.deployment());
    await router.whenReady(2);
    await eventually(async () => (await router.list(AUTOSCALER)).length === 1, {
      deadlineMs: DEADLINE_MS,
      describe: "there is an autoscaler",
    });
    await router.setSpec({ replicas: 2 });
    router.infrastructure.ensureRouters(router.deployment());
    await eventually(async () => (await router.list(AUTOSCALER)).length === 0, {
      deadlineMs: DEADLINE_MS,
      describe: "the autoscaler is gone",
    });
    router.infrastructure.ensureRouters(router.deployment({ replicas: 3 }));
    await whenReplicas(router, 3);
  });

  it("say why they do not come up, as kubelet has it", async () => {
    await using router = await makeRouter(world, { spec: { replicas: 1 } });
    router.infrastructure.ensureRouters(router.deployment());
    const pod = await eventually(async () => (await router.list(POD))[0], {
      deadlineMs: DEADLINE_MS,
      describe: "there is a pod",
    });
    const terminated = { exitCode: 78, reason: "Error", message: "BEAMLINE_NATS_URL: is no address", startedAt: null };
    await writePodStatus(world.client, pod, {
      phase: "Running",
      containerStatuses: [
        {
          name: "router",
          image: "",
          imageID: "",
          ready: false,
          restartCount: 3,
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated },
        },
      ],
    });
    const observed = await eventually(() => router.infrastructure.pods().find(({ failure }) => failure !== undefined), {
      deadlineMs: DEADLINE_MS,
      describe: "the failure is told",
    });
    assert.deepEqual(
      [observed.failure, observed.starts, observed.ready],
      ["it ended with exit code 78: BEAMLINE_NATS_URL: is no address", 4, false],
    );
  });

  it("say that a node does not begin them, though nothing about them changes any more", async () => {
    await using router = await makeRouter(world, { spec: { replicas: 1 } });
    router.infrastructure.ensureRouters(router.deployment({ secrets: { credentials: "not-there" } }));
    const pod = await eventually(async () => (await router.list(POD))[0], {
      deadlineMs: DEADLINE_MS,
      describe: "there is a pod",
    });
    const lastTransitionTime = new Date(Date.now() - LATE_START_MS + 5_000).toISOString();
    await writePodStatus(world.client, pod, {
      phase: "Pending",
      conditions: [
        { type: "PodScheduled", status: "True", lastTransitionTime },
        { type: "PodReadyToStartContainers", status: "False", lastTransitionTime },
      ],
    });
    const { infrastructure, recorder } = makeInfrastructure(world.client, router.namespace);
    const said = (): string => infrastructure.pods()[0]?.failure ?? "";
    let told = "";
    infrastructure.start(() => {
      told = said();
    });
    await eventually(() => told !== "", { deadlineMs: DEADLINE_MS, describe: () => `it is told: ${said()}` });
    assert.match(told, /has not begun it for 20 s.*is there a Secret not-there in namespace routers-/);
    await infrastructure.stop();
    await recorder.stop();
  });
});
