// Routers of other namespaces, under the chart's own rights: their own NATS credentials, their own subjects, nothing of the installation's.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createUser } from "@nats-io/nkeys";
import { after, before, describe, it } from "mocha";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { deleteObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { create } from "../../kubernetes/api-server/world.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";
import { applyChartRights, OPERATOR_USER } from "./chart-rights.ts";
import { ClusterRig } from "./cluster-rig.ts";
import { SteadyRequests } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch } from "./world.ts";
import { recordVersions } from "./writes.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const OWN = { namespace: "team", name: "own" };
const CHAT = { namespace: "demo", name: "chat" };
const TEAM_CHAT = { namespace: "team", name: "chat" };
const SHARED = { namespace: "shared", name: "openai" };
const PROVIDERS = [{ name: "openai", ref: SHARED }];
const SECRET = core("Secret", "secrets");
const ROLE = rbac("Role", "roles");
const ROLE_BINDING = rbac("RoleBinding", "rolebindings");
/** A Secret that is made or permitted is found by the next look, 5 s later at most. */
const FOUND_MS = 8_000;

describe("the Router of a team", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let folder: TempDir;
  let rig: ClusterRig;
  let requests: SteadyRequests;
  const installation = newUser();
  const team = newUser();

  before(async function () {
    folder = await makeTempDir("beamline-nats-config-");
    const users = [installation, team].map(({ publicKey }) => `{nkey: ${publicKey}}`);
    const natsConfigFile = join(folder.path, "nats.conf");
    await writeFile(natsConfigFile, `authorization { users: [${users.join(", ")}] }\n`);
    const credentialsFile = join(folder.path, "installation.creds");
    await writeFile(credentialsFile, installation.credentials, { mode: 0o600 });
    await writeFile(join(folder.path, "team.creds"), team.credentials, { mode: 0o600 });
    rig = await ClusterRig.start(this, { natsConfigFile });
    for (const namespace of ["demo", "team", "shared"]) await createNamespace(rig.client, namespace);
    await applyChartRights(rig.server);
    const { kubeconfigPath } = await rig.server.signIn(OPERATOR_USER);
    await createObject(rig.client, object("Router", DEFAULT.name, DEFAULT.namespace, { replicas: 1 }));
    await createObject(rig.client, object("Provider", SHARED.name, SHARED.namespace, { allowedNamespaces: ["*"] }));
    await createObject(rig.client, object("RoutingPolicy", CHAT.name, CHAT.namespace, { providers: PROVIDERS }));
    await rig.startOperator("operator-0", {
      BEAMLINE_KUBECONFIG: kubeconfigPath,
      BEAMLINE_NATS_CREDENTIALS_FILE: credentialsFile,
    });
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Provider", SHARED);
    const { credentials } = installation;
    requests = await SteadyRequests.start({ natsUrl: rig.nats.url, credentials, tenant: "demo", policy: CHAT.name });
  });
  after(async () => {
    await requests?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
    await folder?.remove();
  });

  const whenRefused = (reason: string) =>
    rig.whenCondition("Router", OWN, { type: "ResolvedRefs", status: "False", reason });

  it("is not given the credentials of the installation", async () => {
    const spec = { replicas: 0, subjects: { prefix: "team" } };
    await createObject(rig.client, object("Router", OWN.name, OWN.namespace, spec));
    const { message } = await whenRefused("RefNotPermitted");
    assert.match(message, /spec.nats.credentialsSecret: the installation's own is not given to other namespaces/);
  });

  it("tells of its own Secret that it may not be read, then that it is missing, then uses it", async () => {
    await patch(rig.client, RESOURCE_TYPES.Router, OWN, { spec: { nats: { credentialsSecret: { name: "nats" } } } });
    await rig.whenCondition("Router", OWN, { type: "ResolvedRefs", status: "False", reason: "RefNotPermitted" });
    const spec = { routerRef: OWN, providers: PROVIDERS };
    await createObject(rig.client, object("RoutingPolicy", TEAM_CHAT.name, TEAM_CHAT.namespace, spec));
    const unserved = await rig.whenCondition("RoutingPolicy", TEAM_CHAT, { type: "Ready", status: "Unknown" });
    assert.match(
      unserved.message,
      /Router team\/own is not served now: Secret team\/nats: the operator may not read it/,
    );
    await permitSecret(rig);
    const permittedMs = performance.now();
    const { message } = await whenRefused("RefNotFound");
    assert.equal(message, "Secret team/nats does not exist");
    assert.ok(performance.now() - permittedMs < FOUND_MS);
    const data = { "nats.creds": Buffer.from(team.credentials).toString("base64") };
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { namespace: "team", name: "nats" }, data };
    await create(rig.client, SECRET, secret);
    const madeMs = performance.now();
    await rig.whenCondition("Router", OWN, { type: "Accepted", status: "True" });
    await rig.whenCondition("RoutingPolicy", TEAM_CHAT, { type: "Accepted", status: "True" });
    assert.ok(performance.now() - madeMs < FOUND_MS);
  });

  it("serves its policies on its own subjects, beside an installation that is not disturbed", async () => {
    await using routers = await recordVersions(rig, "Router");
    const { credentials } = team;
    await rig.startRouter("team-0", {
      BEAMLINE_ROUTER_NAMESPACE: OWN.namespace,
      BEAMLINE_ROUTER_NAME: OWN.name,
      BEAMLINE_SUBJECTS_PREFIX: "team",
      BEAMLINE_NATS_CREDENTIALS_FILE: join(folder.path, "team.creds"),
    });
    const target = { natsUrl: rig.nats.url, credentials, tenant: "team", policy: TEAM_CHAT.name };
    {
      await using own = await SteadyRequests.start({ ...target, subject: "team.beamline.router.v1.decide" });
      await own.whenAnswered(50);
      assert.deepEqual(own.counts().failures, []);
    }
    await assert.rejects(SteadyRequests.start(target), /TENANT_FORBIDDEN/);
    assert.deepEqual(requests.counts().failures, []);
    assert.equal(routers.count(DEFAULT), 0);
  });

  it("has its say in the status of a Provider that both use, until it has no use for it", async () => {
    const worst = await rig.whenCondition("Provider", SHARED, { type: "Programmed", status: "Unknown" });
    assert.equal(worst.message, "Router team/own: no router is ready");
    assert.ok((await deleteObject(rig.client, RESOURCE_TYPES.RoutingPolicy, TEAM_CHAT)).ok);
    await rig.whenReady("Provider", SHARED);
    await rig.whenReady("RoutingPolicy", CHAT);
  });

  it("may not name a server that the installation does not allow", async () => {
    const ref = { namespace: "team", name: "elsewhere" };
    const spec = { replicas: 0, nats: { url: "nats://nats.example:4222", credentialsSecret: { name: "nats" } } };
    await createObject(rig.client, object("Router", ref.name, ref.namespace, spec));
    const refused = await rig.whenCondition("Router", ref, { type: "Accepted", status: "False" });
    assert.equal(refused.reason, "NatsUrlNotAllowed");
    assert.match(refused.message, /nats:\/\/nats.example:4222 is not among the servers/);
  });

  it("may be made again under its name: the next one takes the bus over without a word of another's", async () => {
    await using routers = await recordVersions(rig, "Router");
    const before = await rig.read("Router", OWN);
    assert.ok((await deleteObject(rig.client, RESOURCE_TYPES.Router, OWN)).ok);
    await createObject(rig.client, object("Router", OWN.name, OWN.namespace, before?.spec as object));
    await rig.whenCondition("Router", OWN, { type: "Accepted", status: "True" });
    assert.deepEqual(
      routers.transitions(OWN, "Accepted").filter((status) => status === "False"),
      [],
    );
    assert.deepEqual(requests.counts().failures, []);
  });
});

