// A whole cluster: pods run under restricted security, find each other by name, and nothing of it is left afterwards.
import assert from "node:assert/strict";
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { makeTempDir } from "../support/temp.ts";
import { expectStatus, requestApi } from "./api-request.ts";
import { CLUSTER_START_TIMEOUT_MS, type Cluster, openCluster } from "./cluster.ts";
import { layoutOf } from "./cluster-layout.ts";
import { readRecord, removeOrphans } from "./cluster-record.ts";
import { findClient } from "./find-program.ts";
import { startTestCluster } from "./for-tests.ts";
import { programWithLibraries, writeImage } from "./image.ts";
import { stillRuns } from "./process-record.ts";

const run = promisify(execFile);
const DEADLINE_MS = 60_000;
const NODE = "/usr/local/bin/node";
/** As pods of its namespace name it. */
const SERVICE = "echo";
const ECHO = join(import.meta.dirname, "fixtures", "echo.yaml");
const HOST_NAME = /^echo-[0-9a-f]+-[0-9a-z]{5}$/;

/** What a cluster of that name has left on the machine: processes, namespaces, cgroups, mounts, files. */
function remains(name: string): string[] {
  const layout = layoutOf(name);
  const cgroups = globSync(`/sys/fs/cgroup/{${layout.cgroup},*/${layout.cgroup}}`);
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(layout.stateDir));
  const files = [layout.networkNamespacePath, layout.stateDir, layout.relaySocket].filter((path) => existsSync(path));
  return [...cgroups, ...mounts, ...files];
}

