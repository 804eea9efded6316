// Kinds that are not served, or no longer, and namespaces that go with everything in them.
import assert from "node:assert/strict";
import { connect } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { crdName } from "../../../core/crd/custom-resource-definition.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import { expectStatus, requestApi } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { installCrds, readCrds } from "../../cluster/crds/crds.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { askOnce } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, policy } from "./world.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const CHAT = { namespace: "demo", name: "chat" };
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const ACCEPTED = 'operator_objects{kind="RoutingPolicy",result="accepted"}';
const APPLY = "application/apply-patch+yaml";
/** A kind that is missing is asked for every 15 s. */
const NOTICED_MS = 20_000;
const NAMESPACE_GONE_MS = 60_000;
/** Lines of an operator in one of these tests, none of which lasts longer than a minute. */
const MAX_LINES = 120;

describe("kinds and namespaces that come and go", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let operator: OperatorProcess;

  before(async function () {
    rig = await ClusterRig.start(this, { crds: false, controllers: ["namespace-controller"] });
    await createNamespace(rig.client, "demo");
    operator = await rig.startOperator();
  });
  after(() => rig?.[Symbol.asyncDispose]());

  const whenReadinessSays = (text: RegExp): Promise<true> =>
    eventually(async () => text.test((await operator.readiness()).text), {
      deadlineMs: DEADLINE_MS,
      describe: () => `/readyz says ${text}`,
      everyMs: 50,
    });

  const remove = async (kind: ObjectKind): Promise<void> => {
    await expectStatus(rig.server, 200, "DELETE", `${CRDS}/${crdName(kind)}`);
    await eventually(async () => (await requestApi(rig.server, "GET", `${CRDS}/${crdName(kind)}`)).status === 404, {
      deadlineMs: DEADLINE_MS,
      describe: `${kind} is gone`,
      everyMs: 50,
    });
  };

  const putBack = async (kind: ObjectKind): Promise<void> => {
    const body = readCrds().find(({ metadata }) => metadata.name === crdName(kind));
    const path = `${CRDS}/${crdName(kind)}?fieldManager=test&force=true`;
    await expectStatus(rig.server, 201, "PATCH", path, { body, contentType: APPLY });
  };

  it("are waited for by an operator that began without them, which says what is missing", async () => {
    await rig.whenLeading(operator);
    await whenReadinessSays(/Router: the API server does not serve this kind; install its CustomResourceDefinition/);
    const { ready, text } = await operator.readiness();
    assert.equal(ready, false);
    assert.match(text, /RoutingPolicy: the API server does not serve this kind/);
    await installCrds(rig.server);
    const startMs = performance.now();
    await createObject(rig.client, policy(CHAT.namespace, CHAT.name));
    await rig.whenReady("RoutingPolicy", CHAT);
    assert.ok(performance.now() - startMs < NOTICED_MS);
    assert.ok((await operator.readiness()).ready);
    assert.ok(operator.log().length < MAX_LINES, `${operator.log().length} lines`);
  });

  it("may be missing for a while: the installation's Router is made again when its kind is back", async () => {
    const lines = operator.log().length;
    const before = await rig.read("Router", DEFAULT);
    await remove("Router");
    await whenReadinessSays(/Router: the API server does not serve this kind/);
    await putBack("Router");
    const router = await eventually(() => rig.read("Router", DEFAULT).catch(() => undefined), {
      deadlineMs: DEADLINE_MS,
      describe: "the Router is made",
      everyMs: 50,
    });
    assert.notEqual(router.metadata.uid, before?.metadata.uid);
    await rig.whenReady("Router", DEFAULT);
    await rig.whenReady("RoutingPolicy", CHAT);
    assert.ok(operator.running());
    assert.ok(operator.log().length - lines < MAX_LINES, `${operator.log().length - lines} lines`);
  });

  it("may be missing for a while: policies made after their kind is back come into force", async () => {
    await remove("RoutingPolicy");
    await whenReadinessSays(/RoutingPolicy: the API server does not serve this kind/);
    await eventually(async () => (await operator.metrics()).get(ACCEPTED) === 0, {
      deadlineMs: DEADLINE_MS,
      describe: "no policy is in force",
    });
    await putBack("RoutingPolicy");
    const startMs = performance.now();
    await eventually(() => createObject(rig.client, policy(CHAT.namespace, CHAT.name)), {
      deadlineMs: DEADLINE_MS,
      describe: "a policy is taken",
      everyMs: 50,
    });
    await rig.whenReady("RoutingPolicy", CHAT);
    assert.ok(performance.now() - startMs < NOTICED_MS);
  });

  it("take everything along with a namespace, while NATS is away too", async () => {
    await createNamespace(rig.client, "team");
    await createObject(rig.client, policy("team", "chat"));
    await createObject(rig.client, object("Provider", "openai", "team"));
    await createObject(rig.client, object("Router", "own", "team", { replicas: 0, subjects: { prefix: "team" } }));
    await rig.whenReady("RoutingPolicy", { namespace: "team", name: "chat" });
    await rig.whenCondition("Router", { namespace: "team", name: "own" }, { type: "Accepted", status: "True" });
    await rig.nats.kill();
    await expectStatus(rig.server, 200, "DELETE", "/api/v1/namespaces/team");
    await eventually(async () => (await requestApi(rig.server, "GET", "/api/v1/namespaces/team")).status === 404, {
      deadlineMs: NAMESPACE_GONE_MS,
      describe: "the namespace is gone",
      everyMs: 100,
    });
    await rig.nats.start();
    await rig.whenReady("RoutingPolicy", CHAT);
    const nc = await connect({ servers: rig.nats.url });
    const target = { natsUrl: rig.nats.url, policy: "chat" };
    assert.equal(await askOnce(nc, { ...target, tenant: "demo" }), undefined);
    await eventually(async () => (await askOnce(nc, { ...target, tenant: "team" })) !== undefined, {
      deadlineMs: DEADLINE_MS,
      describe: "the policy of the namespace is out of the configuration",
      everyMs: 50,
    });
    await nc.close();
  });
});