interface NatsUser {
  readonly publicKey: string;
  /** As a `.creds` file holds them. The server knows users by their keys, so that their JWT says nothing. */
  readonly credentials: string;
}

function newUser(): NatsUser {
  const user = createUser();
  const seed = new TextDecoder().decode(user.getSeed());
  const part = (name: string, text: string): string => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n\n`;
  const credentials = `${part("NATS USER JWT", "none")}${part("USER NKEY SEED", seed)}`;
  return { publicKey: user.getPublicKey(), credentials };
}

/** As the chart's notes tell a team to. */
async function permitSecret(rig: ClusterRig): Promise<void> {
  const metadata = { namespace: "team", name: "beamline-nats" };
  const [account, accountNamespace] = ["beamline-operator", OWN_NAMESPACE];
  const rules = [{ apiGroups: [""], resources: ["secrets"], resourceNames: ["nats"], verbs: ["get"] }];
  const role: KubernetesObject = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, ...{ rules } };
  await create(rig.client, ROLE, role);
  await create(rig.client, ROLE_BINDING, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: metadata.name },
    subjects: [{ kind: "ServiceAccount", name: account, namespace: accountNamespace }],
  } as KubernetesObject);
}

function core(kind: string, plural: string): ResourceType {
  return { group: "", version: "v1", kind, plural, namespaced: true };
}

function rbac(kind: string, plural: string): ResourceType {
  return { group: "rbac.authorization.k8s.io", version: "v1", kind, plural, namespaced: true };
}
