// Pods as kubelets and schedulers write them: which count as ready, and the sentence for each way of not coming up.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { LATE_START_MS, lateStartFailure } from "../../../operator/infrastructure/kubernetes/late-start.ts";
import { viewPod } from "../../../operator/infrastructure/kubernetes/observe-pod.ts";

const ADDRESS = "198.18.1.2";
const READY = { type: "Ready", status: "True" };

function pod(status: object, metadata: object = {}): KubernetesObject {
  const containers = [{ name: "router", image: "example.test/router:1" }];
  return { metadata: { namespace: "n", name: "p", uid: "u", ...metadata }, spec: { containers }, status };
}

function failureOf(container: object): string | undefined {
  return viewPod(pod({ phase: "Running", containerStatuses: [container] })).failure;
}

describe("a pod", () => {
  it("is ready by its condition, until it is being deleted", () => {
    const running = {
      phase: "Running",
      podIP: ADDRESS,
      conditions: [READY],
      containerStatuses: [{ restartCount: 2 }],
    };
    const view = viewPod(
      pod(running, { annotations: { "beamline.dev/spec-hash": "h", "beamline.dev/hash-version": "1" } }),
    );
    assert.deepEqual(
      [view.ready, view.healthUrl, view.starts, view.specHash, view.ended],
      [true, `http://${ADDRESS}:9100`, 3, "h", false],
    );
    const leaving = viewPod(pod(running, { deletionTimestamp: "2026-01-01T00:00:00Z" }));
    assert.deepEqual([leaving.ready, leaving.ended, leaving.failure], [false, false, undefined]);
  });

  it("has an address in brackets with IPv6, none before it has one, and no hash of another version", () => {
    assert.equal(viewPod(pod({ podIP: "::1" })).healthUrl, `http://${"[::1]"}:9100`);
    const unplaced = viewPod(
      pod({}, { annotations: { "beamline.dev/spec-hash": "h", "beamline.dev/hash-version": "0" } }),
    );
    assert.deepEqual([unplaced.healthUrl, unplaced.specHash, unplaced.starts], ["", undefined, 1]);
  });

  it("that was evicted has ended", () => {
    assert.equal(viewPod(pod({ phase: "Failed", reason: "Evicted" })).ended, true);
  });

  const failures: Readonly<Record<string, readonly [object, RegExp]>> = {
    "keeps ending": [
      {
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
        lastState: {
          terminated: { exitCode: 78, reason: "Error", message: "\nBEAMLINE_NATS_URL: \n is no address\n" },
        },
      },
      /^it ended with exit code 78: BEAMLINE_NATS_URL: is no address$/,
    ],
    "has just ended": [{ state: { terminated: { exitCode: 1 } } }, /^it ended with exit code 1$/],
    "needs too much memory": [
      { state: { terminated: { exitCode: 137, reason: "OOMKilled" } } },
      /raise spec\.pod\.resources\.limits\.memory$/,
    ],
    "has no image": [
      { state: { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } } },
      /^image example\.test\/router:1 cannot be pulled: Back-off pulling image; correct spec\.image/,
    ],
    "cannot be made": [
      { state: { waiting: { reason: "CreateContainerConfigError", message: 'secret "x" not found' } } },
      /^its container cannot be made: secret "x" not found$/,
    ],
  };
  for (const [name, [container, expected]] of Object.entries(failures)) {
    it(`that ${name} says so`, () => assert.match(failureOf(container) ?? "", expected));
  }

  it("that no node takes says why and the way out", () => {
    const conditions = [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes: 3 Insufficient cpu." },
    ];
    assert.match(
      viewPod(pod({ conditions })).failure ?? "",
      /^no node takes it: 0\/3 nodes: 3 Insufficient cpu\.; add nodes, or/,
    );
  });

  describe("that a node took and has not begun", () => {
    const atMs = Date.parse("2026-01-01T00:00:00Z");
    const conditions = [
      { type: "PodScheduled", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" },
      { type: "PodReadyToStartContainers", status: "False" },
    ];
    const volumes = [{ secret: { secretName: "credentials" } }, { emptyDir: {} }];
    const waiting = {
      ...pod({ conditions, containerStatuses: [{ state: { waiting: { reason: "ContainerCreating" } } }] }),
    };

    it("asks for the Secrets that it mounts when that takes long", () => {
      const { failure, notStarted } = viewPod({ ...waiting, spec: { containers: [], volumes } });
      assert.equal(failure, undefined);
      assert.ok(notStarted !== undefined);
      assert.equal(lateStartFailure(notStarted, atMs + LATE_START_MS - 1), undefined);
      assert.equal(
        lateStartFailure(notStarted, atMs + LATE_START_MS),
        "its node has not begun it for 20 s; kubectl describe pod says why: is there a Secret credentials in namespace n?",
      );
    });

    it("has nothing to ask for without Secrets, and asks no more when its image is being pulled", () => {
      const { notStarted } = viewPod({ ...waiting, spec: { containers: [] } });
      assert.ok(notStarted !== undefined);
      assert.match(lateStartFailure(notStarted, atMs + LATE_START_MS) ?? "", /describe pod says why$/);
      const pulling = conditions.map((condition) => ({ ...condition, status: "True" }));
      assert.equal(viewPod({ ...waiting, status: { conditions: pulling } }).notStarted, undefined);
      assert.equal(viewPod({ ...waiting, status: { conditions: conditions.slice(0, 1) } }).notStarted, undefined);
    });
  });

  it("that runs again after it ended, or is being started, has no failure", () => {
    assert.equal(failureOf({ state: { running: {} }, lastState: { terminated: { exitCode: 1 } } }), undefined);
    assert.equal(failureOf({ state: { waiting: { reason: "ContainerCreating" } } }), undefined);
  });

  it("says the end of a long text, in one line", () => {
    const message = `${"x".repeat(5_000)}\nthe reason`;
    const said = failureOf({ state: { terminated: { exitCode: 1, message } } }) ?? "";
    assert.ok(said.length < 500 && said.endsWith("the reason") && !said.includes("\n"));
  });
});
