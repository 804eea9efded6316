// The chart's NATS on a whole cluster, under the restricted Pod Security Standard: it forms, it answers, it rolls without a loss.
import assert from "node:assert/strict";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { CLUSTER_START_TIMEOUT_MS, type Cluster } from "../cluster/cluster.ts";
import { findOnPath } from "../cluster/executable.ts";
import { findProgram } from "../cluster/find-program.ts";
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
import { CHART_DIR, findHelm, type Helm } from "./helm.ts";

const NAMESPACE = "beamline-system";
const ROLLOUT_TIMEOUT = "55s";
const MESSAGES = 200;
const VALUES = [
  `image.repository=${PRODUCT_REPOSITORY}`,
  `nats.image.repository=${NATS_REPOSITORY}`,
  `nats.image.tag=${NATS_REFERENCE.split(":").at(-1)}`,
  "nats.storage.enabled=false",
  "nats.secure=false",
  "nats.replicas=3",
  "operator.enabled=false",
  "router.create=false",
];

describe("chart, its NATS on a cluster", function () {
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
    kubectlPath = (await findOnPath("kubectl")) ?? (await findProgram("kubectl", { progress: console.error }));
    await using temp = await makeTempDir();
    for (const write of [buildProductImage, writeNatsImage] as const) {
      const tar = join(temp.path, "image.tar");
      await write(tar);
      await cluster.loadImage(tar);
    }
    await kubectl("create", "namespace", NAMESPACE);
    await kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted");
    const flags = [`--namespace=${NAMESPACE}`, "--wait", "--timeout=90s", "--set", VALUES.join(",")];
    await helm.output("helm", "install", "beamline", CHART_DIR, ...flags);
  });
  after(async () => {
    await helm?.remove();
    await cluster?.stop();
  });

  it("passes helm test, which shows what it asked", async () => {
    const text = await helm.output("helm", "test", "beamline", `--namespace=${NAMESPACE}`, "--logs", "--timeout=60s");
    assert.match(text, /^nats +well +nats-server \d.* at nats:\/\/beamline-nats\.beamline-system\.svc:4222/m);
  });

  it("keeps what is stored while its servers are replaced one by one", async () => {
    const address = await kubectl(
      "get",
      "service",
      "beamline-nats",
      `--namespace=${NAMESPACE}`,
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
        `--namespace=${NAMESPACE}`,
        "--selector=app.kubernetes.io/component=nats",
        "--output=jsonpath={.items[*].metadata.uid}",
      );
    const before = (await uids()).split(" ");
    await kubectl("rollout", "restart", "statefulset/beamline-nats", `--namespace=${NAMESPACE}`);
    await kubectl(
      "rollout",
      "status",
      "statefulset/beamline-nats",
      `--namespace=${NAMESPACE}`,
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
