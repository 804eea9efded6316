// A kind that is removed under a running operator: its objects are deleted, which counts, and all goes on when it is back.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { crdName } from "../../../core/crd/custom-resource-definition.ts";
import { expectStatus, requestApi } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { collectionPath, readCrds } from "../../cluster/crds/crds.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import { createNamespace, createObject, policy } from "./world.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const NAME = crdName("RoutingPolicy");
const POLICIES = collectionPath("RoutingPolicy", "demo");
const ACCEPTED = 'operator_objects{kind="RoutingPolicy",result="accepted"}';
const REACHABLE = "operator_api_server_reachable";

describe("an operator whose kind is removed", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await rig.startOperator();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  async function whenMetric(name: string, wanted: number): Promise<void> {
    const [operator] = rig.processes();
    assert.ok(operator !== undefined);
    await eventually(async () => (await operator.metrics()).get(name) === wanted, {
      deadlineMs: DEADLINE_MS,
      describe: `${name} is ${wanted}`,
      everyMs: 50,
    });
  }

  it("takes its policies out of force, waits, and serves new ones when it is back", async () => {
    await createObject(rig.client, policy("demo", "chat"));
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name: "chat" });
    await whenMetric(ACCEPTED, 1);
    await expectStatus(rig.server, 200, "DELETE", `${CRDS}/${NAME}`);
    await whenMetric(ACCEPTED, 0);
    await whenMetric(REACHABLE, 0);
    const body = readCrds().find(({ metadata }) => metadata.name === NAME);
    const contentType = "application/apply-patch+yaml";
    await expectStatus(rig.server, 201, "PATCH", `${CRDS}/${NAME}?fieldManager=test`, { body, contentType });
    await eventually(async () => (await requestApi(rig.server, "GET", POLICIES)).status === 200, {
      deadlineMs: DEADLINE_MS,
      describe: "policies are served",
    });
    await createObject(rig.client, policy("demo", "later"));
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name: "later" });
    await whenMetric(ACCEPTED, 1);
    await whenMetric(REACHABLE, 1);
  });
});
