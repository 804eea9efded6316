// What a user does first, to the letter: helm install, kubectl apply, kubectl wait; then work goes from a producer to a worker.
import assert from "node:assert/strict";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { CLUSTER_START_TIMEOUT_MS } from "./cluster.ts";
import { DEADLINE_MS, Installation, NAMESPACE } from "./installation.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");
const STREAM = "BEAMLINE_ASSIGNMENTS";
const CONSUMERS = ["provider_demo_openai", "provider_demo_anthropic", "provider_demo_local-llm"];

describe("the quickstart on a cluster", function () {
  this.timeout(CLUSTER_START_TIMEOUT_MS);
  let beamline: Installation;

  before(async function () {
    beamline = await Installation.prepare(this, "quickstart");
  });
  after(() => beamline?.[Symbol.asyncDispose]());

  it("installs with helm, as the chart stands, under restricted Pod Security", async () => {
    const notes = await beamline.install();
    assert.match(notes, /kubectl apply -f examples\/quickstart/);
    const warnings = await beamline.inNamespace("get", "events", "--field-selector=type=Warning,reason=FailedCreate");
    assert.doesNotMatch(warnings, /violates PodSecurity/);
  });

  it("puts the policies in force, which kubectl waits for", async () => {
    await beamline.kubectl("apply", "--filename", join(EXAMPLES, "quickstart"));
    const wait = ["wait", "--for=condition=Ready", "rp", "--all", "--all-namespaces", "--timeout=110s"];
    const waited = await beamline.kubectl(...wait);
    assert.match(waited, /routingpolicy\.beamline\.dev\/chat condition met/);
    await beamline.inNamespace("wait", "--for=condition=Ready", "router/default", "--timeout=60s");
  });

  it("answers a foreign client in a pod, and its work is done by a worker in another", async () => {
    await beamline.kubectl("apply", "--filename", join(EXAMPLES, "cluster"));
    await beamline.inNamespace("wait", "--for=condition=Complete", "job/example-producer", "--timeout=110s");
    const printed = await beamline.inNamespace("logs", "job/example-producer");
    assert.match(printed, /^decided: \{"providerId":"openai","reason":"rule"/m);
    assert.match(printed, /^assigned: \{"providerId":"openai"/m);
    const operator = await beamline.connectNats("operator");
    try {
      const { consumers } = await jetstreamManager(operator, { checkAPI: false });
      const settled = async (): Promise<number> => {
        const all = await Promise.all(CONSUMERS.map((name) => consumers.info(STREAM, name)));
        const open = all.reduce((sum, { num_pending, num_ack_pending }) => sum + num_pending + num_ack_pending, 0);
        return open > 0 ? 0 : all.reduce((sum, { delivered }) => sum + delivered.consumer_seq, 0);
      };
      const delivered = await eventually(async () => (await settled()) || undefined, {
        deadlineMs: DEADLINE_MS,
        describe: "the worker has settled what it was given",
      });
      assert.equal(delivered, 1, "one assignment for one submitted message");
    } finally {
      await operator.close();
    }
  });

  it("passes helm test", async () => {
    const tested = await beamline.helm("test", "beamline", "--logs", "--timeout=100s");
    assert.match(tested, /Phase: +Succeeded/);
  });

  it("tells the truth at a glance, explains a failure in one sentence, and reads like documentation", async () => {
    const table = await beamline.kubectl("get", "rp", "--all-namespaces");
    assert.match(table, /NAMESPACE +NAME +TENANT +POLICY +READY +REASON +AGE/);
    assert.match(table, /demo +chat +demo +chat +True +Ready/);
    const broken = '{"spec":{"rules":[{"name":"gold","when":"message.tier ==","prefer":["openai"]}]}}';
    await beamline.kubectl("--namespace=demo", "patch", "rp", "chat", "--type=merge", `--patch=${broken}`);
    await beamline.kubectl("--namespace=demo", "wait", "--for=condition=Ready=false", "rp/chat", "--timeout=60s");
    const described = await beamline.kubectl("--namespace=demo", "describe", "rp", "chat");
    assert.match(described, /Message: +spec\.rules\[0\]\.when: .*generation 1 stays in force/);
    assert.match(described, /Warning +InvalidExpression/);
    const explained = await beamline.kubectl("explain", "rp.spec.providers");
    assert.match(explained, /DESCRIPTION:\s+Who may take the work\./);
    await beamline.kubectl("apply", "--filename", join(EXAMPLES, "quickstart"));
    const undo = '{"spec":{"rules":null}}';
    await beamline.kubectl("--namespace=demo", "patch", "rp", "chat", "--type=merge", `--patch=${undo}`);
    await beamline.kubectl("--namespace=demo", "wait", "--for=condition=Ready", "rp/chat", "--timeout=60s");
  });

  it("runs as many routers as kubectl scale asks for", async () => {
    await beamline.inNamespace("scale", "router/default", "--replicas=3");
    await beamline.whenShown("3", "{.status.readyReplicas}", "router", "default", `--namespace=${NAMESPACE}`);
    await beamline.inNamespace("scale", "router/default", "--replicas=2");
    await beamline.whenShown("2", "{.status.replicas}", "router", "default", `--namespace=${NAMESPACE}`);
  });

  it("goes on without an operator, and a router that starts then comes up from the bucket", async () => {
    await beamline.inNamespace("scale", "deployment/beamline-operator", "--replicas=0");
    const pods = ["pods", `--namespace=${NAMESPACE}`, "--selector=beamline.dev/router=default"];
    const before = await beamline.kubectl("get", ...pods, "--output=jsonpath={.items[*].metadata.uid}");
    await beamline.inNamespace("delete", "pods", "--selector=beamline.dev/router=default", "--wait=false");
    await eventually(
      async () => {
        const ready = "{range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.uid} {end}";
        const uids = (await beamline.kubectl("get", ...pods, `--output=jsonpath=${ready}`)).trim().split(" ");
        return uids.length === 2 && uids.every((uid) => uid !== "" && !before.includes(uid)) ? true : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "two routers that are new are ready", everyMs: 250 },
    );
    await beamline.inNamespace("delete", "job", "example-producer", "--wait=true");
    await beamline.inNamespace("apply", "--filename", join(EXAMPLES, "cluster", "producer.yaml"));
    await beamline.inNamespace("wait", "--for=condition=Complete", "job/example-producer", "--timeout=110s");
    await beamline.inNamespace("scale", "deployment/beamline-operator", "--replicas=2");
  });

  it("leaves nothing of a policy or a release behind", async () => {
    await beamline.kubectl("delete", "--filename", join(EXAMPLES, "quickstart"), "--timeout=100s");
    await beamline.helm("uninstall", "beamline", "--wait", "--timeout=100s");
    // The pod of helm test has ended and stays for its logs, as Helm has it.
    const left = async (kind: string, ...more: readonly string[]): Promise<string> =>
      await beamline.inNamespace(
        "get",
        kind,
        "--selector=app.kubernetes.io/part-of=beamline",
        "--output=name",
        ...more,
      );
    await eventually(
      async () => {
        const objects = [await left("deployments"), await left("pods", "--field-selector=status.phase=Running")];
        return objects.join("").trim() === "" ? true : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: "no pod of the release runs", everyMs: 500 },
    );
    assert.match(await beamline.kubectl("get", "crds", "--output=name"), /routingpolicies\.beamline\.dev/);
  });
});
