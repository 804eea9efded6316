// RouterAdmin on a real API server, beside a real operator: policies as objects, the fields of others left alone.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { applyObject } from "../../../kubernetes/apply.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { RouterAdminService } from "../../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import type { AdminPolicy } from "../../../proto/gen/messages/beamline/flow/v1/admin.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { ClusterRig } from "./cluster-rig.ts";
import { createNamespace, createObject, object, policy } from "./world.ts";

const { upsertPolicy, getPolicy, listPolicies, deletePolicy } = RouterAdminService;

const chat: AdminPolicy = {
  policyId: "chat_v2",
  providers: [
    { id: "openai", weight: 0.7 },
    { id: "local_llm", weight: 0.3 },
  ],
  sticky: true,
  rules: [
    { match: "context.tier == 'gold'", prefer: ["openai"], fallback: "local_llm" },
    { match: "message.type == 'chat'", prefer: ["local_llm"], fallback: "" },
  ],
};

function plain<T>(message: T): T {
  return JSON.parse(JSON.stringify(message, (key, value) => (key === "_unknownFields" ? undefined : value)));
}

describe("RouterAdmin on an API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let server: TestControlPlane;
  let client: TestClient;

  before(async function () {
    rig = await ClusterRig.start(this);
    for (const name of ["demo", "team-a", "team-b"]) await createNamespace(rig.client, name);
    await createObject(rig.client, object("Provider", "local-llm", "demo", { providerId: "local_llm" }));
    await rig.startOperator();
    server = await startTestControlPlane({
      policies: "kubernetes",
      kubeconfig: rig.server.kubeconfigPath,
      natsUrl: rig.nats.url,
    });
    client = new TestClient(server.address);
  });
  after(async () => {
    client?.close();
    await server?.stop();
    await rig?.[Symbol.asyncDispose]();
  });

  const upsert = (put: AdminPolicy, tenantId = "demo") => client.unary(upsertPolicy, { tenantId, policy: put });
  const get = async (policyId: string, tenantId = "demo") =>
    plain((await client.unary(getPolicy, { tenantId, policyId })).policy);
  const nameOf = (message: string): string => /RoutingPolicy [^/]+\/([^;]+);/.exec(message)?.[1] ?? "";
  const applyAs = async (
    fieldManager: string,
    name: string,
    spec: object,
    force = false,
  ): Promise<KubernetesObject> => {
    const intent = object("RoutingPolicy", name, "demo", spec);
    const applied = await applyObject(rig.client, RESOURCE_TYPES.RoutingPolicy, intent, { fieldManager, force });
    assert.ok(applied.ok, JSON.stringify(applied));
    return applied.value;
  };

  it("stores a policy under a field manager of its own, has it accepted and in force, and shows what was put", async () => {
    const answer = await upsert(chat);
    assert.equal(answer.success, true);
    assert.match(answer.message, /^stored as RoutingPolicy demo\/chat-v2-[0-9a-f]{16}; accepted: the object is valid/);
    const name = nameOf(answer.message);
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name });
    const stored = await rig.read("RoutingPolicy", { namespace: "demo", name });
    const managers = stored?.metadata.managedFields?.filter(({ subresource }) => subresource === undefined);
    assert.deepEqual(
      managers?.map(({ manager, operation }) => [manager, operation]),
      [["beamline-admin", "Apply"]],
    );
    assert.deepEqual(await get("chat_v2"), chat);
  });

  it("shows every change as it was put, the order of providers and rules too", async () => {
    for (const put of [
      { ...chat, rules: [...chat.rules].reverse() },
      { ...chat, providers: [...chat.providers].reverse(), sticky: false },
      { ...chat, providers: [{ id: "anthropic", weight: 1 / 3 }, ...chat.providers], rules: [] },
      chat,
    ]) {
      assert.match((await upsert(put)).message, /; accepted: /);
      assert.deepEqual(await get("chat_v2"), put);
    }
  });

  it("leaves fields of others that the short form cannot say", async () => {
    const name = nameOf((await upsert(chat)).message);
    await applyAs("gitops", name, { assignment: { deadline: "7s" } });
    const change = { ...chat, sticky: false };
    await upsert(change);
    const stored = await rig.read("RoutingPolicy", { namespace: "demo", name });
    const { assignment } = (stored?.spec ?? {}) as { readonly assignment?: object };
    assert.deepEqual(assignment, { deadline: "7s", push: "OnRequest" });
    assert.deepEqual(await get("chat_v2"), change);
  });

  it("answers FAILED_PRECONDITION, with the manager, where a field is somebody else's", async () => {
    const { message } = await upsert({ ...chat, policyId: "shared" });
    const name = nameOf(message);
    const providers = [
      { name: "openai", weight: 1 },
      { name: "local_llm", weight: 9, ref: { name: "local-llm" } },
    ];
    await applyAs("gitops", name, { providers }, true);
    const shown = (await get("shared"))?.providers.map(({ weight }) => weight);
    assert.deepEqual(shown, [1, 9]);
    const failure = await client.failure(upsertPolicy, { tenantId: "demo", policy: { ...chat, policyId: "shared" } });
    assert.deepEqual([failure.code, failure.reason], ["FAILED_PRECONDITION", "POLICY_HELD"]);
    assert.match(failure.values?.managers ?? "", /gitops/);
    assert.deepEqual(
      (await get("shared"))?.providers.map(({ weight }) => weight),
      [1, 9],
    );
  });

  it("stores nothing that would not be the policy that was asked for", async () => {
    const name = nameOf((await upsert({ ...chat, policyId: "wider" })).message);
    await applyAs("gitops", name, { rules: [{ name: "gold", when: "true", prefer: ["openai"] }] });
    const failure = await client.failure(upsertPolicy, {
      tenantId: "demo",
      policy: { ...chat, policyId: "wider", sticky: false },
    });
    assert.equal(failure.reason, "POLICY_HELD");
    assert.match(failure.message, /gitops manages it, and policy\.rules would not be what was asked for/);
    assert.equal((await get("wider"))?.sticky, true);
  });

  it("shows and lists what people wrote, and does not remove it", async () => {
    await createObject(rig.client, policy("demo", "people"));
    assert.deepEqual(await get("people"), {
      policyId: "people",
      providers: [{ id: "openai", weight: 1 }],
      sticky: false,
      rules: [],
    });
    const { policies } = await client.unary(listPolicies, { tenantId: "demo" });
    assert.deepEqual(
      policies.map(({ policyId }) => policyId),
      ["chat_v2", "people", "shared", "wider"],
    );
    const failure = await client.failure(deletePolicy, { tenantId: "demo", policyId: "people" });
    assert.equal(failure.reason, "POLICY_HELD");
  });

  it("removes what it stored", async () => {
    await upsert({ ...chat, policyId: "short-lived" });
    const name = { tenantId: "demo", policyId: "short-lived" };
    assert.deepEqual(plain(await client.unary(deletePolicy, name)), { ok: true });
    assert.equal((await client.failure(deletePolicy, name)).reason, "POLICY_UNKNOWN");
    assert.equal((await client.failure(getPolicy, name)).reason, "POLICY_UNKNOWN");
  });

  it("keeps policies of a Tenant in its first namespace, and says why one is not accepted", async () => {
    const spec = { tenantId: "Old_Tenant", namespaces: ["team-b", "team-a"], quotas: { rulesPerPolicy: 1 } };
    await createObject(rig.client, object("Tenant", "old", undefined, spec));
    const providers = [{ id: "openai", weight: 1 }];
    const rules = [
      { match: "true", prefer: [], fallback: "" },
      { match: "false", prefer: [], fallback: "" },
    ];
    const put = { policyId: "plain", providers, sticky: false, rules };
    const { message } = await upsert(put, "Old_Tenant");
    assert.match(message, /^stored as RoutingPolicy team-b\/plain; not accepted: QuotaExceeded: .*at most 1 rule/);
    assert.deepEqual(await get("plain", "Old_Tenant"), put);
  });

  it("answers NOT_FOUND for a tenant that has no place, and FAILED_PRECONDITION for a namespace that is not there", async () => {
    const nobody = await client.failure(upsertPolicy, { tenantId: "No_Body", policy: chat });
    assert.deepEqual([nobody.code, nobody.reason], ["NOT_FOUND", "TENANT_UNKNOWN"]);
    const providers = [{ id: "openai", weight: 1 }];
    const nowhere = { policyId: "plain", providers, sticky: false, rules: [] };
    const failure = await client.failure(upsertPolicy, { tenantId: "nowhere", policy: nowhere });
    assert.deepEqual([failure.code, failure.reason], ["FAILED_PRECONDITION", "POLICY_REFUSED"]);
    assert.match(failure.message, /namespaces "nowhere" not found/);
  });
});
