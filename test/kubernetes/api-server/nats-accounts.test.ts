// `beamline nats-accounts --kubernetes` on a real API server, with no more rights than its Job has.
import assert from "node:assert/strict";
import { parseCreds } from "@nats-io/jwt";
import { after, before, describe, it } from "mocha";
import { ROLES } from "../../../core/trust/trust.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { deleteObject, mergeObject, readObject } from "../../../kubernetes/objects.ts";
import { type CliRun, runCli } from "../../cli/run-cli.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { CONFIG_MAP, create, FIELD_MANAGER, openClient } from "./world.ts";

const NAMESPACE = "default";
const PREFIX = "y-nats";
const PARTS = ["keys", ...ROLES.filter((role) => role !== "system")];
const SECRET: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
const RBAC = { group: "rbac.authorization.k8s.io", version: "v1", namespaced: true };
const ROLE: ResourceType = { ...RBAC, kind: "Role", plural: "roles" };
const ROLE_BINDING: ResourceType = { ...RBAC, kind: "RoleBinding", plural: "rolebindings" };
const JOB_USER = "nats-accounts-job";

type DataObject = KubernetesObject & { readonly data: Readonly<Record<string, string>> };

describe("beamline nats-accounts on a real API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;
  let env: Readonly<Record<string, string>>;

  before(async function () {
    server = await startTestApiServer(this);
    client = await openClient(server);
    const metadata = { namespace: NAMESPACE, name: JOB_USER };
    const secrets = PARTS.map((part) => `${PREFIX}-${part}`);
    await create(client, ROLE, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: [
        { apiGroups: [""], resources: ["secrets", "configmaps"], verbs: ["create"] },
        { apiGroups: [""], resources: ["secrets"], resourceNames: secrets, verbs: ["get", "patch"] },
        { apiGroups: [""], resources: ["configmaps"], resourceNames: [`${PREFIX}-accounts`], verbs: ["get", "patch"] },
      ],
    });
    await create(client, ROLE_BINDING, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: JOB_USER },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: JOB_USER }],
    });
    env = { KUBECONFIG: (await server.signIn(JOB_USER)).kubeconfigPath };
  });
  after(async () => {
    client?.close();
    await server?.stop();
  });

  const run = (...more: readonly string[]): Promise<CliRun> =>
    runCli(
      ["nats-accounts", "--kubernetes", "--namespace", NAMESPACE, "--prefix", PREFIX, "--output", "json", ...more],
      { env },
    );
  const written = ({ stdout, stderr, exitCode }: CliRun): readonly string[] => {
    assert.equal(exitCode, 0, stderr);
    const { written: parts }: { written: { part: string; action: string }[] } = JSON.parse(stdout);
    return parts.map(({ part, action }) => `${part} ${action}`);
  };
  const read = async (type: ResourceType, part: string): Promise<DataObject> => {
    const result = await readObject<DataObject>(client, type, { namespace: NAMESPACE, name: `${PREFIX}-${part}` });
    assert.ok(result.ok, part);
    return result.value;
  };
  const userOf = async (part: string): Promise<string> => {
    const { data } = await read(SECRET, part);
    return (await parseCreds(Buffer.from(data["nats.creds"] ?? "", "base64"))).uc.sub;
  };

  it("makes everything once, though two run at the same time", async () => {
    const runs = await Promise.all([run(), run()]);
    assert.equal(runs.filter((one) => written(one).includes("keys created")).length, 1);
    for (const part of PARTS) {
      const { metadata, data } = await read(SECRET, part);
      assert.equal(metadata.labels?.["app.kubernetes.io/part-of"], "beamline");
      assert.deepEqual(Object.keys(data), [part === "keys" ? "keys.json" : "nats.creds"]);
    }
    const { data } = await read(CONFIG_MAP, "accounts");
    assert.match(data["accounts.conf"] ?? "", /^resolver: MEMORY$/m);
    assert.doesNotMatch(data["accounts.conf"] ?? "", /\bS[OAU][A-Z2-7]{56}\b/);
  });

  it("changes nothing when run again, and makes again what is missing, with the same keys", async () => {
    const versions = await Promise.all(PARTS.map((part) => read(SECRET, part)));
    assert.deepEqual(written(await run()), []);
    const again = await Promise.all(PARTS.map((part) => read(SECRET, part)));
    assert.deepEqual(
      again.map(({ metadata }) => metadata.resourceVersion),
      versions.map(({ metadata }) => metadata.resourceVersion),
    );
    const user = await userOf("worker");
    const gone = await deleteObject(client, SECRET, { namespace: NAMESPACE, name: `${PREFIX}-worker` });
    assert.ok(gone.ok);
    assert.deepEqual(written(await run()), ["worker created"]);
    assert.equal(await userOf("worker"), user);
  });

  it("rotates a role", async () => {
    const before = await userOf("router");
    assert.deepEqual(written(await run("--rotate", "router")), ["keys updated", "router updated", "accounts updated"]);
    assert.notEqual(await userOf("router"), before);
  });

  it("does not touch a Secret of somebody else, and says what it may not do", async () => {
    const ref = { namespace: NAMESPACE, name: `${PREFIX}-producer` };
    const labels = { "app.kubernetes.io/managed-by": "Helm" };
    const relabelled = await mergeObject(
      client,
      SECRET,
      ref,
      { metadata: { labels } },
      { fieldManager: FIELD_MANAGER },
    );
    assert.ok(relabelled.ok);
    const refused = await run();
    assert.equal(refused.exitCode, 78);
    assert.match(refused.stderr, /Secret default\/y-nats-producer was not made by this command/);
    const other = await runCli(["nats-accounts", "--kubernetes", "--namespace", "kube-system", "--prefix", PREFIX], {
      env,
    });
    assert.equal(other.exitCode, 77);
    assert.match(other.stderr, /PERMISSION_DENIED: Secret kube-system\/y-nats-keys: .*forbidden/);
  });
});
