// RouterAdmin on the files of one machine, beside a real operator with real routers: stored, judged, shown, removed.
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { RouterAdminService } from "../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import type { AdminPolicy } from "../../proto/gen/messages/beamline/flow/v1/admin.ts";
import { OperatorHarness, policyText } from "../operator/harness.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";

const { upsertPolicy, getPolicy, listPolicies, deletePolicy, getCheckpointStatus, getValidatorsHealth } =
  RouterAdminService;
const DEADLINE_MS = 30_000;

const chat: AdminPolicy = {
  policyId: "chat_v2",
  providers: [
    { id: "openai", weight: 0.7 },
    { id: "local_llm", weight: 0.3 },
  ],
  sticky: true,
  rules: [{ match: "context.tier == 'gold'", prefer: ["openai"], fallback: "local_llm" }],
};
const PROVIDER = `apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: { name: local-llm, namespace: demo }
spec: { providerId: local_llm }
`;

/** Without what protobuf adds for fields that it does not know. */
function plain<T>(message: T): T {
  return JSON.parse(JSON.stringify(message, (key, value) => (key === "_unknownFields" ? undefined : value)));
}

describe("RouterAdmin on files", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let harness: OperatorHarness;
  let server: TestControlPlane;
  let client: TestClient;

  before(async function () {
    nats = await startTestNats({ context: this });
    harness = await OperatorHarness.make(nats.url);
    await harness.write("local-llm.yaml", PROVIDER);
    await harness.write("people.yaml", policyText("people"));
    await harness.start();
    await harness.whenRoutersReady(2);
    server = await startTestControlPlane({
      natsUrl: nats.url,
      policies: "files",
      policiesDir: harness.folder.path,
      statusUrl: `${harness.operator?.httpUrl}/status`,
    });
    client = new TestClient(server.address);
  });
  after(async () => {
    client?.close();
    await server?.stop();
    await harness?.remove();
    await nats?.stop();
  });

  const policyOf = (policyId: string) => harness.document().policies.find((policy) => policy.policyId === policyId);

  it("stores a policy in a file of its own, says that it is accepted, and shows what was put", async () => {
    const answer = await client.unary(upsertPolicy, { tenantId: "demo", policy: chat });
    assert.equal(answer.success, true);
    assert.match(
      answer.message,
      /^stored as file router-admin\/demo\/chat-v2-[0-9a-f]{16}\.yaml; accepted: the object is valid/,
    );
    const { policy } = await client.unary(getPolicy, { tenantId: "demo", policyId: "chat_v2" });
    assert.deepEqual(plain(policy), chat);
    await eventually(
      () => policyOf("chat_v2")?.conditions.some((one) => one.type === "Ready" && one.status === "True"),
      {
        deadlineMs: DEADLINE_MS,
        describe: () => `the routers serve it: ${JSON.stringify(policyOf("chat_v2"))}`,
      },
    );
  });

  it("says of a change that it was judged, and writes nothing when nothing changes", async () => {
    const change = { ...chat, providers: [...chat.providers].reverse() };
    const answer = await client.unary(upsertPolicy, { tenantId: "demo", policy: change });
    assert.match(answer.message, /; accepted: /);
    const generation = policyOf("chat_v2")?.generation;
    assert.equal(generation, 2);
    const [, file = ""] = /file (\S+\.yaml);/.exec(answer.message) ?? [];
    const { mtimeMs } = await stat(join(harness.folder.path, file));
    await client.unary(upsertPolicy, { tenantId: "demo", policy: change });
    assert.equal((await stat(join(harness.folder.path, file))).mtimeMs, mtimeMs);
  });

  it("stores what the operator does not accept, and says why it does not", async () => {
    const policy = { ...chat, policyId: "strange", providers: [{ id: "openai", weight: 1 }], rules: [] };
    const tenant = `apiVersion: beamline.dev/v1alpha1\nkind: Tenant\nmetadata: { name: small }\nspec: { namespaces: [team-s], quotas: { policies: 0 } }\n`;
    const quota = tenant.replace("policies: 0", "providersPerPolicy: 1");
    await harness.write("small.yaml", quota);
    const two = { ...policy, providers: [...policy.providers, { id: "anthropic", weight: 1 }] };
    const answer = await client.unary(upsertPolicy, { tenantId: "small", policy: two });
    assert.equal(answer.success, true);
    assert.match(answer.message, /team-s\/strange\.yaml; not accepted: QuotaExceeded: .*at most 1 provider/);
  });

  it("lists the policies of a tenant by id, those that people wrote too", async () => {
    const { policies } = await client.unary(listPolicies, { tenantId: "demo" });
    assert.deepEqual(
      policies.map(({ policyId }) => policyId),
      ["chat_v2", "people"],
    );
  });

  it("leaves files alone that it did not write", async () => {
    const people = { ...chat, policyId: "people" };
    const before = await readFile(join(harness.folder.path, "people.yaml"), "utf8");
    for (const failure of [
      await client.failure(upsertPolicy, { tenantId: "demo", policy: people }),
      await client.failure(deletePolicy, { tenantId: "demo", policyId: "people" }),
    ])
      assert.deepEqual(
        [failure.code, failure.reason, failure.values?.file],
        ["FAILED_PRECONDITION", "POLICY_HELD", "people.yaml"],
      );
    assert.equal(await readFile(join(harness.folder.path, "people.yaml"), "utf8"), before);
    const own = join(harness.folder.path, "router-admin/demo/taken.yaml");
    await writeFile(own, "# by hand\n");
    const taken = await client.failure(upsertPolicy, { tenantId: "demo", policy: { ...chat, policyId: "taken" } });
    assert.equal(taken.reason, "POLICY_HELD");
    assert.equal(await readFile(own, "utf8"), "# by hand\n");
  });

  it("removes a policy that it wrote, once", async () => {
    assert.deepEqual(plain(await client.unary(deletePolicy, { tenantId: "demo", policyId: "chat_v2" })), { ok: true });
    const name = { tenantId: "demo", policyId: "chat_v2" };
    for (const failure of [await client.failure(getPolicy, name), await client.failure(deletePolicy, name)])
      assert.deepEqual([failure.code, failure.reason], ["NOT_FOUND", "POLICY_UNKNOWN"]);
    await eventually(() => policyOf("chat_v2") === undefined, { deadlineMs: DEADLINE_MS, describe: "it is gone" });
  });

  it("lists as much as an answer may hold, and passes over files that cannot be read as YAML", async () => {
    const rules = Array.from(
      { length: 50 },
      (_, rule) => `    - {name: r${rule}, when: "'${"x".repeat(1_800)}' == ''"}`,
    );
    const many = Array.from({ length: 26 }, (_, index) => {
      const more = index < 2 ? "" : `  rules:\n${rules.join("\n")}\n`;
      return policyText(`many-${index}`, 1, more).replace("namespace: demo", "namespace: crowd");
    });
    await harness.write("wide.yaml", "a: &a [1]\nb: &b [*a, *a]\n".replace("*a, *a", "*a,".repeat(200)));
    await harness.write("crowd.yaml", many.slice(0, 12).join("---\n"));
    assert.equal((await client.unary(listPolicies, { tenantId: "crowd" })).policies.length, 12);
    await harness.write("crowd.yaml", many.join("---\n"));
    const failure = await client.failure(listPolicies, { tenantId: "crowd" });
    assert.deepEqual([failure.code, failure.reason], ["RESOURCE_EXHAUSTED", "ANSWER_TOO_LARGE"]);
    for (const file of ["crowd.yaml", "wide.yaml"]) await harness.delete(file);
  });

  it("refuses what is wrong with the request's own field", async () => {
    const wrong = {
      ...chat,
      providers: [
        { id: "openai", weight: -1 },
        { id: "no_object", weight: 1 },
      ],
      rules: [],
    };
    const failure = await client.failure(upsertPolicy, { tenantId: "demo", policy: wrong });
    assert.deepEqual(failure.violations, ["policy.providers[0].weight WEIGHT", "policy.providers[1].id INVALID"]);
    const empty = await client.failure(upsertPolicy, { tenantId: "", policy: undefined });
    assert.deepEqual(empty.violations, ["tenant_id REQUIRED", "policy REQUIRED"]);
    const nobody = await client.failure(getPolicy, { tenantId: "No_Body", policyId: "chat" });
    assert.deepEqual([nobody.code, nobody.reason], ["NOT_FOUND", "TENANT_UNKNOWN"]);
  });

  it("stores within the call's deadline when the operator does not answer, and says so", async () => {
    await harness.stop();
    const policy = { ...chat, policyId: "alone", rules: [] };
    const deadline = Date.now() + 2_000;
    const answer = await client.unary(upsertPolicy, { tenantId: "demo", policy }, { deadline });
    assert.match(answer.message, /alone\.yaml; the operator has not said yet whether it accepts it$/);
  });
});

