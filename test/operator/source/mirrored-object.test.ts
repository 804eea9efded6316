// What is kept of an object of the API server, and which of its changes are a user's.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { isSpecChange, mirrorObject } from "../../../operator/source/kubernetes/mirrored-object.ts";

const CONDITION: Condition = {
  type: "Accepted",
  status: "True",
  reason: "Accepted",
  message: "",
  observedGeneration: 3,
  lastTransitionTime: "2026-01-01T00:00:00Z",
};
const STORED: KubernetesObject = {
  apiVersion: "beamline.dev/v1alpha1",
  kind: "RoutingPolicy",
  metadata: {
    namespace: "demo",
    name: "chat",
    uid: "u-1",
    resourceVersion: "70",
    generation: 3,
    creationTimestamp: "2026-01-01T00:00:01Z",
    annotations: { "kubectl.kubernetes.io/last-applied-configuration": "all of it once more" },
    managedFields: [{ manager: "kubectl" }],
  },
  spec: { providers: [{ name: "openai", weight: 1 }] },
  status: { conditions: [CONDITION] },
};

function stored(change: { readonly metadata?: object; readonly spec?: unknown; readonly status?: unknown }) {
  return mirrorObject("RoutingPolicy", {
    ...STORED,
    ...change,
    metadata: { ...STORED.metadata, ...change.metadata },
  });
}

describe("an object of the API server", () => {
  it("is kept without what only the server needs", () => {
    assert.deepEqual(mirrorObject("RoutingPolicy", STORED), {
      kind: "RoutingPolicy",
      meta: { namespace: "demo", name: "chat", uid: "u-1", generation: 3, creationMs: Date.UTC(2026, 0, 1, 0, 0, 1) },
      labels: {},
      spec: STORED.spec,
      conditions: [CONDITION],
      status: STORED.status,
      resourceVersion: "70",
      deleting: false,
    });
  });

  it("is kept whatever its status is, with the conditions that are ones", () => {
    const list = fc.array(fc.oneof(fc.constant(CONDITION), fc.jsonValue()));
    const status = fc.oneof(fc.jsonValue(), fc.record({ conditions: fc.oneof(fc.jsonValue(), list) }));
    fc.assert(
      fc.property(status, (value) => {
        const { conditions } = stored({ status: value });
        for (const condition of conditions) assert.deepEqual(condition, CONDITION);
      }),
    );
    const { conditions } = stored({ status: { conditions: [{ ...CONDITION, status: "Perhaps" }, CONDITION, null] } });
    assert.deepEqual(conditions, [CONDITION]);
  });

  it("has changed for its user by spec, generation, labels, deletion and identity, and by nothing else", () => {
    const before = mirrorObject("RoutingPolicy", STORED);
    const cases: readonly (readonly [what: string, change: Parameters<typeof stored>[0], specChanged: boolean])[] = [
      ["a status", { metadata: { resourceVersion: "71" }, status: { conditions: [] } }, false],
      ["managedFields", { metadata: { resourceVersion: "71", managedFields: [] } }, false],
      ["an annotation", { metadata: { resourceVersion: "71", annotations: {} } }, false],
      ["empty labels", { metadata: { labels: {} } }, false],
      ["a generation", { metadata: { generation: 4 } }, true],
      ["a spec of the same generation", { spec: { providers: [{ name: "openai", weight: 2 }] } }, true],
      ["labels", { metadata: { labels: { tier: "gold" } } }, true],
      ["a deletion", { metadata: { deletionTimestamp: "2026-01-02T00:00:00Z" } }, true],
      ["another object", { metadata: { uid: "u-2" } }, true],
    ];
    for (const [what, change, specChanged] of cases) {
      assert.equal(isSpecChange(before, stored(change)), specChanged, what);
      assert.equal(isSpecChange(stored(change), before), specChanged, what);
    }
    assert.equal(isSpecChange(undefined, before), true);
    assert.equal(isSpecChange(before, undefined), true);
  });
});
