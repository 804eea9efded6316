// An API server that is overloaded by others and answers 429: the operator waits as it is asked to, and everything arrives.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { requestApi } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { collectionPath } from "../../cluster/crds/crds.ts";
import { applyChartRights, OPERATOR_USER } from "./chart-rights.ts";
import { ClusterRig } from "./cluster-rig.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, openClientWith, patch, policy } from "./world.ts";
import { countApplies } from "./writes.ts";

const CHAT = { namespace: "demo", name: "chat" };
const POLICIES = 40;
/** Requests of others that are always under way: more than the server takes from all together. */
const LANES = 12;
const STORM_MS = 8_000;
const TOO_MANY_REQUESTS = 429;
/** The operator's, in a test of half a minute. */
const MAX_LINES = 120;
/** Of a status, those that were refused among them; each waits longer than the one before. */
const MAX_TRIES_A_POLICY = 8;

describe("an API server that is overloaded", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let operator: OperatorProcess;

  before(async function () {
    const flags = ["--enable-priority-and-fairness=false", "--max-requests-inflight=2"];
    rig = await ClusterRig.start(this, { extraFlags: [...flags, "--max-mutating-requests-inflight=1"] });
    await createNamespace(rig.client, "demo");
    await applyChartRights(rig.server);
    const { kubeconfigPath } = await rig.server.signIn(OPERATOR_USER);
    await createObject(rig.client, object("Router", "default", OWN_NAMESPACE, { replicas: 1 }));
    await createObject(rig.client, policy(CHAT.namespace, CHAT.name));
    operator = await rig.startOperator("operator-0", { BEAMLINE_KUBECONFIG: kubeconfigPath });
    await rig.whenReady("RoutingPolicy", CHAT);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  it("gets no storm of retries from the operator, and in the end every status", async () => {
    const grants = [{ rules: [{ apiGroups: ["beamline.dev"], resources: ["*"], verbs: ["list", "patch"] }] }];
    const crowd = await openClientWith(rig.server, "crowd", grants);
    const { token = "" } = await crowd.access.readCredentials();
    const endpoint = { ...rig.server, url: rig.server.url, caPem: rig.server.caPem, token };
    const startMs = performance.now();
    const lines = operator.log().length;
    const applies = await countApplies(rig.server);
    let refused = 0;
    const lane = async (index: number): Promise<void> => {
      const path = collectionPath("RoutingPolicy", "demo");
      const body = { metadata: { labels: { lane: String(index) } } };
      while (performance.now() - startMs < STORM_MS) {
        const merge = { body, contentType: "application/merge-patch+json" };
        const isRead = index % 3 === 0;
        const { status } = isRead
          ? await requestApi(endpoint, "GET", path)
          : await requestApi(endpoint, "PATCH", `${path}/${CHAT.name}`, merge);
        if (status === TOO_MANY_REQUESTS) refused++;
      }
    };
    const storm = Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)));
    // By the administrator, who is never refused.
    const names = Array.from({ length: POLICIES }, (_, index) => `policy-${index}`);
    for (const name of names) await createObject(rig.client, policy("demo", name));
    const weight = { spec: { providers: [{ name: "openai", weight: 2 }] } };
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, CHAT, weight);
    await storm;
    for (const name of [...names, CHAT.name]) await rig.whenReady("RoutingPolicy", { namespace: "demo", name });
    const tries = (await countApplies(rig.server)) - applies;
    assert.ok(tries < MAX_TRIES_A_POLICY * POLICIES, `${tries} tries for ${POLICIES} policies`);
    assert.ok(refused > 0, "the server was overloaded");
    assert.ok(operator.running());
    assert.ok(operator.log().length - lines < MAX_LINES, `${operator.log().length - lines} lines`);
    crowd.close();
  });
});