describe("RouterAdmin's other calls", function () {
  this.timeout(NATS_START_TIMEOUT_MS);

  async function withServer(
    overrides: Parameters<typeof startTestControlPlane>[0],
    use: (client: TestClient) => Promise<void>,
  ): Promise<void> {
    const server = await startTestControlPlane(overrides);
    const client = new TestClient(server.address);
    try {
      await use(client);
    } finally {
      client.close();
      await server.stop();
    }
  }

  it("tell the checkpoint that the build was made for, also without a place for policies", async () => {
    await withServer({}, async (client) => {
      const { status } = await client.unary(getCheckpointStatus, {});
      const { current_cp: current } = JSON.parse(await readFile("proto/checkpoint.json", "utf8"));
      assert.deepEqual([status?.currentCp, status?.cp2PlusAllowed], [current, true]);
      const failure = await client.failure(listPolicies, { tenantId: "demo" });
      assert.deepEqual([failure.code, failure.reason], ["UNIMPLEMENTED", "FEATURE_OFF"]);
    });
  });

  it("are answered UNIMPLEMENTED, with the setting, when the service is switched off", async () => {
    await withServer({ adminGrpcEnabled: false }, async (client) => {
      for (const failure of [
        await client.failure(getCheckpointStatus, {}),
        await client.failure(getValidatorsHealth, { tenantId: "" }),
        await client.failure(upsertPolicy, { tenantId: "demo", policy: chat }),
      ]) {
        assert.deepEqual([failure.code, failure.reason], ["UNIMPLEMENTED", "FEATURE_OFF"]);
        assert.match(failure.message, /BEAMLINE_ADMIN_GRPC_ENABLED/);
      }
    });
  });

  it("tell that nothing is known of validators without NATS, and what routers say with it", async function () {
    await withServer({}, async (client) => {
      const { validators } = await client.unary(getValidatorsHealth, { tenantId: "" });
      assert.deepEqual(
        validators.map(({ name, status }) => [name, status]),
        [["intake", "unknown"]],
      );
    });
    const nats = await startTestNats({ context: this });
    const harness = await OperatorHarness.make(nats.url);
    try {
      await harness.write("chat.yaml", policyText("chat"));
      await harness.start();
      await harness.whenRoutersReady(2);
      await withServer({ natsUrl: nats.url }, async (client) => {
        const serving = await eventually(
          async () => {
            const { validators } = await client.unary(getValidatorsHealth, { tenantId: "" });
            return validators.filter(({ status }) => status === "serving").length === 2 ? validators : undefined;
          },
          { deadlineMs: DEADLINE_MS, describe: "two routers serve" },
        );
        for (const { name, details } of serving) {
          assert.match(name, /^intake:beamline-system\.default\./);
          assert.match(details, /serves revision \d+$/);
        }
      });
    } finally {
      await harness.remove();
      await nats.stop();
    }
  });
});