describe("a whole cluster", function () {
  this.timeout(CLUSTER_START_TIMEOUT_MS);
  let cluster: Cluster;
  let kubectlPath: string;

  async function kubectl(...kubectlArguments: readonly string[]): Promise<string> {
    const { stdout } = await run(kubectlPath, ["--kubeconfig", cluster.kubeconfigPath, ...kubectlArguments]);
    return stdout;
  }

  /** The names of the pods that answered, asked from inside one of them. */
  function askFromPod(url: string): Promise<string> {
    const script = `fetch(${JSON.stringify(url)}).then((r) => r.text()).then(console.log)`;
    return kubectl("exec", "--namespace=echo", "deployment/echo", "--", NODE, "-e", script);
  }

  before(async function () {
    cluster = await startTestCluster(this);
    kubectlPath = await findClient("kubectl", { progress: console.error });
    await using temp = await makeTempDir();
    const image = join(temp.path, "node.tar");
    const files = await programWithLibraries(process.execPath, NODE);
    await writeImage(image, { reference: "beamline.test/node:1", files, entrypoint: [NODE] });
    await cluster.loadImage(image);
    await kubectl("apply", "--filename", ECHO);
    await kubectl(
      "wait",
      "--namespace=echo",
      "--for=condition=Available",
      "deployment/echo",
      `--timeout=${DEADLINE_MS}ms`,
    );
  });

  after(async () => {
    // Absent when it was skipped.
    await cluster?.stop();
  });

  it("has a node of the version that was built", async () => {
    const template = "{.items[*].metadata.name} {.items[*].status.nodeInfo.kubeletVersion}";
    assert.equal(await kubectl("get", "nodes", "--output", `jsonpath=${template}`), `${cluster.name} v1.35.4`);
  });

  it("runs pods under the restricted Pod Security Standard, and refuses others there", async () => {
    const pods = await kubectl(
      "get",
      "pods",
      "--namespace=echo",
      "--output=name",
      "--field-selector=status.phase=Running",
    );
    assert.equal(pods.trim().split("\n").length, 2);
    const spec = { containers: [{ name: "root", image: "beamline.test/node:1" }] };
    const body = { apiVersion: "v1", kind: "Pod", metadata: { name: "root" }, spec };
    const refused = await expectStatus(cluster, 403, "POST", "/api/v1/namespaces/echo/pods", { body });
    assert.match(JSON.stringify(refused.body), /violates PodSecurity \\"restricted/);
  });

  it("gives the logs of a pod, and runs a command in it", async () => {
    assert.equal(await kubectl("logs", "--namespace=echo", "deployment/echo"), "echo listens\n");
    const out = await kubectl("exec", "--namespace=echo", "deployment/echo", "--", NODE, "-p", "process.getuid()");
    assert.equal(out, "65532\n");
  });

  it("resolves a Service by name inside a pod, and leads to every pod behind it", async () => {
    const seen = new Set<string>();
    await eventually(
      async () => {
        for (const url of [`http://${SERVICE}`, "http://echo.echo.svc.cluster.local"])
          seen.add((await askFromPod(url)).trim());
        return seen.size === 2;
      },
      { deadlineMs: DEADLINE_MS, everyMs: 100, describe: () => `both pods answered, not only ${[...seen]}` },
    );
    for (const name of seen) assert.match(name, HOST_NAME);
  });

  it("is reached from outside through a forward, at the address of a Service", async () => {
    const service = await kubectl("get", "service", "echo", "--namespace=echo", "--output=jsonpath={.spec.clusterIP}");
    await using forward = await cluster.forward(service, 80);
    const response = await fetch(`http://127.0.0.1:${forward.port}`);
    assert.match(await response.text(), HOST_NAME);
  });

  it("goes on serving while its API server is stopped", async () => {
    const service = await kubectl("get", "service", "echo", "--namespace=echo", "--output=jsonpath={.spec.clusterIP}");
    await using forward = await cluster.forward(service, 80);
    cluster.signal("kube-apiserver", "SIGSTOP");
    await assert.rejects(requestApi(cluster, "GET", "/readyz", { timeoutMs: 1_000 }), /no answer within 1000 ms/);
    assert.equal((await fetch(`http://127.0.0.1:${forward.port}`)).status, 200);
    cluster.signal("kube-apiserver", "SIGCONT");
    await expectStatus(cluster, 200, "GET", "/api/v1/namespaces/echo");
  });

  it("replaces a pod that is deleted", async () => {
    const names = async (): Promise<string[]> =>
      (await kubectl("get", "pods", "--namespace=echo", "--output=name")).trim().split("\n");
    const first = (await names())[0] ?? "";
    await kubectl("delete", "--namespace=echo", first, "--wait=true");
    await eventually(async () => (await names()).length === 2 && !(await names()).includes(first), {
      deadlineMs: DEADLINE_MS,
      everyMs: 100,
      describe: "another pod stands in its place",
    });
  });

  it("can be opened by another process by its name", async () => {
    const opened = await openCluster(cluster.name);
    assert.ok(opened !== undefined);
    await expectStatus(opened, 200, "GET", "/api/v1/namespaces/echo");
    assert.equal(await openCluster("no-such-cluster"), undefined);
  });

  it("knows nothing of another one beside it, which leaves nothing behind", async function () {
    const other = await startTestCluster(this, "other");
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: "only-there" } };
    await expectStatus(other, 201, "POST", "/api/v1/namespaces", { body });
    assert.equal((await requestApi(cluster, "GET", "/api/v1/namespaces/only-there")).status, 404);
    assert.ok(remains(other.name).length >= 3, "what is looked for is there while it runs");
    const processes = other.processes();
    await other.stop();
    assert.deepEqual(processes.filter(stillRuns), []);
    assert.deepEqual(remains(other.name), []);
    assert.match(await askFromPod(`http://${SERVICE}`), /^echo-/, "the first one goes on");
  });

  it("says which image it cannot find, and why it cannot take one", async () => {
    await assert.rejects(cluster.loadImage("no-such.tar"), {
      code: "INPUT_MISSING",
      message: /no-such\.tar cannot be read/,
    });
    await assert.rejects(cluster.loadImage(ECHO), { code: "PROCESS_FAILED", message: /images import .*: ctr: .+/ });
  });

  it("refuses the name of one that runs", async function () {
    await assert.rejects(startTestCluster(this), { code: "USAGE_INVALID", message: /is up already$/ });
    await expectStatus(cluster, 200, "GET", "/readyz");
  });

  it("ends with the process that started it, also after kill -9, and what is left is swept", async () => {
    const name = `test-${process.pid}-orphan`;
    const child = fork(join(import.meta.dirname, "fixtures", "start-cluster-and-wait.ts"), [name], { stdio: "ignore" });
    await once(child, "message");
    const processes = readRecord(layoutOf(name))?.processes ?? [];
    assert.ok(processes.length >= 10 && processes.every(stillRuns), `${processes.length} processes run`);
    child.kill("SIGKILL");
    await eventually(() => !processes.some(stillRuns), {
      deadlineMs: DEADLINE_MS,
      describe: () => `still there: ${processes.filter(stillRuns).map((each) => each.name)}`,
    });
    const lines: string[] = [];
    await removeOrphans((line) => lines.push(line));
    assert.deepEqual(lines, [`removing the cluster ${name}, which process ${child.pid} left behind`]);
    assert.deepEqual(remains(name), []);
  });
});
