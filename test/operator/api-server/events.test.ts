// What an operator in a cluster tells by events, and that it makes its own CRDs new when it begins to lead.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { crdName, VERSION_ANNOTATION } from "../../../core/crd/custom-resource-definition.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { ObjectRef } from "../../../kubernetes/object.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { PRODUCT_VERSION } from "../../../runtime/product-version.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";

interface StoredEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

const POLICY = { namespace: "demo", name: "chat" };
const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const TENANT_CRD = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crdName("Tenant")}`;

describe("the events of an operator on an API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    const body = { metadata: { annotations: { [VERSION_ANNOTATION]: "0.0.1" } } };
    const contentType = "application/merge-patch+json";
    await expectStatus(rig.server, 200, "PATCH", TENANT_CRD, { body, contentType });
    await rig.startOperator();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  async function eventsOf(kind: ObjectKind, ref: ObjectRef): Promise<readonly StoredEvent[]> {
    const path = `/apis/events.k8s.io/v1/namespaces/${ref.namespace ?? "default"}/events`;
    const { body } = await expectStatus(rig.server, 200, "GET", path);
    return (body as { readonly items: readonly StoredEvent[] }).items.filter(
      ({ regarding }) => regarding.kind === kind && regarding.name === ref.name,
    );
  }

  /** Waits until the events of an object are these, in any order. */
  async function seesEvents(
    kind: ObjectKind,
    ref: ObjectRef,
    wanted: readonly string[],
  ): Promise<readonly StoredEvent[]> {
    let last: readonly StoredEvent[] = [];
    const shown = (): string[] => last.map(({ type, reason }) => `${type} ${reason}`).sort();
    await eventually(
      async () => {
        last = await eventsOf(kind, ref);
        return last.length >= wanted.length;
      },
      {
        deadlineMs: DEADLINE_MS,
        describe: () => `${JSON.stringify(shown())} to be ${JSON.stringify(wanted)}`,
        everyMs: 50,
      },
    );
    assert.deepEqual(shown(), wanted.toSorted());
    return last;
  }

  it("has upgraded its CRDs when it leads", async () => {
    await eventually(
      async () => {
        const { body } = await expectStatus(rig.server, 200, "GET", TENANT_CRD);
        const { metadata } = body as { readonly metadata: { readonly annotations: Readonly<Record<string, string>> } };
        return metadata.annotations[VERSION_ANNOTATION] === PRODUCT_VERSION;
      },
      { deadlineMs: DEADLINE_MS, describe: "the Tenant CRD is of this release", everyMs: 50 },
    );
  });

  it("tell of what comes into force, is refused and is mended, each once", async () => {
    await createObject(rig.client, policy("demo", "chat"));
    await rig.whenReady("RoutingPolicy", POLICY);
    await seesEvents("RoutingPolicy", POLICY, ["Normal Programmed"]);
    const broken = [{ name: "broken", when: "message.nothing ==", prefer: ["openai"] }];
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, POLICY, { spec: { rules: broken } });
    const events = await seesEvents("RoutingPolicy", POLICY, ["Normal Programmed", "Warning InvalidExpression"]);
    const refused = events.find(({ type }) => type === "Warning");
    assert.match(refused?.note ?? "", /generation 1 stays in force/);
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, POLICY, { spec: { rules: null } });
    await rig.whenReady("RoutingPolicy", POLICY);
    // The second Programmed is the same event again: a series, not another object.
    await seesEvents("RoutingPolicy", POLICY, ["Normal Programmed", "Warning InvalidExpression", "Normal Accepted"]);
    await seesEvents("Router", DEFAULT, ["Normal RouterReady", "Normal RolloutComplete"]);
  });

  it("lie in the namespace default for what is in none, and are not told again by another operator", async () => {
    await createObject(rig.client, object("Tenant", "acme", undefined, { namespaces: ["demo"] }));
    await createObject(
      rig.client,
      object("RoutingPolicy", "of-acme", "demo", { tenantId: "acme", providers: [{ name: "a" }] }),
    );
    await rig.whenReady("Tenant", { name: "acme" });
    await seesEvents("Tenant", { name: "acme" }, ["Normal Programmed"]);
    const before = (await eventsOf("RoutingPolicy", POLICY)).length;
    const [first] = rig.processes();
    first?.signal("SIGTERM");
    await first?.exited;
    await rig.startOperator("operator-1");
    await createObject(rig.client, policy("demo", "later"));
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name: "later" });
    await seesEvents("RoutingPolicy", { namespace: "demo", name: "later" }, ["Normal Programmed"]);
    assert.equal((await eventsOf("RoutingPolicy", POLICY)).length, before);
    assert.equal((await eventsOf("Tenant", { name: "acme" })).length, 1);
  });
});
