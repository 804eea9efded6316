// An API server alone: it does what Kubernetes does, keeps its data over kill -9, and leaves nothing behind.
import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { expectStatus, requestApi } from "./api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "./api-server.ts";
import { removeOrphanDirs } from "./api-server-files.ts";
import { findClient } from "./find-program.ts";
import { startTestApiServer } from "./for-tests.ts";

const run = promisify(execFile);
const DEADLINE_MS = 30_000;
const NAMESPACES = "/api/v1/namespaces";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const LAMPS = "/apis/test.beamline.dev/v1/namespaces/default/lamps";

/** A kind with one rule in CEL, which only a real API server judges. */
const LAMP = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "lamps.test.beamline.dev" },
  spec: {
    group: "test.beamline.dev",
    scope: "Namespaced",
    names: { plural: "lamps", singular: "lamp", kind: "Lamp" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: { watts: { type: "integer" } },
                "x-kubernetes-validations": [{ rule: "self.watts <= 100", message: "a lamp has at most 100 watts" }],
              },
            },
          },
        },
      },
    ],
  },
};

function lamp(name: string, watts: number): object {
  return { apiVersion: "test.beamline.dev/v1", kind: "Lamp", metadata: { name }, spec: { watts } };
}

function uidOf(body: unknown): string {
  const { metadata } = body as { readonly metadata: { readonly uid: string } };
  assert.match(metadata.uid, /^[0-9a-f-]{36}$/);
  return metadata.uid;
}

function processExists(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

describe("an API server alone", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;

  before(async function () {
    server = await startTestApiServer(this);
  });

  after(async () => {
    // Absent when it was skipped.
    await server?.stop();
  });

  it("accepts the administrator's token, and nobody without one", async () => {
    await expectStatus(server, 200, "GET", NAMESPACES);
    await expectStatus({ url: server.url, caPem: server.caPem, token: "guessed" }, 401, "GET", NAMESPACES);
  });

  it("serves a kind of our own and judges its rules", async () => {
    await expectStatus(server, 201, "POST", CRDS, { body: LAMP });
    await eventually(async () => (await requestApi(server, "GET", LAMPS)).status === 200, {
      deadlineMs: DEADLINE_MS,
      describe: "the new kind is served",
    });
    await expectStatus(server, 201, "POST", LAMPS, { body: lamp("dim", 40) });
    const refused = await expectStatus(server, 422, "POST", LAMPS, { body: lamp("glaring", 400) });
    assert.match(JSON.stringify(refused.body), /a lamp has at most 100 watts/);
  });

  it("has lost nothing after kill -9 of both of its processes", async () => {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "before-the-kill" } };
    const uid = uidOf((await expectStatus(server, 201, "POST", NAMESPACES, { body })).body);
    await server.kill("kube-apiserver");
    await server.kill("etcd");
    await assert.rejects(requestApi(server, "GET", NAMESPACES), /ECONNREFUSED/);
    await server.restart();
    const found = await expectStatus(server, 200, "GET", `${NAMESPACES}/before-the-kill`);
    assert.equal(uidOf(found.body), uid);
  });

  it("serves again after kill -9 of etcd alone, and of the API server alone", async () => {
    for (const part of ["etcd", "kube-apiserver"] as const) {
      await server.kill(part);
      await server.restart(part);
      const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: `after-${part}` } };
      await expectStatus(server, 201, "POST", NAMESPACES, { body });
    }
  });

  it("does not answer while it is stopped, and does again when it goes on", async () => {
    server.signal("kube-apiserver", "SIGSTOP");
    await assert.rejects(requestApi(server, "GET", NAMESPACES, { timeoutMs: 1_000 }), /no answer within 1000 ms/);
    server.signal("kube-apiserver", "SIGCONT");
    await expectStatus(server, 200, "GET", NAMESPACES);
  });

  it("lets another user do what RBAC grants and no more", async () => {
    const kubectl = await findClient("kubectl", { progress: console.error });
    const { kubeconfigPath } = await server.signIn("alice", ["readers"]);
    const list = (resource: string): Promise<{ stdout: string }> =>
      run(kubectl, ["--kubeconfig", kubeconfigPath, "get", resource, "-o", "name"]);
    await assert.rejects(list("namespaces"), /User "alice" cannot list resource "namespaces"/);
    const names = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "read-namespaces" } };
    const rules = [{ apiGroups: [""], resources: ["namespaces"], verbs: ["list"] }];
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    await expectStatus(server, 201, "POST", `${rbac}/clusterroles`, { body: { ...names, kind: "ClusterRole", rules } });
    const binding = {
      ...names,
      kind: "ClusterRoleBinding",
      subjects: [{ kind: "Group", name: "readers", apiGroup: "rbac.authorization.k8s.io" }],
      roleRef: { kind: "ClusterRole", name: "read-namespaces", apiGroup: "rbac.authorization.k8s.io" },
    };
    await expectStatus(server, 201, "POST", `${rbac}/clusterrolebindings`, { body: binding });
    const { stdout } = await eventually(() => list("namespaces"), {
      deadlineMs: DEADLINE_MS,
      describe: "alice may list namespaces",
      everyMs: 100,
    });
    assert.match(stdout, /^namespace\/default$/m);
    await assert.rejects(list("secrets"), /User "alice" cannot list resource "secrets"/);
  });

  it("knows nothing of another one beside it", async function () {
    await using other = await startTestApiServer(this);
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "only-here" } };
    await expectStatus(other, 201, "POST", NAMESPACES, { body });
    await expectStatus(server, 404, "GET", `${NAMESPACES}/only-here`);
    await assert.rejects(requestApi({ url: other.url, caPem: server.caPem, token: other.token }, "GET", NAMESPACES), {
      code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    });
  });

  it("runs controllers beside it when they are asked for", async function () {
    await using controlled = await startTestApiServer(this, { controllers: ["namespace-controller"] });
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "short-lived" } };
    await expectStatus(controlled, 201, "POST", NAMESPACES, { body });
    await expectStatus(controlled, 200, "DELETE", `${NAMESPACES}/short-lived`);
    await eventually(async () => (await requestApi(controlled, "GET", `${NAMESPACES}/short-lived`)).status === 404, {
      deadlineMs: DEADLINE_MS,
      describe: "the namespace is gone",
      everyMs: 100,
    });
  });

  it("refuses a part that it does not have, and a flag that kube-apiserver does not know", async function () {
    assert.throws(() => server.signal("kube-controller-manager", "SIGTERM"), /no part of this API server/);
    await assert.rejects(startTestApiServer(this, { extraFlags: ["--no-such-flag"] }), {
      code: "PROCESS_FAILED",
      message: /unknown flag: --no-such-flag/,
    });
  });

  it("ends with the process that started it, also after kill -9, and its folder is swept", async () => {
    const child = fork(join(import.meta.dirname, "fixtures", "start-and-wait.ts"), { stdio: "ignore" });
    const [pids] = (await once(child, "message")) as [readonly number[]];
    assert.equal(pids.length, 2);
    assert.ok(pids.every(processExists), "both processes run");
    child.kill("SIGKILL");
    await eventually(() => !pids.some(processExists), {
      deadlineMs: DEADLINE_MS,
      describe: () => `still there: ${pids.filter(processExists)}`,
    });
    const folders = (): string[] => globSync(join(tmpdir(), `beamline-api-server-${child.pid}-*`));
    assert.equal(folders().length, 1);
    await removeOrphanDirs();
    assert.deepEqual(folders(), []);
    assert.ok(existsSync(server.logDir), "that of a living process stays");
  });
});
