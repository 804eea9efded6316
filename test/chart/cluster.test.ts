// The chart on a whole cluster, under the restricted Pod Security Standard: all of it with its accounts, and a NATS of three.
import assert from "node:assert/strict";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { CLUSTER_START_TIMEOUT_MS, type Cluster } from "../cluster/cluster.ts";
import { findClient } from "../cluster/find-program.ts";
import { startTestCluster } from "../cluster/for-tests.ts";
import {
  buildProductImage,
  NATS_REFERENCE,
  NATS_REPOSITORY,
  PRODUCT_REPOSITORY,
  writeNatsImage,
} from "../cluster/product-image.ts";
import { runCommand } from "../cluster/system-command.ts";
import { makeTempDir } from "../support/temp.ts";
import { CHART_DIR, findHelm, type Helm, type HelmName } from "./helm.ts";

const SYSTEM = "beamline-system";
const ALONE = "nats-alone";
const ROLLOUT_TIMEOUT = "55s";
const READY_TIMEOUT = "--timeout=60s";
const MESSAGES = 200;
const IMAGES = [
  `image.repository=${PRODUCT_REPOSITORY}`,
  `nats.image.repository=${NATS_REPOSITORY}`,
  `nats.image.tag=${NATS_REFERENCE.split(":").at(-1)}`,
  // The test cluster provisions no volumes.
  "nats.storage.enabled=false",
];
const THREE_OPEN_SERVERS = ["nats.secure=false", "nats.replicas=3", "operator.enabled=false", "router.create=false"];

describe("chart, on a cluster", function () {
  this.timeout(CLUSTER_START_TIMEOUT_MS);
  let cluster: Cluster;
  let helm: Helm;
  let kubectlPath: string;

  function kubectl(...kubectlArguments: readonly string[]): Promise<string> {
    return runCommand(kubectlPath, "--kubeconfig", cluster.kubeconfigPath, ...kubectlArguments);
  }

  before(async function () {
    cluster = await startTestCluster(this, "chart");
    helm = await findHelm(this, cluster.kubeconfigPath);
    kubectlPath = await findClient("kubectl", { progress: console.error });
    await using temp = await makeTempDir();
    for (const write of [buildProductImage, writeNatsImage] as const) {
      const tar = join(temp.path, "image.tar");
      await write(tar);
      await cluster.loadImage(tar);
    }
  });
  after(async () => {
    await helm?.remove();
    await cluster?.stop();
  });

  async function makeNamespace(name: string): Promise<void> {
    await kubectl("create", "namespace", name);
    await kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted");
  }

  async function install(namespace: string, name: HelmName, values: readonly string[]): Promise<void> {
    const flags = [`--namespace=${namespace}`, "--wait", "--timeout=90s", "--set", [...IMAGES, ...values].join(",")];
    await helm.output(name, "install", "beamline", CHART_DIR, ...flags);
  }

  function test(namespace: string): Promise<string> {
    return helm.output("helm", "test", "beamline", `--namespace=${namespace}`, "--logs", READY_TIMEOUT);
  }

  it("installs with helm4 and nothing but images set, and serves the quickstart", async () => {
    await makeNamespace(SYSTEM);
    await install(SYSTEM, "helm4", []);
    await kubectl("apply", "--filename", join(CHART_DIR, "examples", "quickstart"));
    await kubectl("wait", "--for=condition=Ready", "routingpolicies", "--all", "--all-namespaces", READY_TIMEOUT);
    assert.match(await test(SYSTEM), /^operator +well .*\nnats +well +.* lets us in with .*nats\.creds$/m);
  });

  it("keeps keys and credentials over an upgrade, and over an uninstall and the next install", async () => {
    const read = (): Promise<string> =>
      kubectl(
        "get",
        "secrets",
        `--namespace=${SYSTEM}`,
        "--selector=app.kubernetes.io/component=nats-accounts",
        '--output=jsonpath={range .items[*]}{.metadata.name} {.data}{"\\n"}{end}',
      );
    const before = await read();
    assert.equal(before.trim().split("\n").length, 6, "keys, operator, router, controlplane, producer, worker");
    const flags = [
      `--namespace=${SYSTEM}`,
      "--reset-then-reuse-values",
      "--set=operator.replicas=1",
      "--wait",
      "--timeout=90s",
    ];
    await helm.output("helm4", "upgrade", "beamline", CHART_DIR, ...flags);
    assert.equal(await read(), before);
    await helm.output("helm4", "uninstall", "beamline", `--namespace=${SYSTEM}`, "--wait");
    assert.equal(await read(), before);
    await install(SYSTEM, "helm", []);
    assert.equal(await read(), before);
    await helm.output("helm", "uninstall", "beamline", `--namespace=${SYSTEM}`, "--wait");
  });

  it("installs NATS alone with helm, and passes helm test, which shows what it asked", async () => {
    await makeNamespace(ALONE);
    await install(ALONE, "helm", THREE_OPEN_SERVERS);
    assert.match(await test(ALONE), /^nats +well +nats-server \d.* at nats:\/\/beamline-nats\.nats-alone\.svc:4222/m);
  });

  it("keeps what is stored while its servers are replaced one by one", async () => {
    const address = await kubectl(
      "get",
      "service",
      "beamline-nats",
      `--namespace=${ALONE}`,
      "--output=jsonpath={.spec.clusterIP}",
    );
    await using forward = await cluster.forward(address, 4222);
    const servers = `127.0.0.1:${forward.port}`;
    const first = await connect({ servers });
    await (await jetstreamManager(first)).streams.add({ name: "KEPT", subjects: ["kept"], num_replicas: 3 });
    for (let index = 0; index < MESSAGES; index++) await jetstream(first).publish("kept", String(index));
    const heard: string[] = [];
    void (async () => {
      for await (const { type } of first.status()) heard.push(type);
    })();

    const uids = (): Promise<string> =>
      kubectl(
        "get",
        "pods",
        `--namespace=${ALONE}`,
        "--selector=app.kubernetes.io/component=nats",
        "--output=jsonpath={.items[*].metadata.uid}",
      );
    const before = (await uids()).split(" ");
    await kubectl("rollout", "restart", "statefulset/beamline-nats", `--namespace=${ALONE}`);
    await kubectl(
      "rollout",
      "status",
      "statefulset/beamline-nats",
      `--namespace=${ALONE}`,
      `--timeout=${ROLLOUT_TIMEOUT}`,
    );
    const now = (await uids()).split(" ");
    assert.equal(now.length, 3);
    assert.deepEqual(
      now.filter((uid) => before.includes(uid)),
      [],
    );

    assert.ok(heard.includes("ldm"), `the server said that it would go before it went, not only: ${heard}`);
    const { state, cluster: group } = await (await jetstreamManager(first)).streams.info("KEPT");
    await first.close();
    assert.equal(state.messages, MESSAGES);
    assert.equal(group?.replicas?.length, 2);
  });
});
