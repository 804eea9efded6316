// Who may call the control plane, asked of a real API server: tokens of service accounts, RBAC on virtual and on real resources.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { controlPlaneConfig } from "../../../controlplane/config.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { RouterAdminService } from "../../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import { ListRequest } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { parseConfig } from "../../../runtime/config.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { installCrds } from "../../cluster/crds/crds.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import type { RbacRule } from "./world.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const AUDIENCE = "beamline-control-plane";
const { registerProcessor } = ControlPlaneService;
const LIST = ListRequest.fromPartial({});
const virtual = (resources: readonly string[], verbs: readonly string[]): RbacRule => {
  return { apiGroups: ["control.beamline.dev"], resources, verbs };
};
/** What a chart would make of the table of rights. */
const VIEWER = [virtual(["components", "configurations"], ["get", "list", "watch"])];
const COMPONENT = [virtual(["components"], ["create", "update", "delete", "get", "list"])];
const POLICY_WRITER: RbacRule[] = [
  { apiGroups: ["beamline.dev"], resources: ["routingpolicies"], verbs: ["get", "list", "create", "patch"] },
];
/** What the control plane needs beside, to keep policies for others. */
const POLICY_READER: RbacRule[] = [
  { apiGroups: ["beamline.dev"], resources: ["tenants", "providers"], verbs: ["get", "list"] },
  { apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list"] },
];
const PROVIDER_WRITER: RbacRule[] = [
  { apiGroups: ["beamline.dev"], resources: ["providers"], resourceNames: ["openai"], verbs: ["update"] },
];

describe("callers whose rights are those of a cluster", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let apiServer: ApiServer;
  let server: TestControlPlane;
  let kubeconfig: string;
  const tokens: Record<string, string> = {};
  const clients: TestClient[] = [];

  const post = (path: string, body: object) => expectStatus(apiServer, 201, "POST", path, { body });
  const client = (token: string | undefined): TestClient => {
    const made = new TestClient(server.address, undefined, {}, token);
    clients.push(made);
    return made;
  };
  const tokenOf = async (namespace: string, name: string, audience: string): Promise<string> => {
    const spec = { audiences: [audience] };
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
    const answer = await post(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, body);
    return (answer.body as { readonly status: { readonly token: string } }).status.token;
  };
  const account = async (namespace: string, name: string): Promise<void> => {
    await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    tokens[name] = await tokenOf(namespace, name, AUDIENCE);
  };
  /** Gives a subject these rules, in one namespace or everywhere. */
  const grant = async (
    name: string,
    subject: object,
    rules: readonly RbacRule[],
    namespace?: string,
  ): Promise<void> => {
    const [scope, kind] = namespace === undefined ? ["", "ClusterRole"] : [`namespaces/${namespace}/`, "Role"];
    await post(`${RBAC}/${scope}${kind.toLowerCase()}s`, { metadata: { name }, rules });
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind, name };
    await post(`${RBAC}/${scope}${kind.toLowerCase()}bindings`, { metadata: { name }, roleRef, subjects: [subject] });
  };
  const subject = (namespace: string, name: string) => ({ kind: "ServiceAccount", namespace, name });
  const config = () => {
    const defaults = parseConfig(controlPlaneConfig, {});
    assert.ok(defaults.ok);
    const free = { address: "127.0.0.1:0", healthPort: 0 };
    return { ...defaults.value, ...free, auth: "kubernetes" as const, kubeconfig, tokenAudiences: [AUDIENCE] };
  };

  before(async function () {
    apiServer = await startTestApiServer(this);
    await installCrds(apiServer);
    for (const name of ["demo", "shared"]) await post("/api/v1/namespaces", { metadata: { name } });
    const delegator = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:auth-delegator" };
    const user = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "control-plane" };
    await post(`${RBAC}/clusterrolebindings`, { metadata: { name: "cp" }, roleRef: delegator, subjects: [user] });
    kubeconfig = (await apiServer.signIn("control-plane")).kubeconfigPath;
    for (const name of ["viewer", "operator", "resize", "stranger"]) await account("demo", name);
    await grant("viewer", subject("demo", "viewer"), VIEWER);
    await grant("operator", subject("demo", "operator"), [...VIEWER, ...COMPONENT]);
    await grant("writer", subject("demo", "operator"), POLICY_WRITER, "demo");
    await grant("resize", subject("demo", "resize"), COMPONENT);
    await grant("cp-policies", user, [...POLICY_WRITER, ...POLICY_READER]);
    server = await startTestControlPlane({ ...config(), policies: "kubernetes" });
    // An API server answers a moment after a binding was made by what stood before it.
    for (const [name, method] of [
      ["viewer", "list"],
      ["operator", "list"],
      ["resize", "list"],
    ] as const)
      await eventually(() => client(tokens[name]).unary(RegistryService[method], LIST), {
        deadlineMs: 30_000,
        describe: `${name} is granted what it was`,
        everyMs: 500,
      });
  });

  after(async () => {
    for (const each of clients) each.close();
    await server?.stop();
    await apiServer?.stop();
  });

  const register = (token: string | undefined, provider?: string) => {
    const metadata = provider === undefined ? {} : { provider };
    return client(token)
      .unary(registerProcessor, { processorId: "p-1", endpoint: "127.0.0.1:9000", metadata })
      .then(
        () => "OK",
        (error: { code: number; details: string }) => `${error.code} ${error.details}`,
      );
  };

  it("lets a viewer look, and neither register nor write a policy", async () => {
    await client(tokens.viewer).unary(RegistryService.list, LIST);
    assert.match(
      await register(tokens.viewer),
      /^7 system:serviceaccount:demo:viewer may not create components\.control\.beamline\.dev: grant it by RBAC/,
    );
    assert.match(
      await upsert("viewer", "demo"),
      /^7 .* may not create routingpolicies\.beamline\.dev in namespace demo/,
    );
  });

  it("lets an operator register, and write policies in the namespaces where it may", async () => {
    assert.equal(await register(tokens.operator), "OK");
    assert.match(await upsert("operator", "demo"), /^stored as RoutingPolicy demo\//);
    assert.match(await upsert("operator", "shared"), /^7 .* in namespace shared/);
    const removed = await client(tokens.operator).failure(RouterAdminService.deletePolicy, {
      tenantId: "demo",
      policyId: "chat",
    });
    assert.deepEqual([removed.code, removed.reason], ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
  });

  it("refuses who has no right, no token, a made-up one, or one that is meant for others", async () => {
    assert.match(await register(tokens.stranger), /^7 /);
    assert.match(await register(undefined), /^16 /);
    assert.match(await register("made.up.token"), /^16 /);
    assert.match(await register(await tokenOf("demo", "operator", "https://kubernetes.default.svc")), /^16 /);
  });

  it("lets a component belong to Providers of its own namespace, and to others that it may update", async () => {
    assert.equal(await register(tokens.resize, "demo/openai"), "OK");
    assert.match(
      await register(tokens.resize, "shared/openai"),
      /^7 .* may not update providers\.beamline\.dev "openai" in namespace shared/,
    );
    assert.match(await register(tokens.resize, "openai"), /^3 metadata\.provider: must be <namespace>\/<name>/);
    await grant("provider-writer", subject("demo", "resize"), PROVIDER_WRITER, "shared");
    // The refusal is remembered for 5 s.
    await eventually(async () => (await register(tokens.resize, "shared/openai")) === "OK", {
      deadlineMs: 30_000,
      describe: "the right that was granted",
      everyMs: 500,
    });
    assert.match(await register(tokens.resize, "shared/other"), /^7 /);
  });

  it("goes on serving whom it knows while the API server hangs, and says of others that it cannot ask", async () => {
    await client(tokens.operator).unary(RegistryService.list, LIST);
    const unknown = await tokenOf("demo", "viewer", AUDIENCE);
    apiServer.signal("kube-apiserver", "SIGSTOP");
    try {
      await client(tokens.operator).unary(RegistryService.list, LIST);
      const { code, reason } = await client(unknown).failure(RegistryService.list, LIST);
      assert.deepEqual([code, reason], ["UNAVAILABLE", "DEPENDENCY_UNAVAILABLE"]);
    } finally {
      apiServer.signal("kube-apiserver", "SIGCONT");
    }
    await eventually(() => client(unknown).unary(RegistryService.list, LIST), {
      deadlineMs: 30_000,
      describe: "an answer about the unknown token",
      everyMs: 200,
    });
  });

  it("does not start without the right to ask", async () => {
    const powerless = (await apiServer.signIn("nobody")).kubeconfigPath;
    await assert.rejects(startTestControlPlane({ ...config(), kubeconfig: powerless }), {
      code: "PERMISSION_DENIED",
      hint: /system:auth-delegator/,
    });
  });

  const upsert = (name: string, tenantId: string) => {
    const policy = { policyId: "chat", providers: [{ id: "openai", weight: 1 }], sticky: false, rules: [] };
    return client(tokens[name])
      .unary(RouterAdminService.upsertPolicy, { tenantId, policy })
      .then(
        ({ message }) => message,
        (error: { code: number; details: string }) => `${error.code} ${error.details}`,
      );
  };
});
