// Who may do what with policies over RouterAdmin: the rights of a cluster in the namespace where the tenant's policies are.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { RouterAdminService } from "../../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import type { AdminPolicy } from "../../../proto/gen/messages/beamline/flow/v1/admin.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { ClusterRig } from "./cluster-rig.ts";
import { createNamespace, createObject, object, type RbacRule } from "./world.ts";

const { upsertPolicy, getPolicy, listPolicies, deletePolicy } = RouterAdminService;
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const AUDIENCE = "beamline-control-plane";
const RBAC_GROUP = "rbac.authorization.k8s.io";
/** Nobody judges policies here: an answer does not wait for that longer than this. */
const DEADLINE_MS = 3_000;

const beamline = (resources: readonly string[], verbs: readonly string[]): RbacRule => {
  return { apiGroups: ["beamline.dev"], resources, verbs };
};
/** What docs/router-admin.md says that the control plane itself needs. */
const OWN_RIGHTS = [
  beamline(["tenants", "providers", "routers", "routingpolicies"], ["get", "list"]),
  beamline(["routingpolicies"], ["create", "patch", "delete"]),
];
const VIEWER = [beamline(["routingpolicies"], ["get", "list"])];
const WRITER = [beamline(["routingpolicies"], ["get", "list", "create", "patch"])];

const chat: AdminPolicy = { policyId: "chat", providers: [{ id: "openai", weight: 1 }], sticky: false, rules: [] };

describe("rights on policies over RouterAdmin", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let server: TestControlPlane;
  const clients = new Map<string, TestClient>();

  const post = (path: string, body: object) => expectStatus(rig.server, 201, "POST", path, { body });
  const grant = async (name: string, subject: object, rules: readonly RbacRule[], namespace?: string) => {
    const [scope, kind] = namespace === undefined ? ["", "ClusterRole"] : [`namespaces/${namespace}/`, "Role"];
    await post(`${RBAC}/${scope}${kind.toLowerCase()}s`, { metadata: { name }, rules });
    const roleRef = { apiGroup: RBAC_GROUP, kind, name };
    await post(`${RBAC}/${scope}${kind.toLowerCase()}bindings`, { metadata: { name }, roleRef, subjects: [subject] });
  };
  const tokenOf = async (name: string): Promise<string> => {
    await post("/api/v1/namespaces/demo/serviceaccounts", { metadata: { name } });
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: [AUDIENCE] } };
    const answer = await post(`/api/v1/namespaces/demo/serviceaccounts/${name}/token`, body);
    return (answer.body as { readonly status: { readonly token: string } }).status.token;
  };
  const clientOf = (name: string): TestClient => {
    const client = clients.get(name);
    assert.ok(client);
    return client;
  };
  const within = () => ({ deadline: Date.now() + DEADLINE_MS });
  const upsert = (name: string, tenantId: string) =>
    clientOf(name).unary(upsertPolicy, { tenantId, policy: chat }, within());

  before(async function () {
    rig = await ClusterRig.start(this);
    for (const name of ["demo", "team-a"]) await createNamespace(rig.client, name);
    await createObject(
      rig.client,
      object("Tenant", "old", undefined, { tenantId: "Old_Tenant", namespaces: ["demo"] }),
    );
    const user = { apiGroup: RBAC_GROUP, kind: "User", name: "control-plane" };
    await grant("control-plane", user, OWN_RIGHTS);
    const delegator = { apiGroup: RBAC_GROUP, kind: "ClusterRole", name: "system:auth-delegator" };
    await post(`${RBAC}/clusterrolebindings`, { metadata: { name: "cp" }, roleRef: delegator, subjects: [user] });
    const kubeconfig = (await rig.server.signIn("control-plane")).kubeconfigPath;
    server = await startTestControlPlane({
      auth: "kubernetes",
      tokenAudiences: [AUDIENCE],
      policies: "kubernetes",
      kubeconfig,
    });
    for (const [name, rules] of [
      ["viewer", VIEWER],
      ["writer", WRITER],
    ] as const) {
      const token = await tokenOf(name);
      await grant(name, { kind: "ServiceAccount", namespace: "demo", name }, rules, "demo");
      const client = new TestClient(server.address, undefined, {}, token);
      clients.set(name, client);
      // An API server answers a moment after a binding was made by what stood before it.
      await eventually(() => client.unary(listPolicies, { tenantId: "demo" }).catch(() => undefined), {
        deadlineMs: 60_000,
        describe: `${name} may list`,
        everyMs: 500,
      });
    }
  });
  after(async () => {
    for (const client of clients.values()) client.close();
    await server?.stop();
    await rig?.[Symbol.asyncDispose]();
  });

  it("let a viewer read in its namespace, and change nothing", async () => {
    const reader = clientOf("viewer");
    const name = { tenantId: "demo", policyId: "chat" };
    assert.equal((await reader.failure(getPolicy, name)).reason, "POLICY_UNKNOWN");
    for (const failure of [
      await reader.failure(upsertPolicy, { tenantId: "demo", policy: chat }),
      await reader.failure(deletePolicy, name),
    ])
      assert.equal(failure.code, "PERMISSION_DENIED");
  });

  it("let a writer store in its namespace, also for a Tenant whose policies are there, and nowhere else", async () => {
    assert.match((await upsert("writer", "demo")).message, /^stored as RoutingPolicy demo\/chat; the operator has not/);
    assert.equal(
      (await clientOf("viewer").unary(getPolicy, { tenantId: "demo", policyId: "chat" })).policy?.policyId,
      "chat",
    );
    const failure = await clientOf("writer").failure(upsertPolicy, { tenantId: "team-a", policy: chat });
    assert.equal(failure.code, "PERMISSION_DENIED");
    assert.match(failure.message, /in namespace team-a/);
    const other = { ...chat, policyId: "other" };
    const stored = await clientOf("writer").unary(upsertPolicy, { tenantId: "Old_Tenant", policy: other }, within());
    assert.match(stored.message, /^stored as RoutingPolicy demo\/other;/);
  });

  it("do not tell whether there is a tenant to who has no right anywhere else", async () => {
    for (const tenantId of ["No_Body", "team-a"]) {
      const failure = await clientOf("writer").failure(listPolicies, { tenantId });
      assert.equal(failure.code, "PERMISSION_DENIED");
    }
  });
});
