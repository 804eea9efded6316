// How a Router comes to its NATS, and goes from it: Secrets of its namespace, a server that does not answer, a Router made anew.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { after, before, describe, it } from "mocha";
import { issueAccounts } from "../../../cli/accounts/issue.ts";
import { createKeyRing } from "../../../cli/accounts/key-ring.ts";
import { trustFor } from "../../../core/trust/trust.ts";
import { LEASE_TYPE, type Lease } from "../../../kubernetes/lease-record.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { deleteObject, readObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { create } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";

const LEASE = { namespace: OWN_NAMESPACE, name: "beamline-operator" };
const TEAM_ROUTER = { namespace: "team-a", name: "own" };
const ACCEPTED = { type: "Accepted", status: "True" } as const;

describe("a Router in another namespace than the operator's", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, TEAM_ROUTER.namespace);
    await rig.startOperator();
    const { credentials } = await issueAccounts(createKeyRing(), trustFor());
    const data = { "nats.creds": Buffer.from(credentials.get("operator") ?? "").toString("base64") };
    const metadata = { namespace: TEAM_ROUTER.namespace, name: "bus" };
    const type = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
    await create(rig.client, type, { apiVersion: "v1", kind: "Secret", metadata, data } as KubernetesObject);
  });
  after(() => rig?.[Symbol.asyncDispose]());

  function router(): KubernetesObject {
    const nats = { credentialsSecret: { name: "bus" } };
    return object("Router", TEAM_ROUTER.name, TEAM_ROUTER.namespace, {
      nats,
      replicas: 0,
      subjects: { prefix: "own" },
    });
  }

  it("logs in with the Secret that it names, and says when another one that it names is not there", async () => {
    await createObject(rig.client, router());
    await rig.whenCondition("Router", TEAM_ROUTER, ACCEPTED);
    const naming = (name: string): object => ({ spec: { nats: { credentialsSecret: { name } } } });
    await patch(rig.client, RESOURCE_TYPES.Router, TEAM_ROUTER, naming("absent"));
    const missing = { type: "ResolvedRefs", status: "False", reason: "RefNotFound" } as const;
    assert.match(
      (await rig.whenCondition("Router", TEAM_ROUTER, missing)).message,
      /Secret team-a\/absent does not exist/,
    );
    await rig.whenCondition("Router", TEAM_ROUTER, { type: "Ready", status: "False", reason: "RefNotFound" });
    // Its routers go on with what they have.
    await rig.whenCondition("Router", TEAM_ROUTER, ACCEPTED);
    await patch(rig.client, RESOURCE_TYPES.Router, TEAM_ROUTER, naming("bus"));
    await eventually(
      async () => {
        const { metadata, status } = (await rig.read("Router", TEAM_ROUTER)) ?? {};
        if (status?.observedGeneration !== metadata?.generation) return false;
        return status?.conditions?.some(({ type }) => type === "ResolvedRefs") === false;
      },
      { deadlineMs: DEADLINE_MS, describe: "the reference is resolved" },
    );
  });

  it("is served when it is deleted and made anew at once", async () => {
    for (let round = 0; round < 3; round++) {
      const before = (await rig.read("Router", TEAM_ROUTER))?.metadata.uid;
      await deleteObject(rig.client, RESOURCE_TYPES.Router, TEAM_ROUTER);
      await createObject(rig.client, router());
      assert.notEqual((await rig.read("Router", TEAM_ROUTER))?.metadata.uid, before);
      await rig.whenCondition("Router", TEAM_ROUTER, ACCEPTED);
    }
  });

  it("is made for the first policy as soon as that is allowed, with nothing else changed", async () => {
    const name = "no-routers";
    const api = "/apis/admissionregistration.k8s.io/v1";
    const rules = [{ apiGroups: ["beamline.dev"], apiVersions: ["*"], operations: ["CREATE"], resources: ["routers"] }];
    const spec = { matchConstraints: { resourceRules: rules }, validations: [{ expression: "false" }] };
    const kinds = [
      { kind: "ValidatingAdmissionPolicy", plural: "validatingadmissionpolicies", spec },
      {
        kind: "ValidatingAdmissionPolicyBinding",
        plural: "validatingadmissionpolicybindings",
        spec: { policyName: name, validationActions: ["Deny"] },
      },
    ];
    for (const { kind, plural, spec: wanted } of kinds) {
      const body = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name }, spec: wanted };
      await expectStatus(rig.server, 201, "POST", `${api}/${plural}`, { body });
    }
    const probe = object("Router", "probe", TEAM_ROUTER.namespace);
    await eventually(
      async () => {
        const made = await createObject(rig.client, probe).catch(() => undefined);
        if (made !== undefined)
          await deleteObject(rig.client, RESOURCE_TYPES.Router, { ...TEAM_ROUTER, name: "probe" });
        return made === undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "no Router can be made" },
    );
    await createObject(rig.client, policy(TEAM_ROUTER.namespace, "chat"));
    const refused = (): boolean =>
      rig
        .processes()[0]
        ?.log()
        .some(({ message }) => message === "router not made") === true;
    await eventually(refused, { deadlineMs: DEADLINE_MS, describe: "the operator was refused a Router" });
    for (const { plural } of kinds.toReversed())
      await expectStatus(rig.server, 200, "DELETE", `${api}/${plural}/${name}`);
    await rig.whenReady("Router", { namespace: OWN_NAMESPACE, name: "default" });
  });

  it("has no registry: a registration that its Providers require is told as without effect", async () => {
    const { namespace } = TEAM_ROUTER;
    await createObject(rig.client, object("Provider", "resize", namespace, { registration: "Required" }));
    const spec = { routerRef: TEAM_ROUTER, providers: [{ name: "resize" }] };
    await createObject(rig.client, object("RoutingPolicy", "resizing", namespace, spec));
    const ref = { namespace, name: "resize" };
    const told = await rig.whenCondition("Provider", ref, { type: "PartiallySupported", status: "True" });
    assert.match(told.message, /accepted without effect: spec\.registration/);
    const policyRef = { namespace, name: "resizing" };
    await rig.whenCondition("RoutingPolicy", policyRef, ACCEPTED);
    const conditions = (await rig.read("RoutingPolicy", policyRef))?.status?.conditions;
    assert.equal(
      conditions?.find(({ type }) => type === "Registered"),
      undefined,
    );
  });
});

describe("an operator whose NATS takes connections and says nothing", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let silent: Server;

  before(async function () {
    rig = await ClusterRig.start(this);
    silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    await rig?.[Symbol.asyncDispose]();
    silent?.close();
  });

  it("gives its Lease back when it is told to end", async () => {
    await createObject(rig.client, object("Router", "default", OWN_NAMESPACE));
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const operator = await rig.startOperator("operator-0", {
      BEAMLINE_NATS_URL: `nats://127.0.0.1:${port}`,
      BEAMLINE_NATS_TIMEOUT: "60s",
    });
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) =>
        silent.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      );
    await eventually(async () => (await connections()) > 0, { deadlineMs: DEADLINE_MS, describe: "it asks its NATS" });
    operator.signal("SIGTERM");
    assert.equal(await operator.exited, 0);
    const lease = await readObject<Lease>(rig.client, LEASE_TYPE, LEASE);
    assert.equal(lease.ok ? lease.value.spec?.holderIdentity : lease.error.message, "");
  });
});
