// Who may call the control plane, asked of a real API server: tokens of service accounts, RBAC on virtual and on real resources.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { AccessReviews } from "../../../controlplane/access/access-review.ts";
import { makeCaller } from "../../../controlplane/access/caller.ts";
import { rightOf } from "../../../controlplane/access/rights.ts";
import { controlPlaneConfig } from "../../../controlplane/config.ts";
import { registrationSubject } from "../../../controlplane/registration-subject.ts";
import { applyVerdicts, NOTHING_REGISTERED, processorsOf } from "../../../core/registry/provider-liveness.ts";
import { findClusterAccess } from "../../../kubernetes/access/find-access.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { RouterAdminService } from "../../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind, ListRequest } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { parseConfig } from "../../../runtime/config.ts";
import { createLogger } from "../../../runtime/log.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { installCrds } from "../../cluster/crds/crds.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { type SharedRegistry, startSharedRegistry } from "../../support/shared-registry.ts";
import type { RbacRule } from "./world.ts";

const SILENT = createLogger({ service: "test", level: "silent" });
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const AUDIENCE = "beamline-control-plane";
const { registerProcessor, processorHeartbeat } = ControlPlaneService;
const LIST = ListRequest.fromPartial({});
const virtual = (resources: readonly string[], verbs: readonly string[]): RbacRule => {
  return { apiGroups: ["control.beamline.dev"], resources, verbs };
};
/** What a chart would make of the table of rights. */
const VIEWER = [virtual(["components", "configurations"], ["get", "list", "watch"])];
const COMPONENT = [virtual(["components"], ["create", "update", "delete", "get", "list"])];
const ANY = [virtual(["components/any"], ["update", "delete"])];
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
  let shared: SharedRegistry;
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
    await post("/api/v1/namespaces/shared/serviceaccounts", { metadata: { name: "resize" } });
    await grant("namesake", subject("shared", "resize"), COMPONENT);
    shared = await startSharedRegistry(this);
    server = await startTestControlPlane({ ...config(), policies: "kubernetes", natsUrl: shared.nats.url });
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
    await shared?.stop();
    await apiServer?.stop();
  });

  const register = (token: string | undefined, provider?: string, processorId = "p-1") => {
    const metadata = provider === undefined ? {} : { provider };
    return outcome(client(token).unary(registerProcessor, { processorId, endpoint: "127.0.0.1:9000", metadata }));
  };
  const beat = (token: string | undefined, processorId: string) => {
    const report = { processorId, status: "STOPPING", metrics: {}, timestamp: undefined };
    return outcome(client(token).unary(processorHeartbeat, report));
  };
  const unregister = (token: string | undefined, id: string) => {
    const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
    return outcome(client(token).unary(RegistryService.unregister, { kind, id, instance: "" }));
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
    assert.equal(await register(tokens.resize, "demo/openai", "r-1"), "OK");
    assert.match(
      await register(tokens.resize, "shared/openai", "r-1"),
      /^7 .* may not update providers\.beamline\.dev "openai" in namespace shared/,
    );
    assert.match(await register(tokens.resize, "openai", "r-1"), /^3 metadata\.provider: must be <namespace>\/<name>/);
    await grant("provider-writer", subject("demo", "resize"), PROVIDER_WRITER, "shared");
    // The refusal is remembered for 5 s.
    await eventually(async () => (await register(tokens.resize, "shared/openai", "r-1")) === "OK", {
      deadlineMs: 30_000,
      describe: "the right that was granted",
      everyMs: 500,
    });
    assert.match(await register(tokens.resize, "shared/other", "r-1"), /^7 /);
  });

  it("lets a service account speak for what it registered, and others only with components/any", async () => {
    assert.equal(await register(tokens.resize, undefined, "r-2"), "OK");
    const otherPod = await tokenOf("demo", "resize", AUDIENCE);
    assert.equal(await register(otherPod, undefined, "r-2"), "OK");
    assert.equal(await beat(tokens.resize, "r-2"), "OK");
    const foreign = /^7 processor "r-2" was registered by token:system:serviceaccount:demo:resize: only it/;
    // The same name in another namespace is another owner.
    const namesake = await tokenOf("shared", "resize", AUDIENCE);
    for (const token of [namesake, tokens.operator]) {
      assert.match(await beat(token, "r-2"), foreign);
      assert.match(await register(token, undefined, "r-2"), foreign);
      assert.match(await unregister(token, "r-2"), foreign);
    }
    await grant("any", subject("demo", "operator"), ANY);
    await eventually(async () => (await beat(tokens.operator, "r-2")) === "OK", {
      deadlineMs: 30_000,
      describe: "the right that was granted",
      everyMs: 500,
    });
    assert.match(await unregister(namesake, "r-2"), foreign);
    assert.equal(await unregister(tokens.operator, "r-2"), "OK");
    assert.equal(await register(namesake, undefined, "r-2"), "OK");
  });

  it("tells routers in which namespace a processor works for Providers", async () => {
    assert.equal(await register(tokens.resize, undefined, "openai_v1"), "OK");
    const known = () => shared.verdict("openai_v1");
    await eventually(() => Promise.resolve(known() !== undefined), { deadlineMs: 30_000, describe: "the verdict" });
    assert.equal(known()?.namespace, "demo");
    const verdicts = applyVerdicts(NOTHING_REGISTERED, shared.mirror.verdicts);
    const countedIn = (namespace: string) =>
      processorsOf(verdicts, { key: `${namespace}/by-id`, providerId: "openai_v1" })?.live;
    assert.deepEqual([countedIn("demo"), countedIn("shared")], [1, undefined]);
  });

  it("lets nobody who is in no namespace register a processor for Providers of all, without components/any", async () => {
    const jane = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" };
    await grant("jane", jane, COMPONENT);
    const access = await findClusterAccess({ env: {}, kubeconfig });
    const asking = await KubernetesClient.create({ access, userAgent: "test" });
    const { authorize } = new AccessReviews({ client: asking, clock: systemClock, log: SILENT });
    const caller = makeCaller({ via: "token", name: "jane", groups: ["system:authenticated"], role: undefined });
    const right = rightOf("/obsrvr.flow.controlplane.ControlPlane/RegisterProcessor");
    assert.ok(right !== "open");
    const asks = async (kind: string, metadata = {}) =>
      (await authorize(caller, right, () => registrationSubject(kind, "x", metadata)))?.message;
    try {
      await eventually(async () => (await asks("source")) === undefined, {
        deadlineMs: 30_000,
        describe: "the right that was granted",
        everyMs: 500,
      });
      assert.match(String(await asks("processor")), /^jane may not update components\.control\.beamline\.dev\/any: /);
      assert.match(String(await asks("processor", { provider: "demo/openai" })), /^jane may not update providers/);
      await grant("jane-any", jane, ANY);
      await eventually(async () => (await asks("processor")) === undefined, {
        deadlineMs: 30_000,
        describe: "the right that was granted",
        everyMs: 500,
      });
    } finally {
      asking.close();
    }
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
      .then(({ message }) => message, describeFailure);
  };
});

const outcome = (call: Promise<unknown>): Promise<string> => call.then(() => "OK", describeFailure);

function describeFailure({ code, details }: { readonly code: number; readonly details: string }): string {
  return `${code} ${details}`;
}
